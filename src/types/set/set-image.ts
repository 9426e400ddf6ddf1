/**
 * A large set as it is when the image is made, to be written while commands change it: see
 * ../element-table/table-image.ts.
 */

import type { CommandSink, PartSink, ValueImage } from "../data-type.ts";
import { TableImage } from "../element-table/table-image.ts";
import { PartMeter } from "../packed-parts.ts";
import { type ValueMemory } from "../value-memory.ts";
import { AddCommands } from "./set-rewrite.ts";

export class SetImage implements ValueImage {
  private readonly members: TableImage;

  /** @param root of the set's table */
  constructor({ blocks }: ValueMemory, root: number) {
    this.members = new TableImage(blocks, root);
  }

  freezeStep(): boolean {
    return this.members.freezeStep();
  }

  *packInParts(sink: PartSink): Generator<void, void> {
    const { members } = this;
    const { element } = members;
    const meter = new PartMeter();
    sink.appendLength(members.size);
    while (members.nextBucket()) {
      while (members.next()) sink.appendText(element.buffer, element.keyStart, element.keyLength);
      if (meter.isFull(members.bucketBytes)) yield;
    }
  }

  *rewrite(key: Buffer, sink: CommandSink): Generator<void, void> {
    const { members } = this;
    const { element } = members;
    const commands = new AddCommands(key, sink);
    while (members.nextBucket()) {
      let isEnough = false;
      while (members.next()) isEnough = commands.add(Buffer.from(element.key())) || isEnough;
      if (isEnough) yield;
    }
    commands.end();
  }
}

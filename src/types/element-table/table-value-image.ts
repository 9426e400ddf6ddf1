/**
 * The image of a large set, or of a large hash without times: see table-image.ts. Both are a table, of members, or of
 * fields and values.
 */
import type { Blocks } from "../../memory/blocks.ts";
import { BatchedCommands } from "../batched-commands.ts";
import type { CommandSink, PartSink, ValueImage } from "../data-type.ts";
import { PartMeter } from "../packed-parts.ts";
import { TableImage } from "./table-image.ts";

export class TableValueImage implements ValueImage {
  private readonly table: TableImage;
  private readonly command: "SADD" | "HMSET";

  /** `root`: of the table; `command` makes the value, and says whether there are payloads. */
  constructor(blocks: Blocks, root: number, command: "SADD" | "HMSET") {
    this.table = new TableImage(blocks, root);
    this.command = command;
  }

  freezeStep(): boolean {
    return this.table.freezeStep();
  }

  *packInParts(sink: PartSink): Generator<void, void> {
    const { table } = this;
    const { element } = table;
    const meter = new PartMeter();
    sink.appendLength(table.size);
    while (table.nextBucket()) {
      let isFull = false;
      while (table.next()) {
        const { buffer, keyLength, payloadLength } = element;
        sink.appendText(buffer, element.keyStart, keyLength);
        if (this.hasPayloads) sink.appendText(buffer, element.payloadStart, payloadLength);
        isFull = meter.isFull(keyLength + payloadLength) || isFull;
      }
      if (isFull) yield;
    }
  }

  *rewrite(key: Buffer, sink: CommandSink): Generator<void, void> {
    const { table } = this;
    const { element } = table;
    const commands = new BatchedCommands(this.command, key, sink);
    while (table.nextBucket()) {
      let isEnough = false;
      while (table.next()) {
        const name = Buffer.from(element.key());
        const isFull = this.hasPayloads
          ? commands.add(name, Buffer.from(element.payload()))
          : commands.add(name);
        isEnough = isFull || isEnough;
      }
      if (isEnough) yield;
    }
    commands.end();
  }

  private get hasPayloads(): boolean {
    return this.command === "HMSET";
  }
}

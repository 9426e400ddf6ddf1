/**
 * A large hash without times as it is when the image is made, to be written while commands change it: see
 * ../element-table/table-image.ts.
 */
import type { CommandSink, PartSink, ValueImage } from "../data-type.ts";
import { TableImage } from "../element-table/table-image.ts";
import { PartMeter } from "../packed-parts.ts";
import type { ValueMemory } from "../value-memory.ts";
import { SetCommands } from "./hash-rewrite.ts";

export class HashImage implements ValueImage {
  private readonly fields: TableImage;

  /** @param table root of the table of fields and values */
  constructor({ blocks }: ValueMemory, table: number) {
    this.fields = new TableImage(blocks, table);
  }

  freezeStep(): boolean {
    return this.fields.freezeStep();
  }

  *packInParts(sink: PartSink): Generator<void, void> {
    const { fields } = this;
    const { element } = fields;
    const meter = new PartMeter();
    sink.appendLength(fields.size);
    while (fields.nextBucket()) {
      let bytes = 0;
      while (fields.next()) {
        const { buffer, keyLength, payloadLength } = element;
        sink.appendText(buffer, element.keyStart, keyLength);
        sink.appendText(buffer, element.payloadStart, payloadLength);
        bytes += keyLength + payloadLength;
      }
      if (meter.isFull(bytes)) yield;
    }
  }

  *rewrite(key: Buffer, sink: CommandSink): Generator<void, void> {
    const { fields } = this;
    const { element } = fields;
    const commands = new SetCommands(key, sink);
    while (fields.nextBucket()) {
      let isEnough = false;
      while (fields.next())
        isEnough = commands.set(Buffer.from(element.key()), Buffer.from(element.payload())) || isEnough;
      if (isEnough) yield;
    }
    commands.end();
  }
}

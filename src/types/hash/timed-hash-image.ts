/**
 * A large hash with times as it is when the image is made, to be written while commands change it: the image of its
 * table of fields, and the frozen table of times beside it.
 */
import { BatchedCommands } from "../batched-commands.ts";
import type { CommandSink, PartSink, ValueImage } from "../data-type.ts";
import { FrozenTable } from "../element-table/frozen-table.ts";
import { TableImage } from "../element-table/table-image.ts";
import { PartMeter } from "../packed-parts.ts";
import type { ValueMemory } from "../value-memory.ts";
import { timeIn } from "./field-times.ts";
import { appendTime, relativeTime } from "./hash-packing.ts";
import { NO_TIME } from "./timed-listpack.ts";

export class TimedHashImage implements ValueImage {
  private readonly fields: TableImage;
  private readonly times: FrozenTable;
  private areFieldsFrozen = false;

  /** The roots of the two tables; there are times. */
  constructor({ blocks, keyHash }: ValueMemory, fields: number, times: number) {
    this.fields = new TableImage(blocks, fields);
    this.times = new FrozenTable(blocks, keyHash, times);
  }

  freezeStep(): boolean {
    if (this.areFieldsFrozen) return this.times.freezeStep();
    this.areFieldsFrozen = this.fields.freezeStep();
    return false;
  }

  *packInParts(sink: PartSink): Generator<void, void> {
    const { fields, times } = this;
    const { element } = fields;
    const meter = new PartMeter();
    const earliest = yield* this.earliest();
    appendTime(sink, earliest);
    sink.appendLength(fields.size);
    while (fields.nextBucket()) {
      let isFull = false;
      while (fields.next()) {
        const { buffer, keyLength, keyStart, payloadLength } = element;
        const time = times.find(buffer, keyStart, keyLength) ? timeIn(times.element) : NO_TIME;
        sink.appendLength(relativeTime(time, earliest));
        sink.appendText(buffer, keyStart, keyLength);
        sink.appendText(buffer, element.payloadStart, payloadLength);
        isFull = meter.isFull(keyLength + payloadLength) || isFull;
      }
      if (isFull) yield;
    }
    yield* times.release();
  }

  *rewrite(key: Buffer, sink: CommandSink): Generator<void, void> {
    const { fields, times } = this;
    const commands = new BatchedCommands("HMSET", key, sink);
    while (fields.nextBucket()) {
      let isEnough = false;
      while (fields.next()) {
        const { element } = fields;
        isEnough = commands.add(Buffer.from(element.key()), Buffer.from(element.payload())) || isEnough;
      }
      if (isEnough) yield;
    }
    commands.end();
    const { element } = times;
    yield* times.walk(() => {
      sink("HPEXPIREAT", key, timeIn(element), "FIELDS", 1, Buffer.from(element.key()));
    });
    yield* times.release();
  }

  private *earliest(): Generator<void, number> {
    const { times } = this;
    const { element } = times;
    let least = Number.POSITIVE_INFINITY;
    yield* times.walk(() => {
      least = Math.min(least, timeIn(element));
    });
    return least;
  }
}

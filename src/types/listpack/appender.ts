/**
 * Appending many elements at once: memory is resized seldom, and the header and the end are written once.
 *
 *     appender.begin(list, bytesExpected);
 *     for (...) appender.add(value);
 *     appender.end();
 *
 * Between `begin` and `end` the memory holds no listpack, and nobody else may change it.
 */
import type { PackedBytes } from "../packed-bytes.ts";
import { ElementValue } from "./element-value.ts";
import { END } from "./encoding.ts";
import { endOffset, headerCount, writeHeader } from "./listpack.ts";

const MIN_ROOM_BYTES = 256;

export class ListpackAppender {
  private list: PackedBytes | undefined;
  /** Where the next element goes. */
  private offset = 0;
  /** As in the header: what is unknown stays so, however much is added. */
  private count = 0;
  private readonly integer = new ElementValue();

  /** Begins at the end of a listpack. `bytesExpected` of elements will come; more are no error. */
  begin(list: PackedBytes, bytesExpected: number): void {
    this.list = list;
    this.offset = endOffset(list.buffer, list.start);
    this.count = headerCount(list.buffer, list.start);
    list.resize(this.offset + bytesExpected + 1);
  }

  add(value: ElementValue): void {
    const list = this.list!;
    const { offset } = this;
    const needed = offset + value.size + 1;
    if (needed > list.length) list.resize(Math.max(needed, offset + (offset >> 1), MIN_ROOM_BYTES));
    value.write(list.buffer, list.start + offset);
    this.offset = offset + value.size;
    this.count++;
  }

  addInteger(value: number): void {
    this.add(this.integer.setInteger(value));
  }

  /** Makes it a listpack again, in just the memory it needs. */
  end(): void {
    const list = this.list!;
    const length = this.offset + 1;
    list.resize(length);
    list.buffer[list.start + this.offset] = END;
    writeHeader(list.buffer, list.start, length, this.count);
    this.list = undefined;
  }
}

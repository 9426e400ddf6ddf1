/**
 * Entries for tests: ids as BigInt, fields and values as pairs.
 */

import { StreamId } from "../../../src/types/stream/stream-id.ts";
import type { EntrySource } from "../../../src/types/stream/stream-node.ts";
import type { StreamRange } from "../../../src/types/stream/stream-range.ts";

const WORDS = [96n, 64n, 32n, 0n];

/** The id whose parts are the upper and the lower 64 bits. */
export function idOf(number: bigint): StreamId {
  const [msHigh, msLow, seqHigh, seqLow] = WORDS.map((shift) => Number(BigInt.asIntN(32, number >> shift)));
  return new StreamId().setWords(msHigh, msLow, seqHigh, seqLow);
}

/** The pairs as the arguments of a request. */
export function sourceOf(pairs: readonly (readonly [string, string])[]): EntrySource {
  const parts = pairs.flat().map((text) => Buffer.from(text));
  const len = Int32Array.from(parts, (part) => part.length);
  const start = new Int32Array(parts.length);
  for (let i = 1; i < parts.length; i++) start[i] = start[i - 1] + len[i - 1];
  return { buf: Buffer.concat(parts), start, len };
}

/** All entries of a range that was begun. */
export function entriesOf(range: StreamRange): { id: bigint; pairs: [string, string][] }[] {
  const found: { id: bigint; pairs: [string, string][] }[] = [];
  const bytes = Buffer.alloc(16);
  while (range.next()) {
    const { entries } = range;
    const pairs: [string, string][] = [];
    entries.beginFields();
    for (let i = 0; i < entries.pairs; i++) {
      entries.readPair();
      const { field, value } = entries;
      pairs.push([
        field.buffer.toString("utf8", field.start, field.start + field.length),
        value.buffer.toString("utf8", value.start, value.start + value.length),
      ]);
    }
    entries.id.writeBytes(bytes, 0);
    found.push({ id: (bytes.readBigUInt64BE(0) << 64n) | bytes.readBigUInt64BE(8), pairs });
  }
  return found;
}

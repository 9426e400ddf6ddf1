/**
 * Streams in RDB's form, read part by part: types 15 (Redis 5 to 6), 19 (7.0) and 21 (7.2). Only the form is checked
 * here and nothing is believed: the visitor of the parts decides what they mean. The layout is in stream-pack.ts; type
 * 15 has neither first and greatest deleted id nor entries added and read, type 21 has when a consumer was active
 * behind when it was seen, as another 8 bytes.
 */

import { Int64 } from "../../base/int64.ts";
import { readInt32 } from "../../base/little-endian.ts";
import { StorageError } from "../../base/storage-error.ts";
import {
  decodeLength64,
  decodePlainLength,
  decodeString,
  type RdbBytes,
  RdbEncodingError,
  RdbLength,
} from "../rdb-encoding.ts";
import { ID_BYTES, StreamId } from "./stream-id.ts";

/** RDB_TYPE_STREAM_LISTPACKS, _2 and _3. */
export const RDB_STREAM_1 = 15;
export const RDB_STREAM_2 = 19;
export const RDB_STREAM_3 = 21;

const TIME_BYTES = 8;

/** What is not an id or count of its own, of a stream. */
export class StreamTotals {
  readonly length: Int64 = new Int64();
  readonly lastId: StreamId = new StreamId();
  /** The rest is unknown in type 15. */
  isKnown = false;
  readonly firstId: StreamId = new StreamId();
  readonly maxDeletedId: StreamId = new StreamId();
  readonly entriesAdded: Int64 = new Int64();
}

/** Is shown the parts of a stream, in this order. What it is given is valid during the call only. */
export interface StreamVisitor {
  node(id: StreamId, listpack: Buffer): void;
  totals(totals: StreamTotals): void;
  /** `entriesRead` is unknown in type 15. */
  group(name: Buffer, lastId: StreamId, entriesRead: Int64 | undefined): void;
  pending(id: StreamId, time: Int64, count: Int64): void;
  consumer(name: Buffer, seen: Int64, active: Int64): void;
  /** A pending entry of the consumer. */
  owned(id: StreamId): void;
  endGroup(): void;
}

/** Throws the error for bytes that are no stream. */
export function refuse(reason: string): never {
  throw new StorageError("corrupt", `a packed stream ${reason}`);
}

/** Shows all parts. Throws a StorageError "corrupt" where the form is wrong, and what the visitor throws. */
export function parseStream(packed: Buffer, rdbType: number, visitor: StreamVisitor): void {
  try {
    new StreamParser(packed, rdbType, visitor).parse();
  } catch (error) {
    if (error instanceof RdbEncodingError) refuse(`is damaged: ${error.message}`);
    throw error;
  }
}

class StreamParser implements RdbBytes {
  readonly buffer: Buffer;
  next = 0;
  readonly end: number;
  private readonly rdbType: number;
  private readonly visitor: StreamVisitor;
  private readonly scratch = new RdbLength();
  private readonly id = new StreamId();
  private readonly time = new Int64();
  private readonly active = new Int64();
  private readonly count = new Int64();

  constructor(packed: Buffer, rdbType: number, visitor: StreamVisitor) {
    this.buffer = packed;
    this.end = packed.length;
    this.rdbType = rdbType;
    this.visitor = visitor;
  }

  parse(): void {
    const { id, visitor } = this;
    for (let left = this.length(); left > 0; left--) {
      const idBytes = this.string();
      if (idBytes.length !== ID_BYTES) refuse("has a node whose id has a wrong size");
      visitor.node(id.readBytes(idBytes, 0), this.string());
    }
    this.parseTotals();
    for (let left = this.length(); left > 0; left--) this.parseGroup();
    if (this.next !== this.end) refuse("is followed by other bytes");
  }

  private parseTotals(): void {
    const totals = new StreamTotals();
    this.integer64(totals.length);
    this.lengthsId(totals.lastId);
    totals.isKnown = this.rdbType !== RDB_STREAM_1;
    if (totals.isKnown) {
      this.lengthsId(totals.firstId);
      this.lengthsId(totals.maxDeletedId);
      this.integer64(totals.entriesAdded);
    }
    this.visitor.totals(totals);
  }

  private parseGroup(): void {
    const { visitor, id, time, active, count } = this;
    const name = this.string();
    this.lengthsId(id);
    const hasCounter = this.rdbType !== RDB_STREAM_1;
    if (hasCounter) this.integer64(count);
    visitor.group(name, id, hasCounter ? count : undefined);
    for (let left = this.length(); left > 0; left--) {
      this.rawId();
      this.rawTime(time);
      this.integer64(count);
      visitor.pending(id, time, count);
    }
    for (let left = this.length(); left > 0; left--) {
      const consumer = this.string();
      this.rawTime(time);
      // The older forms do not say: Redis takes the one for the other.
      if (this.rdbType === RDB_STREAM_3) this.rawTime(active);
      else active.setWords(time.high, time.low);
      visitor.consumer(consumer, time, active);
      for (let owned = this.length(); owned > 0; owned--) {
        this.rawId();
        visitor.owned(id);
      }
    }
    visitor.endGroup();
  }

  private length(): number {
    if (!decodePlainLength(this, this.scratch)) refuse("ends early");
    return this.scratch.value;
  }

  private integer64(into: Int64): void {
    if (!decodeLength64(this, into)) refuse("ends early");
  }

  private string(): Buffer {
    return decodeString(this) ?? refuse("ends early");
  }

  /** Reads an id that is written as two lengths. */
  private lengthsId(into: StreamId): void {
    const part = new Int64();
    this.integer64(part);
    const { high, low } = part;
    this.integer64(part);
    into.setWords(high, low, part.high, part.low);
  }

  private rawId(): void {
    this.id.readBytes(this.buffer, this.take(ID_BYTES));
  }

  private rawTime(time: Int64): void {
    const at = this.take(TIME_BYTES);
    time.setWords(readInt32(this.buffer, at + 4), readInt32(this.buffer, at));
  }

  /** Passes over that number of bytes; returns where they begin. */
  private take(length: number): number {
    const at = this.next;
    if (this.end - at < length) refuse("ends early");
    this.next = at + length;
    return at;
  }
}

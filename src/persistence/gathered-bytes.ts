/**
 * The bytes of a file in the making. Appending is synchronous and goes to memory, so that it can be done in slices of
 * time while commands run in between; `drain` hands what has gathered to the sink. Owns the buffer, and knows up to
 * where the checksum has come, which each kind of file has its own of.
 */
import { withView } from "../base/byte-copy.ts";

/** Takes the next bytes of the file; the chunk may be reused once the promise is settled. */
export type ByteSink = (chunk: Buffer) => Promise<void>;

/** Of what has no file: it is taken away, or appended to what another writer has gathered. */
export const NO_SINK: ByteSink = () => Promise.reject(new Error("what is gathered aside has no file"));

/** Size of a fresh buffer; one that a large value has blown up is not kept. */
const BUFFER_BYTES = 1 << 16;
/** Of what is gathered aside, of which there may be thousands at a time, each of few bytes. */
const ASIDE_BYTES = 256;
const BUFFER_KEPT_MAX_BYTES = 1 << 20;
/** What the sink gets at once: its checksum, unless it is there already, takes half a millisecond. */
const PART_BYTES = 1 << 19;

/** Carries a view, so that strings of common lengths are copied without an object for each. */
function newBuffer(bytes: number): Buffer {
  return withView(Buffer.allocUnsafeSlow(bytes));
}

/** Less than any index of a database. */
export const NO_DATABASE = -1;

export abstract class GatheredBytes {
  protected buffer: Buffer;
  protected length = 0;
  /** The database to which what is appended next belongs, as far as these bytes say it. */
  protected selected = NO_DATABASE;
  /** Up to where the checksum has come in the buffer. */
  private summed = 0;
  private spare: Buffer | undefined;
  protected isDraining = false;
  /** What is being drained has bytes to which the checksum has not come. */
  private isBehind = false;
  private drainedBytes = 0;
  private readonly sink: ByteSink;

  constructor(sink: ByteSink) {
    this.sink = sink;
    this.buffer = newBuffer(sink === NO_SINK ? ASIDE_BYTES : BUFFER_BYTES);
  }

  /** Takes bytes `start` to `end` (exclusive), which follow those before, into the checksum. */
  protected abstract addToChecksum(bytes: Buffer, start: number, end: number): void;

  /** Names the database of what follows. */
  protected abstract appendSelectDb(db: number): void;

  /** The end of the file. No drain may be under way. */
  abstract appendEnd(): void;

  /** What follows belongs to this database. */
  selectDb(db: number): void {
    if (db === this.selected) return;
    this.selected = db;
    this.appendSelectDb(db);
  }

  /** Bytes appended and not yet handed to the sink: the caller drains when there are enough. */
  get pendingBytes(): number {
    return this.length;
  }

  /** Bytes appended so far: the file's size after the last drain. */
  get totalBytes(): number {
    return this.drainedBytes + this.length;
  }

  /**
   * Hands everything appended so far to the sink, in parts: what must be handed over at a time is unlimited, but the
   * checksum of each part is computed in one go. Appending may go on meanwhile; a second drain, and the end, may not.
   * If the sink rejects, so does this, and the file is lost: its bytes are not offered again.
   */
  async drain(): Promise<void> {
    if (this.isDraining) throw new Error("drain called while it runs");
    if (this.length === 0) return;
    this.isDraining = true;
    const { buffer, length, summed } = this;
    this.buffer = this.spare ?? newBuffer(BUFFER_BYTES);
    this.spare = undefined;
    this.length = 0;
    this.summed = 0;
    this.drainedBytes += length;
    this.isBehind = summed < length;
    try {
      for (let from = 0; from < length; from += PART_BYTES) {
        const to = Math.min(from + PART_BYTES, length);
        if (summed < to) this.addToChecksum(buffer, Math.max(from, summed), to);
        this.isBehind = Math.max(summed, to) < length;
        await this.sink(buffer.subarray(from, to));
      }
      if (buffer.length <= BUFFER_KEPT_MAX_BYTES) this.spare = buffer;
    } finally {
      this.isDraining = false;
    }
  }

  /** Brings the checksum up to what was appended, unless what comes before is not done: otherwise `drain` does it for
   * all of its bytes. */
  sum(): void {
    if (this.isBehind) return;
    this.addToChecksum(this.buffer, this.summed, this.length);
    this.summed = this.length;
  }

  /** What was appended last does not count for the checksum, which has come up to it. */
  protected leaveOut(): void {
    this.summed = this.length;
  }

  /** Appends what another writer has gathered, and empties that. The other has no drain under way. */
  appendFrom(other: GatheredBytes): void {
    this.appendBytes(other.buffer, 0, other.length);
    if (other.selected !== NO_DATABASE) this.selected = other.selected;
    other.discard();
  }

  /** A copy of what has gathered, which is given up. */
  take(): Buffer {
    const bytes = Buffer.from(this.buffer.subarray(0, this.length));
    this.discard();
    return bytes;
  }

  /** Gives up what has gathered, of which nothing is being drained; returns how many bytes that was. */
  discard(): number {
    const { length } = this;
    this.length = 0;
    this.summed = 0;
    this.selected = NO_DATABASE;
    if (this.buffer.length > BUFFER_KEPT_MAX_BYTES) this.buffer = newBuffer(BUFFER_BYTES);
    return length;
  }

  appendBytes(bytes: Uint8Array, start = 0, length = bytes.length): void {
    this.reserve(length);
    this.buffer.set(bytes.subarray(start, start + length), this.length);
    this.length += length;
  }

  protected reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const grown = newBuffer(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }
}

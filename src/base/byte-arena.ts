/**
 * Scratch memory for many short-lived byte strings that are all given up together: one buffer cut into pieces,
 * instead of one allocation each, which the garbage collector would have to find. A large piece has a buffer of its
 * own, whose memory is given back to the system.
 */
import { releaseMemory } from "./release-memory.ts";

const EMPTY = Buffer.alloc(0);
const INITIAL_BYTES = 256 * 1024;
/** A piece of more has a buffer of its own. */
const LARGE_PIECE_BYTES = 1024 * 1024;
/** A larger buffer is not kept. */
const KEPT_BYTES = 8 * 1024 * 1024;

export class ByteArena {
  private buffer: Buffer = EMPTY;
  private used = 0;
  private large: Buffer[] = [];
  private readonly before: number;
  private readonly after: number;

  /** With each piece come `before` bytes in front of it and `after` bytes behind it, for who knows of them. */
  constructor(before = 0, after = 0) {
    this.before = before;
    this.after = after;
  }

  /** A piece of `length` bytes, contents undefined, valid until `reset`. */
  take(length: number): Buffer {
    const { before } = this;
    const needed = before + length + this.after;
    if (needed > LARGE_PIECE_BYTES) {
      const own = Buffer.allocUnsafeSlow(needed);
      this.large.push(own);
      return own.subarray(before, before + length);
    }
    if (this.used + needed > this.buffer.length) {
      // Pieces handed out keep the old buffer alive for as long as they are needed.
      this.buffer = Buffer.allocUnsafeSlow(Math.max(INITIAL_BYTES, this.buffer.length * 2, needed));
      this.used = 0;
    }
    const start = this.used + before;
    this.used += needed;
    return this.buffer.subarray(start, start + length);
  }

  /** Whether a piece, or what is left of it, has a buffer of its own. */
  isLarge(piece: Buffer): boolean {
    return this.large.some(({ buffer }) => buffer === piece.buffer);
  }

  /** Gives up a large piece before the others. */
  giveUp(piece: Buffer): void {
    for (const large of this.large) if (large.buffer === piece.buffer) releaseMemory(large);
    this.large = this.large.filter(({ length }) => length > 0);
  }

  /** All pieces are given up: nobody may use one any more. */
  reset(): void {
    this.used = 0;
    if (this.buffer.length > KEPT_BYTES) this.buffer = EMPTY;
    if (this.large.length === 0) return;
    for (const piece of this.large) releaseMemory(piece);
    this.large = [];
  }
}

/**
 * The keys and values of the run. Both follow from the key's number, so that nothing need be remembered to
 * check what comes back. Half of a value is random, so that LZ4 cannot make it small; the other half is text.
 */

const KEY_DIGITS = 12;
const KEY_PREFIX = "key:";
const TEXT = "tsredis keeps what does not fit into memory on disk. ";
const WORD_BYTES = 4;

export const KEY_BYTES = KEY_PREFIX.length + KEY_DIGITS;

export function keyOf(index: number): string {
  return KEY_PREFIX + String(index).padStart(KEY_DIGITS, "0");
}

/** The number in a key; -1 for a key that is none of ours. */
export function indexOf(key: Buffer): number {
  if (key.length !== KEY_BYTES) return -1;
  const text = key.toString("latin1");
  const index = Number(text.slice(KEY_PREFIX.length));
  return Number.isInteger(index) && text === keyOf(index) ? index : -1;
}

export class ValueMaker {
  /** The value that `make` has made last. */
  readonly value: Buffer;
  private readonly words: Int32Array;

  constructor(sizeBytes: number) {
    const memory = new ArrayBuffer(Math.ceil(sizeBytes / WORD_BYTES) * WORD_BYTES);
    this.value = Buffer.from(memory, 0, sizeBytes).fill(TEXT);
    this.words = new Int32Array(memory, 0, Math.ceil(sizeBytes / 2 / WORD_BYTES));
  }

  /** Makes the value of key `index`, in `value`. */
  make(index: number): Buffer {
    // xorshift32 (Marsaglia): quick, and more than random enough for a compressor. Zero would be a dead end.
    let state = (Math.imul(index + 1, 0x9e3779b1) ^ 0x5bd1e995) | 1;
    const { words } = this;
    words[0] = index;
    for (let i = 1; i < words.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[i] = state;
    }
    return this.value;
  }

  /** Whether `reply` is the value of key `index`. */
  matches(index: number, reply: unknown): boolean {
    return Buffer.isBuffer(reply) && this.make(index).equals(reply);
  }
}

/**
 * Finds keys that stand twice in a file, in little memory: Redis and tsredis refuse such a file. In a first pass all
 * keys go through a Bloom filter, which names a few as suspects; in a second the suspects are counted.
 */
import { KeyHash } from "../../memory/key-hash.ts";

const BITS_MAX = 2 ** 31;
const BITS_MIN = 2 ** 16;
/** An entry of a file hardly takes less; if it does, there are more suspects. */
const ENTRY_BYTES = 24;
const BITS_PER_KEY = 10;
const PROBES = 7;
const DB_BYTES = 4;

export class DuplicateKeys {
  readonly #bits: Uint8Array;
  readonly #mask: number;
  readonly #first = new KeyHash(Buffer.alloc(16, 1));
  readonly #second = new KeyHash(Buffer.alloc(16, 2));
  /** Times that each suspect was counted. */
  readonly #suspects = new Map<string, number>();

  /** For the keys of a file of this size. */
  constructor(fileBytes: number) {
    const wanted = (fileBytes / ENTRY_BYTES) * BITS_PER_KEY;
    let bits = BITS_MIN;
    while (bits < wanted && bits < BITS_MAX) bits *= 2;
    this.#bits = new Uint8Array(bits / 8);
    this.#mask = bits - 1;
  }

  /** First pass. */
  look(db: number, key: Buffer): void {
    const name = nameOf(db, key);
    const step = this.#second.of(name, 0, name.length) | 1;
    let place = this.#first.of(name, 0, name.length);
    let isNew = false;
    for (let i = 0; i < PROBES; i++) {
      const bit = (place & this.#mask) >>> 0;
      const at = bit >>> 3;
      const value = 1 << (bit & 7);
      if ((this.#bits[at] & value) === 0) {
        isNew = true;
        this.#bits[at] |= value;
      }
      place = (place + step) | 0;
    }
    if (!isNew) this.#suspects.set(name.toString("latin1"), 0);
  }

  get hasSuspects(): boolean {
    return this.#suspects.size > 0;
  }

  /** Second pass: counts the key. True if it stood there before. */
  isRepeated(db: number, key: Buffer): boolean {
    if (this.#suspects.size === 0) return false;
    const name = nameOf(db, key).toString("latin1");
    const count = this.#suspects.get(name);
    if (count === undefined) return false;
    this.#suspects.set(name, count + 1);
    return count > 0;
  }
}

function nameOf(db: number, key: Buffer): Buffer {
  const name = Buffer.allocUnsafe(DB_BYTES + key.length);
  name.writeUInt32LE(db >>> 0, 0);
  key.copy(name, DB_BYTES);
  return name;
}

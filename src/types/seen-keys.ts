/**
 * Finds keys that occur twice in packed bytes from outside (members, fields), without an object for each: a hash table
 * of the positions at which they stand. The hash is seeded, so that nobody can make a payload that takes long.
 */
import type { KeyHash } from "../memory/key-hash.ts";

const INITIAL_PLACES = 64;

/** Whether these bytes are the key at an earlier position. Asked only if both have the same hash. */
export type IsSameKey = (position: number, buffer: Buffer, start: number, length: number) => boolean;

export class SeenKeys {
  private readonly keyHash: KeyHash;
  private readonly isSameKey: IsSameKey;
  /** Two for each place: the hash, and the position + 1 (0: the place is free). */
  private places = new Int32Array(2 * INITIAL_PLACES);
  private size = 0;

  constructor(keyHash: KeyHash, isSameKey: IsSameKey) {
    this.keyHash = keyHash;
    this.isSameKey = isSameKey;
  }

  /** Notes a key, and the position (below 2^32 - 1) at which it stands; false if it was there before. */
  add(position: number, buffer: Buffer, start: number, length: number): boolean {
    if (4 * this.size > this.places.length) this.grow();
    const hash = this.keyHash.of(buffer, start, length);
    const { places } = this;
    let i = this.firstPlace(hash);
    for (; places[i + 1] !== 0; i = (i + 2) & (places.length - 1)) {
      if (places[i] === hash && this.isSameKey((places[i + 1] >>> 0) - 1, buffer, start, length))
        return false;
    }
    places[i] = hash;
    places[i + 1] = position + 1;
    this.size++;
    return true;
  }

  private firstPlace(hash: number): number {
    return (hash << 1) & (this.places.length - 1);
  }

  private grow(): void {
    const old = this.places;
    this.places = new Int32Array(2 * old.length);
    for (let k = 0; k < old.length; k += 2) {
      if (old[k + 1] === 0) continue;
      let i = this.firstPlace(old[k]);
      while (this.places[i + 1] !== 0) i = (i + 2) & (this.places.length - 1);
      this.places[i] = old[k];
      this.places[i + 1] = old[k + 1];
    }
  }
}

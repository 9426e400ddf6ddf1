/**
 * What data types keep their values in, one per keyspace: the entries, the blocks that large values are made of, the
 * seeded hash of members and fields, and the limits between small and large.
 */
import { Blocks } from "../memory/blocks.ts";
import type { Entries } from "../memory/entries.ts";
import type { KeyHash } from "../memory/key-hash.ts";
import { defaultTypeLimits, type TypeLimits } from "./limits.ts";

export class ValueMemory {
  readonly entries: Entries;
  readonly blocks: Blocks;
  /** Order of members and fields, and so what cursors of HSCAN, SSCAN and ZSCAN are positions in. */
  readonly keyHash: KeyHash;
  readonly limits: TypeLimits = defaultTypeLimits();

  constructor(entries: Entries, keyHash: KeyHash) {
    this.entries = entries;
    this.blocks = new Blocks(entries.slabs, entries.huge);
    this.keyHash = keyHash;
  }
}

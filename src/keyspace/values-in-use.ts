/**
 * Large values that stay in memory because they are in use. A value goes to disk, and comes back, as a whole: if one
 * that takes a good part of the memory left after each command, a hundred commands would read and write it a hundred
 * times. So it is no victim until nobody has used it for a moment, or nothing else could make room.
 *
 * Several are kept only while all of them together leave half of the limit to the rest; who came first stays. One
 * alone may be larger than all memory. Then what it takes beyond that half is exempt from the limit, but only as far
 * as it was found that nothing else could leave: so memory never exceeds the limit by more than a value in use takes,
 * however wrong the estimates of sizes are.
 */

import type { Database } from "./database.ts";
import { entryBytes } from "./entry-size.ts";
import type { Keyspace } from "./keyspace.ts";
import type { SpillBudget } from "./spiller.ts";

/** A value that takes this share of the limit is large, if it has so many bytes: smaller ones cost little to move. */
const LARGE_SHARE = 1 / 16;
const LARGE_BYTES = 1024 * 1024;
/** What is left to all other data. */
const SHARE_OF_OTHERS = 1 / 2;
/** Elements looked at to estimate how large a value is. */
const SIZE_SAMPLES = 20;
/** Where even the values in use must go, none is kept for so long. */
const GIVEN_UP_MS = 100;

interface KeptValue {
  readonly database: Database;
  readonly key: Buffer;
}

export class ValuesInUse {
  private kept: KeptValue[] = [];
  private givenUpUntilMs = 0;
  private totalBytes = 0;
  private readonly keyspace: Keyspace;
  private readonly budget: SpillBudget;

  constructor(keyspace: Keyspace, budget: SpillBudget) {
    this.keyspace = keyspace;
    this.budget = budget;
  }

  /** What they take together, by estimate, as of the last `refresh` or `keeps`. */
  get bytes(): number {
    return this.totalBytes;
  }

  get count(): number {
    return this.kept.length;
  }

  /** Whether an entry that was chosen to leave memory shall stay. */
  keeps(database: Database, address: number): boolean {
    const bytes = this.bytesInUse(address);
    if (bytes === 0) return false;
    if (this.kept.some((value) => this.addressOf(value) === address)) return true;
    if (!this.hasRoom(bytes) || this.keyspace.clock.monotonicMs() < this.givenUpUntilMs) return false;
    this.kept.push({ database, key: Buffer.from(this.keyspace.entries.key(address)) });
    this.totalBytes += bytes;
    return true;
  }

  /** Forgets those that are no longer in use: to be called often while there are some. */
  refresh(): void {
    const previous = this.kept;
    this.kept = [];
    this.totalBytes = 0;
    for (const value of previous) {
      const address = this.addressOf(value);
      const bytes = address === 0 ? 0 : this.bytesInUse(address);
      if (bytes === 0 || !this.hasRoom(bytes)) continue;
      this.kept.push(value);
      this.totalBytes += bytes;
    }
    if (this.budget.exemptBytes > this.totalBytes) this.budget.exempt(this.totalBytes);
  }

  /**
   * Nothing but the kept values could leave memory: they are exempt from now on, as far as that leaves the others their
   * share. Where not even that brings memory within its limit, they are given up; says whether they are.
   */
  standAlone(): boolean {
    const { budget } = this;
    const wantedBytes = budget.chargedBytes + budget.exemptBytes - budget.limitBytes * SHARE_OF_OTHERS;
    budget.exempt(Math.max(budget.exemptBytes, Math.min(wantedBytes, this.totalBytes)));
    if (budget.chargedBytes <= budget.limitBytes) return false;
    this.givenUpUntilMs = this.keyspace.clock.monotonicMs() + GIVEN_UP_MS;
    this.kept = [];
    this.totalBytes = 0;
    budget.exempt(0);
    return true;
  }

  private hasRoom(bytes: number): boolean {
    return this.totalBytes === 0 || this.totalBytes + bytes <= this.budget.limitBytes * SHARE_OF_OTHERS;
  }

  /** The address of its entry, or 0. */
  private addressOf({ database, key }: KeptValue): number {
    if (this.keyspace.databases[database.index] !== database) return 0;
    const address = database.find(key, 0, key.length);
    return address === 0 || database.isTombstone(address) ? 0 : address;
  }

  /** How large a value is, if it is large and in use; else 0. Where all values are to leave, none is in use. */
  private bytesInUse(address: number): number {
    const { accessClock, entries, memory } = this.keyspace;
    const { limitBytes, spillFromBytes } = this.budget;
    if (spillFromBytes === 0 || !accessClock.isRecent(entries.access(address))) return 0;
    const bytes = entryBytes(memory, address, SIZE_SAMPLES);
    return bytes >= Math.max(LARGE_BYTES, limitBytes * LARGE_SHARE) ? bytes : 0;
  }
}

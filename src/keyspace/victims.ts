/**
 * Chooses which entries leave memory, by sampling, as Redis does: of a random handful the coldest go. Shared by
 * spilling (cold tier) and eviction (maxmemory-policy without a tier).
 */
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

/** Samples per round; of them the coldest `SAMPLES / samplesPerVictim` are chosen. */
const SAMPLES = 320;
/** Sorting key = coldness * SPREAD + index of the sample. */
const SPREAD = 1024;

export class Victims {
  /** The chosen entries of the last round, coldest first. */
  readonly addresses = new Int32Array(SAMPLES);
  readonly databases: Database[] = [];
  count = 0;
  private readonly sampled = new Int32Array(SAMPLES);
  private readonly sampledDatabases: Database[] = [];
  private readonly order = new Float64Array(SAMPLES);
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /**
   * Samples entries that are not pinned, whose flags, masked by `mask`, equal `flags`, and which are no tombstones,
   * from all databases in proportion to their size (only keys with an expiry if `volatileOnly`), and keeps the coldest
   * by `coldness`.
   */
  choose(
    mask: number,
    flags: number,
    volatileOnly: boolean,
    samplesPerVictim: number,
    coldness: (address: number) => number,
  ): void {
    const { entries, databases, random } = this.keyspace;
    let total = 0;
    for (const database of databases) total += volatileOnly ? database.volatile.size : database.table.size;
    let taken = 0;
    for (const database of databases) {
      const table = volatileOnly ? database.volatile : database.table;
      if (table.size === 0) continue;
      const quota = Math.ceil((SAMPLES * table.size) / total);
      for (let i = 0; i < quota && taken < SAMPLES; i++) {
        const address = table.sample(random.next());
        if ((entries.head(address) & mask) !== flags || database.isTombstone(address)) continue;
        if (database.pinned !== undefined && database.isPinned(address)) continue;
        this.sampled[taken] = address;
        this.sampledDatabases[taken] = database;
        this.order[taken] = Math.max(0, coldness(address)) * SPREAD + taken;
        taken++;
      }
    }
    this.keepColdest(taken, samplesPerVictim);
  }

  private keepColdest(taken: number, samplesPerVictim: number): void {
    const order = this.order.subarray(0, taken).sort();
    const wanted = Math.max(1, Math.floor(taken / samplesPerVictim));
    const chosen = new Set<number>();
    this.count = 0;
    for (let i = taken - 1; i >= 0 && this.count < wanted; i--) {
      const index = order[i] % SPREAD;
      const address = this.sampled[index];
      if (chosen.has(address)) continue;
      chosen.add(address);
      this.addresses[this.count] = address;
      this.databases[this.count] = this.sampledDatabases[index];
      this.count++;
    }
  }
}

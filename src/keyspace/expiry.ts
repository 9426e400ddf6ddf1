/**
 * Active expiry: deletes keys past their expiry that nobody asks for, in memory by walking the index of keys with
 * an expiry, on disk by the tier's expiry index; and fields of hashes in memory, by walking the index of hashes with
 * times. (Lazy expiry, on access, is Database.expireIfDue and HashEntry.find.)
 */
import type { ColdTier } from "../cold/tier.ts";
import type { Database } from "./database.ts";
import { HashEntry } from "./hash-entry.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Fetch, Waiter, Warmer } from "./warmer.ts";

const KEYS_PER_ROUND = 20;
/** Fields of one hash looked at in a round, if one may be due: about a tenth of a millisecond. */
const FIELDS_PER_ROUND = 500;
/** Another round follows at once while more than this share of the keys looked at had expired. */
const ACCEPTABLE_STALE = 0.1;
/** Of one cycle in the average: as in Redis. */
const STALE_SHARE_WEIGHT = 0.05;
/** Cold keys expired per call at most. */
const COLD_KEYS_PER_CYCLE = 512;

export class ActiveExpiry implements Waiter {
  readonly fetches = new Set<Fetch>();
  pendingFetches = 0;
  /** Cycles over keys in memory: how many ran out of time, and how many milliseconds all of them took. */
  timeouts = 0;
  spentMs = 0;
  /** The share of keys whose time had come among those looked at, as an average over the last cycles: 0 to 1. */
  staleShare = 0;
  private keysLooked = 0;
  private keysStale = 0;
  private databaseIndex = 0;
  private coldCandidates: { readonly database: Database; readonly key: Buffer }[] = [];
  private coldBusy = false;
  private warmer: Warmer | undefined;
  private readonly hash: HashEntry;
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.hash = new HashEntry(keyspace);
  }

  /** Deletes expired hot keys, and expired fields of hot hashes, for at most `budgetMs`. */
  hotCycle(budgetMs: number): void {
    const { clock, expiring } = this.keyspace;
    if (!expiring) return;
    const begun = clock.monotonicMs();
    this.keysLooked = 0;
    this.keysStale = 0;
    this.visitAll(begun + budgetMs);
    const share = this.keysLooked === 0 ? 0 : this.keysStale / this.keysLooked;
    this.staleShare += (share - this.staleShare) * STALE_SHARE_WEIGHT;
    this.spentMs += clock.monotonicMs() - begun;
  }

  private visitAll(endMs: number): void {
    const { clock, databases } = this.keyspace;
    for (let visited = 0; visited < databases.length; visited++) {
      const database = databases[this.databaseIndex % databases.length];
      while (this.round(database) || this.fieldRound(database)) {
        if (clock.monotonicMs() <= endMs) continue;
        this.timeouts++;
        return;
      }
      this.databaseIndex++;
    }
  }

  /** One handful of keys of one database; true if it is worth going on there. */
  private round(database: Database): boolean {
    if (database.volatile.size === 0) return false;
    const addresses: number[] = [];
    const { volatile, expiryPosition } = database;
    const position = volatile.collect(expiryPosition, 0x1_0000_0000, KEYS_PER_ROUND, addresses);
    database.expiryPosition = position >= 0x1_0000_0000 ? 0 : position;
    let expired = 0;
    for (const address of addresses) {
      if (database.expireIfDue(address)) expired++;
    }
    this.keysLooked += addresses.length;
    this.keysStale += expired;
    return expired > addresses.length * ACCEPTABLE_STALE;
  }

  /** Some fields of a handful of hashes of one database; true if it is worth going on there. */
  private fieldRound(database: Database): boolean {
    const { timedHashes, fieldExpiryPosition } = database;
    if (timedHashes.size === 0) return false;
    const addresses: number[] = [];
    const position = timedHashes.collect(fieldExpiryPosition, 0x1_0000_0000, KEYS_PER_ROUND, addresses);
    database.fieldExpiryPosition = position >= 0x1_0000_0000 ? 0 : position;
    const before = this.keyspace.expiredFields;
    let looked = 0;
    for (const address of addresses) {
      const size = this.hash.open(database, address).fields.size;
      if (this.hash.isInSnapshot) continue;
      looked += this.hash.removeSomeDue(FIELDS_PER_ROUND) ? 1 : Math.min(size, FIELDS_PER_ROUND);
    }
    return this.keyspace.expiredFields - before > looked * ACCEPTABLE_STALE;
  }

  /**
   * Finds cold keys past their expiry and expires them the way a command would: by warming each and looking at it,
   * so that whatever happened to the key since the index was read is respected.
   */
  async coldCycle(tier: ColdTier, warmer: Warmer): Promise<void> {
    if (this.coldBusy || !this.keyspace.expiring) return;
    this.warmer = warmer;
    this.coldBusy = true;
    const { keyspace } = this;
    const candidates = await tier.expired(keyspace.nowMs, COLD_KEYS_PER_CYCLE).catch(() => []);
    for (const { namespace, key } of candidates) {
      const database = keyspace.databases.find((each) => each.namespace === namespace);
      if (database === undefined || database.find(key, 0, key.length) !== 0) continue;
      warmer.want(database, key, 0, key.length, this);
      this.coldCandidates.push({ database, key });
    }
    if (this.pendingFetches === 0) this.goOn();
    else warmer.issue();
  }

  goOn(): void {
    for (const { database, key } of this.coldCandidates) {
      if (this.keyspace.databases[database.index] === database) database.peek(key, 0, key.length);
    }
    this.coldCandidates = [];
    this.coldBusy = false;
    this.warmer?.release(this.fetches);
  }
}

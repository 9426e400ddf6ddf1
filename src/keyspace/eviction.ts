/**
 * What happens when memory is full and there is no cold tier: maxmemory-policy decides, as in Redis. (Redis's word:
 * to evict is to delete a key for lack of memory; to spill, which loses nothing, is what spiller.ts does.)
 */
import { EXPIRES } from "../memory/entries.ts";
import { EVENT } from "./key-events.ts";
import type { Keyspace } from "./keyspace.ts";
import { Victims } from "./victims.ts";

/** The values of maxmemory-policy, in the order in which errors list them. */
export const EVICTION_POLICIES = [
  "volatile-lru",
  "volatile-lfu",
  "volatile-random",
  "volatile-ttl",
  "allkeys-lru",
  "allkeys-lfu",
  "allkeys-random",
  "noeviction",
] as const;

export type EvictionPolicy = (typeof EVICTION_POLICIES)[number];

/** Keys evicted per call at most: the rest comes with the next command, as the loop must not be held. */
const EVICTIONS_PER_CALL = 1000;
/** Blocks of deleted values, or entries of flushed databases, freed before memory is looked at again. */
const FREED_AT_ONCE = 1000;
/** Expiry beyond every real one, to turn "soonest" into "coldest". */
const FAR_FUTURE_MS = 2 ** 42;

export class Eviction {
  private readonly keyspace: Keyspace;
  private readonly victims: Victims;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.victims = new Victims(keyspace);
  }

  /** Deletes keys by the policy until `usedBytes()` is at most `limitBytes`; says whether it is. */
  freeMemory(
    policy: EvictionPolicy,
    samplesPerVictim: number,
    limitBytes: number,
    usedBytes: () => number,
  ): boolean {
    const { snapshots } = this.keyspace;
    let evictions = 0;
    while (usedBytes() > limitBytes) {
      // Nothing needs to go, and nobody to be refused, for memory that is only waiting to be freed; nor for what a
      // snapshot has to write first, which it does next.
      if (snapshots.hasDeparted) return true;
      if (this.keyspace.isFreeing) {
        this.keyspace.freeRetired(FREED_AT_ONCE);
        continue;
      }
      if (policy === "noeviction" || evictions >= EVICTIONS_PER_CALL)
        return evictions > 0 && policy !== "noeviction";
      const volatileOnly = policy.startsWith("volatile-");
      const flags = volatileOnly ? EXPIRES : 0;
      this.victims.choose(flags, flags, volatileOnly, samplesPerVictim, this.coldness(policy));
      if (this.victims.count === 0) return false;
      for (let i = 0; i < this.victims.count && usedBytes() > limitBytes && !snapshots.hasDeparted; i++) {
        const database = this.victims.databases[i];
        const address = this.victims.addresses[i];
        const key = Buffer.from(this.keyspace.entries.key(address));
        database.delete(address);
        this.keyspace.evicted++;
        this.keyspace.events?.happened(EVENT.evicted, "evicted", database.index, key, 0, key.length);
        this.keyspace.onKeyRemoved(database, key, "evicted");
        evictions++;
      }
    }
    return true;
  }

  private coldness(policy: EvictionPolicy): (address: number) => number {
    const { accessClock, entries } = this.keyspace;
    if (policy.endsWith("-random")) return () => 0;
    if (policy === "volatile-ttl") return (address) => FAR_FUTURE_MS - entries.expireMs(address);
    return (address) => accessClock.coldness(entries.access(address));
  }
}

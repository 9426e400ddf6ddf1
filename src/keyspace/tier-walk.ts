/**
 * Walks over all keys of a database, hot and cold, in hash order. A cursor is a position in hash space (0 to 2^32):
 * it needs no state here, and survives growth, spilling, warming and restarts, because neither tier changes the
 * order. Every key present from the first call to the last is returned at least once.
 *
 * One step takes, in one turn, the hot keys of an interval of hash space and a snapshot of the records in it; a
 * record under a hot entry is passed over, and so is one that is just being written: an entry is there for both.
 * Expired keys are left out; those in memory are deleted where Redis does so, by SCAN and RANDOMKEY, while those on
 * disk are left to active expiry. Values of records are read only where a filter asks for their type.
 */
import { globMatchRange } from "../base/glob.ts";
import { StorageError } from "../base/storage-error.ts";
import type { ColdTier, KeyVisitor, KeyWalk, WalkedRange } from "../cold/tier.ts";
import { RECORD, SPILLING } from "../memory/entries.ts";
import { dataTypeOf, dataTypeOfRdb } from "../types/registry.ts";
import type { Database } from "./database.ts";
import { HashedKeys, KeyList } from "./key-list.ts";
import type { Keyspace } from "./keyspace.ts";

const HASH_SPACE = 0x1_0000_0000;
/** Keys, or records, taken from the tier at once. */
const READ_AT_ONCE = 100;
/** Attempts to find a live random key before an expired one would have to do. */
const RANDOM_TRIES = 32;
/** A random key is one of so many that follow a random place in hash space. Of them the first would be the more likely
 * the farther it is from the one before: of two keys one might hardly ever be drawn. */
const RANDOM_CHOICE = 15;
/** Times that such keys are read for who cannot wait. */
const RANDOM_READS = 3;

/** Which keys a walk gives; all, unless told. */
export interface KeyFilter {
  /** Redis's glob pattern. */
  readonly pattern?: Buffer | undefined;
  /** Name of a data type; no key has an unknown one. */
  readonly typeName?: string | undefined;
}

/** A walk that is known before it takes place. */
export interface WalkWish {
  /** SCAN, KEYS or RANDOMKEY. */
  readonly kind: "scan" | "all" | "random";
  /** Of SCAN; else 0. */
  readonly cursor: number;
  readonly count: number;
  readonly typeName?: string | undefined;
}

/** What a wished walk needs of the disk: names of keys that had records when they were read. */
export interface ColdNames {
  readonly database: Database;
  readonly wish: WalkWish;
  /** End of the interval of hash space. */
  readonly end: number;
  /** Of a random key a few candidates. */
  readonly keys: KeyList;
  /** Of SCAN: the hashes of the keys, unsigned, ascending. */
  readonly hashes: number[];
  /** Why they could not be read; then `keys` is of no use. */
  damage?: StorageError;
}

export interface WalkResult {
  /** Where to go on; 0 when all was walked. */
  readonly cursor: number;
  readonly keys: KeyList;
  /** Why some keys could not be read; then there are none in `keys`. */
  readonly damage?: StorageError;
}

export class TierWalk {
  /** Present while walks must do with what was read for them before, because nothing may come in between. No record has
   * changed since. */
  prepared: readonly ColdNames[] | undefined;
  private readonly keyspace: Keyspace;
  private readonly tier: ColdTier | undefined;

  constructor(keyspace: Keyspace, tier: ColdTier | undefined) {
    this.keyspace = keyspace;
    this.tier = tier;
  }

  /** Those that pass the filter of about `count` keys from `cursor` on. A promise only if records must be read; without
   * cold keys they are in `into`. */
  scan(
    dbIndex: number,
    cursor: number,
    count: number,
    filter: KeyFilter,
    into: KeyList = new KeyList(),
  ): WalkResult | Promise<WalkResult> {
    const database = this.keyspace.databases[dbIndex];
    if (cursor >= HASH_SPACE) return { cursor: 0, keys: new KeyList() };
    const coldSize = database.coldSize;
    const addresses: number[] = [];
    if (this.tier === undefined || coldSize === 0) {
      const next = database.table.collect(cursor, HASH_SPACE, count, addresses);
      const keys = this.scannedKeys(database, addresses, filter, into.clear());
      return { cursor: next >= HASH_SPACE ? 0 : next, keys };
    }
    const names = this.preparedFor(database, "scan", cursor, filter);
    const end = Math.min(this.endOfStep(database, cursor, count), names?.end ?? HASH_SPACE);
    database.table.collect(cursor, end, Number.MAX_SAFE_INTEGER, addresses);
    const next = end >= HASH_SPACE ? 0 : end;
    // Before keys are deleted: these records are theirs.
    const shadowed = this.shadowedBy(addresses);
    const hot = this.scannedKeys(database, addresses, filter, new KeyList());
    if (names !== undefined) return withNames(names, next, hot, filter, cursor, end);
    const range = this.rangeOf(database, cursor, end);
    return orDamage(withRecords(this.tier, range, hot, shadowed, filter), next);
  }

  /** All keys that pass the filter, as they are at this moment. */
  all(dbIndex: number, filter: KeyFilter): WalkResult | Promise<WalkResult> {
    const database = this.keyspace.databases[dbIndex];
    const addresses: number[] = [];
    database.table.collect(0, HASH_SPACE, Number.MAX_SAFE_INTEGER, addresses);
    const hot = this.liveKeys(database, addresses, filter);
    if (this.tier === undefined || database.coldSize === 0) return { cursor: 0, keys: hot };
    const names = this.preparedFor(database, "all", 0, filter);
    if (names !== undefined) return withNames(names, 0, hot, filter);
    const range = this.rangeOf(database, 0, HASH_SPACE);
    return orDamage(withRecords(this.tier, range, hot, this.shadowedBy(addresses), filter), 0);
  }

  /** A random key, or undefined if there is none. */
  random(dbIndex: number): Buffer | undefined | Promise<Buffer | undefined> {
    const database = this.keyspace.databases[dbIndex];
    const cold = this.tier === undefined ? 0 : database.coldSize;
    const hot = database.table.size - database.tombstones;
    if (hot + cold === 0) return undefined;
    const names = cold > 0 ? this.preparedFor(database, "random", 0, {}) : undefined;
    if (names !== undefined) return this.randomOf(names, hot, cold);
    if (this.tier !== undefined && this.keyspace.random.below(hot + cold) >= hot)
      return this.randomCold(this.tier, database);
    const found = this.randomHot(database);
    return found === undefined && this.tier !== undefined && cold > 0
      ? this.randomCold(this.tier, database)
      : found;
  }

  /** Reads what a walk will need of the disk. The database's records must not change until it has taken place. */
  async readNames(database: Database, wish: WalkWish): Promise<ColdNames> {
    const end = wish.kind === "scan" ? this.endOfStep(database, wish.cursor, wish.count) : HASH_SPACE;
    const names: ColdNames = { database, wish, end, keys: new KeyList(), hashes: [] };
    if (this.tier === undefined || database.coldSize === 0 || wish.cursor >= HASH_SPACE) return names;
    try {
      if (wish.kind === "random") await this.readCandidates(this.tier, names);
      else await this.readRange(this.tier, names);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      names.damage = error;
    }
    return names;
  }

  /** Whether a walk finds here what it needs of the disk. */
  isPrepared(database: Database, { kind, cursor, typeName }: WalkWish): boolean {
    // Behind the last key there is nothing to read.
    if (cursor >= HASH_SPACE) return true;
    return this.preparedFor(database, kind, cursor, { typeName }) !== undefined;
  }

  private async readRange(tier: ColdTier, { database, wish, end, keys, hashes }: ColdNames): Promise<void> {
    const range = this.rangeOf(database, wish.cursor, end);
    const visit: KeyVisitor = (hash, source, start, length) => {
      keys.add(source, start, length);
      if (wish.kind === "scan") hashes.push(hash);
    };
    if (wish.typeName === undefined) await visitKeys(tier.keys(range), visit);
    else await visitRecords(tier, range, wish.typeName, visit);
  }

  private async readCandidates(tier: ColdTier, { database, keys }: ColdNames): Promise<void> {
    for (let i = 0; i < RANDOM_READS; i++) {
      for (const key of await this.coldFromRandomPlace(tier, database)) keys.add(key, 0, key.length);
    }
  }

  /** Where a step of SCAN ends: hashes are spread evenly, so the width of the interval decides how many keys to expect
   * in it. */
  private endOfStep(database: Database, cursor: number, count: number): number {
    const expected = Math.max(1, database.table.size + database.coldSize);
    const width = Math.max(1, Math.ceil((HASH_SPACE / expected) * count));
    return Math.min(HASH_SPACE, cursor + width);
  }

  private preparedFor(
    database: Database,
    kind: WalkWish["kind"],
    cursor: number,
    { typeName }: KeyFilter,
  ): ColdNames | undefined {
    const found = this.prepared?.find(
      ({ database: of, end, wish }) =>
        of === database &&
        wish.kind === kind &&
        wish.cursor <= cursor &&
        cursor < end &&
        wish.typeName === typeName,
    );
    // Any key will do for RANDOMKEY, but a nil must be true.
    return kind === "random" && found?.damage !== undefined ? undefined : found;
  }

  private randomOf({ database, keys }: ColdNames, hot: number, cold: number): Buffer | undefined {
    const candidates: Buffer[] = [];
    keys.forEach((source, start, length) => {
      const key = source.subarray(start, start + length);
      if (database.find(key, 0, length) === 0) candidates.push(Buffer.from(key));
    });
    const { random } = this.keyspace;
    const any = () => candidates[random.below(candidates.length)];
    const isHotWanted = candidates.length === 0 || random.below(hot + cold) < hot;
    return (
      (isHotWanted ? this.randomHot(database) : undefined) ?? (candidates.length > 0 ? any() : undefined)
    );
  }

  private randomHot(database: Database): Buffer | undefined {
    const { entries, random } = this.keyspace;
    const { table } = database;
    // Those whose time has come are removed on the way.
    for (let i = 0; i < RANDOM_TRIES && table.size > 0; i++) {
      const address = table.sample(random.next(), random.below(Math.min(RANDOM_CHOICE, table.size)));
      if (!database.isTombstone(address) && !database.expireIfDue(address))
        return Buffer.from(entries.key(address));
    }
    // Few live keys among many dead ones: look at all.
    const addresses: number[] = [];
    database.table.collect(0, HASH_SPACE, Number.MAX_SAFE_INTEGER, addresses);
    const live = addresses.filter((address) => this.isLive(database, address));
    return live.length === 0 ? undefined : Buffer.from(entries.key(live[random.below(live.length)]));
  }

  private async randomCold(tier: ColdTier, database: Database): Promise<Buffer | undefined> {
    const { keyspace } = this;
    for (let i = 0; i < RANDOM_TRIES && database.coldSize > 0; i++) {
      const read = await this.coldFromRandomPlace(tier, database);
      if (keyspace.databases[database.index] !== database) break;
      const cold = read.filter((key) => database.find(key, 0, key.length) === 0);
      if (cold.length > 0) return cold[keyspace.random.below(cold.length)];
    }
    return this.randomHot(database);
  }

  private coldFromRandomPlace(tier: ColdTier, { namespace }: Database): Promise<Buffer[]> {
    const { nowMs, random } = this.keyspace;
    return tier.keysFrom(namespace, random.next() >>> 0, nowMs, RANDOM_CHOICE);
  }

  /** The keys of those entries of which a record may be found. */
  private shadowedBy(addresses: readonly number[]): HashedKeys {
    const { entries, keyHash } = this.keyspace;
    const shadowed = new HashedKeys();
    for (const address of addresses) {
      if ((entries.head(address) & (RECORD | SPILLING)) === 0) continue;
      const source = entries.keyBuffer(address);
      const start = entries.keyStart(address);
      const length = entries.keyLength(address);
      shadowed.add(keyHash.of(source, start, length) >>> 0, source, start, length);
    }
    return shadowed;
  }

  private rangeOf(database: Database, fromHash: number, toHash: number): WalkedRange {
    return { namespace: database.namespace, fromHash, toHash, nowMs: this.keyspace.nowMs };
  }

  private liveKeys(database: Database, addresses: readonly number[], filter: KeyFilter): KeyList {
    return this.keysOf(addresses, filter, (address) => this.isLive(database, address), new KeyList());
  }

  /** As `liveKeys`; of those that the pattern wants, the ones that are due are deleted. */
  private scannedKeys(
    database: Database,
    addresses: readonly number[],
    filter: KeyFilter,
    into: KeyList,
  ): KeyList {
    const remains = (address: number) => !database.isTombstone(address) && !database.expireIfDue(address);
    return this.keysOf(addresses, filter, remains, into);
  }

  private keysOf(
    addresses: readonly number[],
    filter: KeyFilter,
    isLive: (address: number) => boolean,
    keys: KeyList,
  ): KeyList {
    const { entries } = this.keyspace;
    for (const address of addresses) {
      const source = entries.keyBuffer(address);
      const start = entries.keyStart(address);
      const length = entries.keyLength(address);
      if (!hasForm(filter, source, start, length) || !isLive(address)) continue;
      if (filter.typeName !== undefined && dataTypeOf(entries.type(address)).name !== filter.typeName)
        continue;
      keys.add(source, start, length);
    }
    return keys;
  }

  private isLive(database: Database, address: number): boolean {
    return !database.isTombstone(address) && !database.isExpired(address);
  }
}

/** Merges keys of hot entries with names that were read before: those of keys that have no entry now. Of SCAN only
 * those count whose hashes lie in the interval. */
function withNames(
  { damage, database, keys, hashes }: ColdNames,
  cursor: number,
  found: KeyList,
  filter: KeyFilter,
  fromHash = 0,
  toHash = HASH_SPACE,
): WalkResult {
  if (damage !== undefined) return { cursor, keys: new KeyList(), damage };
  let i = 0;
  keys.forEach((source, start, length) => {
    const hash = hashes[i++] ?? fromHash;
    if (hash < fromHash || hash >= toHash) return;
    if (database.find(source, start, length) === 0 && hasForm(filter, source, start, length))
      found.add(source, start, length);
  });
  return { cursor, keys: found };
}

/** Merges keys of hot entries (taken in this very turn) with the records of an interval, but for shadowed ones. */
async function withRecords(
  tier: ColdTier,
  range: WalkedRange,
  found: KeyList,
  shadowed: HashedKeys,
  filter: KeyFilter,
): Promise<KeyList> {
  const visit: KeyVisitor = (hash, source, start, length) => {
    if (!shadowed.has(hash, source, start, length) && hasForm(filter, source, start, length))
      found.add(source, start, length);
  };
  if (filter.typeName === undefined) await visitKeys(tier.keys(range), visit);
  else await visitRecords(tier, range, filter.typeName, visit);
  return found;
}

/** A walk over records ends well, or with the damage that it met; `cursor` is behind it either way. */
async function orDamage(walk: Promise<KeyList>, cursor: number): Promise<WalkResult> {
  try {
    return { cursor, keys: await walk };
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== "corrupt") throw error;
    return { cursor, keys: new KeyList(), damage: error };
  }
}

/** Whether a key looks as the filter wants it. */
function hasForm({ pattern }: KeyFilter, source: Buffer, start: number, length: number): boolean {
  return pattern === undefined || globMatchRange(pattern, source, start, length);
}

async function visitKeys(walk: KeyWalk, visit: KeyVisitor): Promise<void> {
  try {
    while (await walk.next(READ_AT_ONCE, visit));
  } finally {
    await walk.close();
  }
}

/** As `visitKeys`, for keys of one type: it is the records that tell it. */
async function visitRecords(
  tier: ColdTier,
  { namespace, fromHash, toHash, nowMs }: WalkedRange,
  typeName: string,
  visit: KeyVisitor,
): Promise<void> {
  const cursor = tier.scan(namespace, fromHash, toHash);
  try {
    for (;;) {
      const records = await cursor.next(READ_AT_ONCE);
      if (records.length === 0) return;
      for (const record of records) {
        if (record instanceof StorageError) throw record;
        const { expireMs, hash, key, type } = record;
        if (expireMs !== 0 && expireMs <= nowMs) continue;
        if (dataTypeOfRdb(type).name === typeName) visit(hash, key, 0, key.length);
      }
    }
  } finally {
    await cursor.close();
  }
}

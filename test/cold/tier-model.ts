/**
 * Drives a tier with random operations beside a model of it: plain maps, copied at every cut. Whatever
 * happens, a recovery must bring back exactly the copy of the cut that the "manifest" names.
 */
import assert from "node:assert/strict";
import { crc32c } from "../../src/base/checksum.ts";
import type { Random } from "../../src/base/random.ts";
import { StorageError } from "../../src/base/storage-error.ts";
import type { KeyValueStore } from "../../src/cold/key-value-store.ts";
import { dataFrom, HASH_SPACE, markersFrom, undoFrom, WHOLE_RANGE } from "../../src/cold/keys.ts";
import {
  ColdTier,
  type ExpiredRef,
  type KeyVisitor,
  type TierChange,
  type TierCheckpoint,
} from "../../src/cold/tier.ts";

interface ModelRecord {
  readonly key: Buffer;
  readonly type: number;
  readonly lru: number;
  readonly expireMs: number;
  readonly payload: Buffer;
}

/** Namespace to key (as latin1) to record. */
type Model = Map<number, Map<string, ModelRecord>>;

interface Cut {
  readonly checkpoint: TierCheckpoint;
  readonly model: Model;
}

/** What the driver needs of a machine that can fail. */
export interface ModelDisk {
  readonly isDead: boolean;
  /** Resolves when the machine dies; may be left pending where calls under way reject then. */
  died(): Promise<void>;
  open(): Promise<KeyValueStore>;
  /** Makes the machine die in some later call. */
  dieAfter(calls: number): void;
  /** Makes the next batch fail, applied or not (or as the disk decides). */
  refuseBatch(when: "before" | "after"): void;
}

function hashOfKey(key: Buffer): number {
  return (crc32c(key) % 97) * 40_000_000;
}

const KEYS = 60;
const LATEST_MS = 1000;

export class TierModel {
  readonly #random: Random;
  readonly #disk: ModelDisk;
  #store!: KeyValueStore;
  #tier!: ColdTier;
  #model: Model = new Map();
  #cuts: Cut[] = [];
  #named: Cut | undefined;
  #nowMs = 0;
  #life = 0;
  crashes = 0;
  recoveries = 0;
  refusals = 0;

  constructor(random: Random, disk: ModelDisk) {
    this.#random = random;
    this.#disk = disk;
  }

  /**
   * Runs `steps` random operations, recovering whenever the machine dies, and checks everything at the end.
   */
  async run(steps: number): Promise<void> {
    await this.#start();
    for (let step = 0; step < steps; step += 1) await this.#survive(() => this.#step());
    this.#disk.dieAfter(Number.POSITIVE_INFINITY);
    await this.#survive(() => this.#verify());
    await this.#verifyClean();
    await this.#tier.close();
  }

  /** Runs `action`; if the machine died meanwhile, brings the tier back. */
  async #survive(action: () => Promise<void>): Promise<void> {
    await this.#attempt(action);
    if (!this.#disk.isDead) return;
    this.crashes += 1;
    await this.#start();
  }

  /** Opens the store and recovers the tier, as often as it takes. */
  async #start(): Promise<void> {
    do {
      this.#life += 1;
      this.#store = await this.#disk.open();
      await this.#attempt(() => this.#recover());
      if (this.#disk.isDead) this.crashes += 1;
    } while (this.#disk.isDead);
  }

  /**
   * Resolves when `action` has ended or the machine has died; what then still runs of it can change nothing
   * here.
   */
  async #attempt(action: () => Promise<void>): Promise<void> {
    try {
      await Promise.race([action(), this.#disk.died()]);
    } catch (error) {
      if (!this.#disk.isDead) throw error;
    }
  }

  /**
   * Waits for the tier; throws if the machine died meanwhile, so that nothing is done in the name of a dead
   * process.
   */
  async #alive<Result>(promise: Promise<Result>): Promise<Result> {
    const life = this.#life;
    const result = await promise;
    if (life !== this.#life || this.#disk.isDead) throw new Error("the process is dead");
    return result;
  }

  async #recover(): Promise<void> {
    if (this.#random.below(3) === 0) this.#disk.dieAfter(this.#random.below(40));
    this.#tier = await this.#alive(this.#recovered());
    this.#disk.dieAfter(Number.POSITIVE_INFINITY);
    this.recoveries += 1;
    this.#nowMs = 0;
    this.#model = copyOf(this.#named?.model ?? new Map());
    this.#cuts = this.#named === undefined ? [] : [this.#named];
    await this.#verify();
    await this.#verifyExpiryIndex();
    // The index begins anew only with a new tier.
    this.#tier = await this.#alive(this.#recovered());
    for (let fresh = this.#random.below(3); fresh > 0 || this.#model.size === 0; fresh -= 1) {
      this.#allocate();
    }
  }

  #recovered(): Promise<ColdTier> {
    return ColdTier.recover(this.#store, this.#named?.checkpoint, { seed: this.#random.bytes(16) });
  }

  async #step(): Promise<void> {
    const dice = this.#random.below(100);
    if (dice < 50) await this.#write();
    else if (dice < 58) await this.#sweep();
    else if (dice < 64) await this.#readSome();
    else if (dice < 70) await this.#expire();
    else if (dice < 74) this.#allocate();
    else if (dice < 77) this.#drop();
    else if (dice < 84) this.#cut();
    else if (dice < 90) await this.#finishCheckpoint();
    else if (dice < 94) this.#disk.refuseBatch(this.#random.below(2) === 0 ? "before" : "after");
    else if (dice < 97) this.#disk.dieAfter(this.#random.below(30));
    else await this.#verify();
  }

  #allocate(): void {
    const namespace = this.#tier.allocateNamespace();
    assert.equal(this.#model.has(namespace), false);
    this.#model.set(namespace, new Map());
  }

  #drop(): void {
    const namespace = this.#someNamespace();
    this.#tier.dropNamespace(namespace);
    this.#model.delete(namespace);
    if (this.#model.size === 0) this.#allocate();
  }

  #someNamespace(): number {
    const all = [...this.#model.keys()];
    return all[this.#random.below(all.length)];
  }

  #someKey(): Buffer {
    const number = this.#random.below(KEYS);
    const name = `key:${number}`;
    return Buffer.from(number % 10 === 0 ? name.padEnd(1001 + number, "-") : name);
  }

  #someRecord(key: Buffer): ModelRecord {
    const size = this.#random.below(20) === 0 ? this.#random.below(100_000) : this.#random.below(100);
    return {
      key,
      type: this.#random.below(30),
      lru: this.#random.next(),
      expireMs: this.#random.below(2) === 0 ? 0 : 1 + this.#random.below(LATEST_MS),
      payload: this.#random.below(2) === 0 ? this.#random.bytes(size) : Buffer.alloc(size, "aab"),
    };
  }

  #someChanges(): TierChange[] {
    const changes = new Map<string, TierChange>();
    for (let count = 1 + this.#random.below(30); count > 0; count -= 1) {
      const namespace = this.#someNamespace();
      const key = this.#someKey();
      const hasRecord = this.#model.get(namespace)!.has(key.toString("latin1"));
      const value = this.#random.below(4) === 0 ? undefined : this.#someRecord(key);
      const change = { namespace, hash: hashOfKey(key), key, hasRecord, value };
      changes.set(`${namespace}:${key.toString("latin1")}`, change);
    }
    return [...changes.values()];
  }

  /** A write, often with something else under way, repeated or given up when it fails. */
  async #write(): Promise<void> {
    const changes = this.#someChanges();
    const walked = this.#random.below(4) === 0 ? this.#walkKeys() : undefined;
    await this.#writeChanges(changes);
    if (walked !== undefined) await this.#alive(walked());
  }

  async #writeChanges(changes: readonly TierChange[]): Promise<void> {
    const others: Promise<unknown>[] = [];
    if (this.#random.below(4) === 0) others.push(this.#tier.sweep(1 + this.#random.below(20)));
    const written = this.#tier.write(changes);
    if (this.#random.below(4) === 0) others.push(this.#tier.sweep(1 + this.#random.below(20)));
    if (this.#random.below(10) === 0) this.#drop();
    if (this.#random.below(4) === 0) others.push(this.#tier.expired(this.#nowMs, 10));
    const outcomes = await this.#alive(Promise.allSettled([written, ...others]));
    if (outcomes[0].status === "fulfilled") {
      this.#apply(changes);
      return;
    }
    this.#tolerate(outcomes[0].reason);
    if (this.#random.below(2) === 0) return;
    try {
      const again = changes.filter(({ namespace }) => this.#model.has(namespace));
      await this.#alive(this.#tier.write(again));
      this.#apply(again);
    } catch (error) {
      this.#tolerate(error);
    }
  }

  #tolerate(error: unknown): void {
    if (this.#disk.isDead || !(error instanceof StorageError)) throw error;
    assert.equal(error.code, "no-space");
    this.refusals += 1;
  }

  #apply(changes: readonly TierChange[]): void {
    for (const { namespace, key, value } of changes) {
      const records = this.#model.get(namespace);
      if (value === undefined) records?.delete(key.toString("latin1"));
      else records?.set(key.toString("latin1"), { ...value, key });
    }
  }

  async #sweep(): Promise<void> {
    try {
      for (let steps = this.#random.below(4); steps > 0; steps -= 1) {
        await this.#alive(this.#tier.sweep(1 + this.#random.below(50)));
      }
    } catch (error) {
      this.#tolerate(error);
    }
  }

  async #readSome(): Promise<void> {
    await this.#alive(this.#walkKeys()());
    const namespace = this.#someNamespace();
    const keys = Array.from({ length: 10 }, () => this.#someKey());
    const refs = keys.map((key) => ({ namespace, hash: hashOfKey(key), key }));
    const expected = keys.map((key) => withoutKey(this.#model.get(namespace)!.get(key.toString("latin1"))));
    assert.equal(same(await this.#alive(this.#tier.fetch(refs)), expected), true);
    assert.equal(same([this.#tier.fetchSync(refs[0])], [expected[0]]), true);
    const hash = this.#random.below(HASH_SPACE);
    const [found] = await this.#alive(this.#tier.keysFrom(namespace, hash, 0, 1));
    const hashes = [...this.#model.get(namespace)!.values()].map((record) => hashOfKey(record.key));
    const after = hashes.filter((each) => each >= hash);
    const nearest = after.length > 0 ? Math.min(...after) : Math.min(...hashes);
    assert.equal(found === undefined ? Number.POSITIVE_INFINITY : hashOfKey(found), nearest);
  }

  /**
   * Begins a walk over the live keys of this moment, in some interval; the result goes through it, whatever was
   * written meanwhile, and checks what it finds.
   */
  #walkKeys(): () => Promise<void> {
    const namespace = this.#someNamespace();
    const fromHash = this.#random.below(2) === 0 ? 0 : this.#random.below(HASH_SPACE);
    const toHash = this.#random.below(2) === 0 ? HASH_SPACE : this.#random.below(HASH_SPACE);
    const nowMs = this.#random.below(2) === 0 ? this.#random.below(LATEST_MS) : this.#random.below(10);
    const expected = [...this.#model.get(namespace)!.values()]
      .filter(({ expireMs }) => expireMs === 0 || expireMs > nowMs)
      .map(({ key }) => key)
      .filter((key) => hashOfKey(key) >= fromHash && hashOfKey(key) < toHash);
    const walk = this.#tier.keys({ namespace, fromHash, toHash, nowMs });
    return async () => {
      const found: Buffer[] = [];
      const visit: KeyVisitor = (hash, source, start, length) => {
        const key = Buffer.from(source.subarray(start, start + length));
        assert.equal(hash, hashOfKey(key));
        found.push(key);
      };
      while (await this.#alive(walk.next(1 + this.#random.below(20), visit)));
      await walk.close();
      const inOrder = (keys: Buffer[]) => keys.sort((a, b) => Buffer.compare(a, b));
      assert.equal(same(inOrder(found), inOrder(expected)), true);
    };
  }

  /** Finds expired keys, checks each, and deletes most. */
  async #expire(): Promise<void> {
    this.#nowMs = Math.min(LATEST_MS + 1, this.#nowMs + this.#random.below(LATEST_MS / 4));
    const found = await this.#alive(this.#tier.expired(this.#nowMs, 1 + this.#random.below(50)));
    const changes: TierChange[] = [];
    for (const { namespace, hash, key, expireMs } of found) {
      assert.equal(this.#model.get(namespace)?.get(key.toString("latin1"))?.expireMs, expireMs);
      assert.ok(expireMs < this.#nowMs);
      assert.equal(hash, hashOfKey(key));
      if (this.#random.below(5) > 0) changes.push({ namespace, hash, key, hasRecord: true });
    }
    try {
      await this.#alive(this.#tier.write(changes));
      this.#apply(changes);
    } catch (error) {
      this.#tolerate(error);
    }
  }

  #cut(): void {
    // A sweep may be under way at a cut; a write may not.
    const sweeping = this.#random.below(2) === 0 ? this.#tier.sweep(5) : Promise.resolve(false);
    sweeping.catch(() => undefined);
    const checkpoint = JSON.parse(JSON.stringify(this.#tier.cut())) as TierCheckpoint;
    this.#cuts.push({ checkpoint, model: copyOf(this.#model) });
  }

  /** What follows a cut when the base file is whole: barrier, manifest, release. Some never get that far. */
  async #finishCheckpoint(): Promise<boolean> {
    const cut = this.#cuts[this.#cuts.length - 1];
    if (cut === undefined) return false;
    try {
      await this.#alive(this.#tier.barrier());
      this.#named = cut;
      await this.#alive(this.#tier.release(cut.checkpoint.generation));
      this.#cuts = [cut];
      return true;
    } catch (error) {
      this.#tolerate(error);
      return false;
    }
  }

  async #verify(): Promise<void> {
    for (const [namespace, records] of this.#model) {
      assert.equal(this.#tier.recordCount(namespace), records.size);
      const cursor = this.#tier.scan(namespace, 0, HASH_SPACE, { withPayloads: true });
      const found: ModelRecord[] = [];
      let lastHash = 0;
      for (
        let part = await this.#alive(cursor.next(7));
        part.length > 0;
        part = await this.#alive(cursor.next(7))
      ) {
        for (const record of part) {
          if (record instanceof StorageError) throw record;
          assert.equal(record.hash, hashOfKey(record.key));
          assert.ok(record.hash >= lastHash);
          lastHash = record.hash;
          const { key, type, lru, expireMs, payload } = record;
          found.push({ key, type, lru, expireMs, payload: payload as Buffer });
        }
      }
      await cursor.close();
      assert.equal(same(sorted(found), sorted([...records.values()])), true);
    }
    const { recordsDamaged, recordsMissing, records } = this.#tier.statistics();
    const total = [...this.#model.values()].reduce((sum, each) => sum + each.size, 0);
    assert.deepEqual(
      { recordsDamaged, recordsMissing, records },
      { recordsDamaged: 0, recordsMissing: 0, records: total },
    );
  }

  /** Only after a recovery: every key with an expiry can be found through the index. */
  async #verifyExpiryIndex(): Promise<void> {
    const expected: string[] = [];
    for (const [namespace, records] of this.#model) {
      for (const { key, expireMs } of records.values()) {
        if (expireMs !== 0) expected.push(`${expireMs} ${namespace} ${key.toString("latin1")}`);
      }
    }
    const found: ExpiredRef[] = [];
    // An answer may be empty because all entries that were looked at are stale.
    for (let empty = 0; empty < 3; ) {
      const part = await this.#alive(this.#tier.expired(LATEST_MS + 1, 1_000));
      empty = part.length === 0 ? empty + 1 : 0;
      found.push(...part);
    }
    const names = found.map(
      ({ expireMs, namespace, key }) => `${expireMs} ${namespace} ${key.toString("latin1")}`,
    );
    assert.deepEqual(names.sort(), expected.sort());
  }

  /** After a checkpoint and a complete sweep, the store holds what is needed and nothing else. */
  async #verifyClean(): Promise<void> {
    do this.#cut();
    while (!(await this.#finishCheckpoint()));
    const sweepAll = async (): Promise<void> => {
      for (let more = true; more; ) {
        try {
          more = await this.#tier.sweep(1000);
        } catch (error) {
          this.#tolerate(error);
        }
      }
    };
    await sweepAll();
    const count = async (range: { from: Buffer; to: Buffer }): Promise<number> => {
      const cursor = this.#store.cursor(range);
      let entries = 0;
      for (let part = await cursor.next(1000); part.length > 0; part = await cursor.next(1000)) {
        entries += part.length;
      }
      await cursor.close();
      return entries;
    };
    const total = this.#tier.statistics().records;
    assert.equal(await count(undoFrom(0)), 0);
    assert.equal(await count(dataFrom(0)), total);
    assert.ok((await count(markersFrom(0))) < 60);
    assert.ok((await count(WHOLE_RANGE)) >= total + 3);
    await this.#verify();
  }
}

function copyOf(model: Model): Model {
  return new Map([...model].map(([namespace, records]) => [namespace, new Map(records)]));
}

function withoutKey(record: ModelRecord | undefined): Omit<ModelRecord, "key"> | undefined {
  if (record === undefined) return undefined;
  const { type, lru, expireMs, payload } = record;
  return { type, lru, expireMs, payload };
}

function sorted(records: readonly ModelRecord[]): ModelRecord[] {
  return [...records].sort((a, b) => Buffer.compare(a.key, b.key));
}

/** Deep equality; quicker than the test library's on large buffers. */
function same(found: readonly unknown[], expected: readonly unknown[]): boolean {
  return JSON.stringify(found, asText) === JSON.stringify(expected, asText);
}

function asText(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const original = this[name];
  return Buffer.isBuffer(original) ? original.toString("latin1") : value;
}

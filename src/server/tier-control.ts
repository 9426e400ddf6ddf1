/**
 * TIER: tells where keys are, and moves them between memory and disk on an operator's word.
 *
 * Many keys are gone through in pages, with a turn of the event loop between two of them: others are served meanwhile,
 * and may change what is still to come. A pin belongs to a name in a database (Database.pinned): it outlives changes,
 * deletion and expiry of the key, but neither FLUSHDB nor a restart. What is pinned is not spilled; memory that is full
 * of it refuses writes.
 */

import type { RecordFacts } from "../cold/tier.ts";
import type { KeyChoice, KeyPlace, TierControl as TierAccess } from "../commands/services.ts";
import type { Database } from "../keyspace/database.ts";
import { entryBytes } from "../keyspace/entry-size.ts";
import { DIRTY, RECORD } from "../memory/entries.ts";
import { dataTypeOf, dataTypeOfRdb } from "../types/registry.ts";
import { tierFields } from "./info/sections.ts";
import type { ServerInfoSource } from "./info/server-source.ts";
import { KeyReader } from "./key-reader.ts";
import type { Server } from "./server.ts";
import { nextTurn } from "./turn-end.ts";

/** Keys that a walk looks at before others have their turn: about a millisecond's work. */
const PAGE_KEYS = 256;
/** Elements looked at to estimate what a large value takes. */
const SIZE_SAMPLES = 5;
/** Of a record's word `lru`: the access clock; the rest is the encoding. */
const ACCESS_MASK = 0xff_ffff;

export class TierControl implements TierAccess {
  private readonly server: Server;
  private readonly source: ServerInfoSource;

  constructor(server: Server, source: ServerInfoSource) {
    this.server = server;
    this.source = source;
  }

  get isOn(): boolean {
    return this.server.tier !== undefined;
  }

  info(): readonly (readonly [name: string, value: string | number])[] {
    return tierFields(this.source) ?? [];
  }

  async explain(dbIndex: number, key: Buffer): Promise<KeyPlace | undefined> {
    const { keyspace, tier } = this.server;
    const database = keyspace.databases[dbIndex];
    const hash = keyspace.keyHash.of(key, 0, key.length);
    const mayHaveRecord = tier !== undefined && database.coldKeys.mayHave(hash);
    const record = mayHaveRecord
      ? await tier.describe({ namespace: database.namespace, hash: hash >>> 0, key })
      : undefined;
    // It may have moved, or gone, meanwhile: what memory says now is what counts.
    const address = database.peek(key, 0, key.length);
    if (address !== 0) return this.hotPlace(database, address, record);
    if (record === undefined || keyspace.databases[dbIndex] !== database) return undefined;
    if (database.find(key, 0, key.length) !== 0) return undefined;
    if (record.expireMs !== 0 && record.expireMs <= keyspace.nowMs) return undefined;
    return {
      isHot: false,
      type: dataTypeOfRdb(record.type).name,
      encoding: undefined,
      hotBytes: 0,
      record: { isCurrent: true, ...sizesOf(record) },
      ...this.use(record.lru & ACCESS_MASK),
      expireMs: record.expireMs,
      isPinned: database.pinned?.has(key.toString("latin1")) === true,
    };
  }

  private hotPlace(database: Database, address: number, record: RecordFacts | undefined): KeyPlace {
    const { entries, memory } = this.server.keyspace;
    const head = entries.head(address);
    const type = dataTypeOf(entries.type(address));
    const isCurrent = (head & DIRTY) === 0;
    return {
      isHot: true,
      type: type.name,
      encoding: type.encodingName(entries.encoding(address)),
      hotBytes: Math.round(entryBytes(memory, address, SIZE_SAMPLES)),
      record: record === undefined || (head & RECORD) === 0 ? undefined : { isCurrent, ...sizesOf(record) },
      ...this.use(entries.access(address)),
      expireMs: entries.expireMs(address),
      isPinned: database.isPinned(address),
    };
  }

  private use(access: number): Pick<KeyPlace, "idleSeconds" | "frequency"> {
    const { accessClock } = this.server.keyspace;
    return accessClock.lfu
      ? { idleSeconds: undefined, frequency: accessClock.frequency(access) }
      : { idleSeconds: accessClock.idleSeconds(access), frequency: undefined };
  }

  async warm(dbIndex: number, choice: KeyChoice): Promise<number> {
    let count = 0;
    for await (const keys of this.pages(dbIndex, choice)) {
      // Further ones would only drive out others.
      if (choice.kind === "match" && this.isFull) break;
      count += await this.fetch(dbIndex, keys);
    }
    return count;
  }

  async demote(dbIndex: number, choice: KeyChoice): Promise<number> {
    const { keyspace, spiller } = this.server;
    let count = 0;
    for await (const keys of this.pages(dbIndex, choice)) {
      const database = keyspace.databases[dbIndex];
      const hot = keys.filter((key) => database.peek(key, 0, key.length) !== 0);
      if (hot.length === 0) continue;
      await spiller!.demote(hot.map((key) => ({ database, key })));
      if (keyspace.databases[dbIndex] !== database) continue;
      count += hot.filter((key) => database.find(key, 0, key.length) === 0).length;
    }
    return count;
  }

  async pin(dbIndex: number, choice: KeyChoice): Promise<number> {
    let count = 0;
    for await (const keys of this.pages(dbIndex, choice)) {
      if (choice.kind === "key") {
        await this.fetch(dbIndex, keys);
        const database = this.server.keyspace.databases[dbIndex];
        if (database.peek(keys[0], 0, keys[0].length) === 0) return 0;
      }
      const database = this.server.keyspace.databases[dbIndex];
      database.pinned ??= new Set();
      for (const key of keys) {
        const name = key.toString("latin1");
        if (database.pinned.has(name)) continue;
        database.pinned.add(name);
        count++;
      }
      if (!this.isFull) await this.fetch(dbIndex, keys);
    }
    return count;
  }

  async unpin(dbIndex: number, choice: KeyChoice): Promise<number> {
    const { pinned } = this.server.keyspace.databases[dbIndex];
    if (pinned === undefined) return 0;
    let count = 0;
    if (choice.kind === "key") {
      count = pinned.delete(choice.key.toString("latin1")) ? 1 : 0;
    } else {
      let seen = 0;
      for (const name of pinned) {
        if (++seen % PAGE_KEYS === 0) await nextTurn();
        if (choice.matches(Buffer.from(name, "latin1")) && pinned.delete(name)) count++;
      }
    }
    const database = this.server.keyspace.databases.find((each) => each.pinned === pinned);
    if (database !== undefined && pinned.size === 0) database.pinned = undefined;
    return count;
  }

  private get isFull(): boolean {
    const { budget } = this.server;
    return budget.chargedBytes >= budget.spillFromBytes;
  }

  /** The chosen keys that exist; of one that is named, whether or not it does. */
  private async *pages(dbIndex: number, choice: KeyChoice): AsyncGenerator<readonly Buffer[]> {
    if (choice.kind === "key") {
      yield [choice.key];
      return;
    }
    let cursor = 0;
    do {
      const found = await this.server.walk.scan(dbIndex, cursor, PAGE_KEYS, { pattern: choice.pattern });
      if (found.damage !== undefined) throw found.damage;
      cursor = found.cursor;
      const keys: Buffer[] = [];
      found.keys.forEach((source, start, length) => keys.push(source.subarray(start, start + length)));
      if (keys.length > 0) yield keys;
      await nextTurn();
    } while (cursor !== 0);
  }

  /** Has cold keys read; returns how many came into memory. */
  private async fetch(dbIndex: number, keys: readonly Buffer[]): Promise<number> {
    const { keyspace, warmer } = this.server;
    const database = keyspace.databases[dbIndex];
    const reader = new KeyReader(warmer!);
    const wanted = await reader.fetch(database, keys);
    const count = wanted.filter((key) => database.peek(key, 0, key.length) !== 0).length;
    reader.release();
    return count;
  }
}

function sizesOf({ isCompressed, payloadBytes, recordBytes }: RecordFacts) {
  return { isCompressed, payloadBytes, recordBytes };
}

/**
 * What DEBUG does to the server, or finds out about it.
 */
import { ByteArena } from "../base/byte-arena.ts";
import { ManualClock } from "../base/clock.ts";
import { StorageError } from "../base/storage-error.ts";
import type { TierSnapshot } from "../cold/tier.ts";
import type { DebugAccess, ReloadOptions, ReloadResult } from "../commands/services.ts";
import { warmRecord } from "../keyspace/cold-records.ts";
import type { Database } from "../keyspace/database.ts";
import { Keyspace } from "../keyspace/keyspace.ts";
import { RECORD } from "../memory/entries.ts";
import { ShadowedKeys } from "../persistence/shadowed-keys.ts";
import { LIST_PLAIN_MIN_BYTES } from "../types/limits.ts";
import { dataTypeOf } from "../types/registry.ts";
import { ValueDigest } from "../types/value-digest.ts";
import { parseMemory } from "./config/numbers.ts";
import { reloadDump, reloadLog } from "./reload.ts";
import type { Server } from "./server.ts";

const HASH_SPACE = 0x1_0000_0000;
const RECORDS_AT_ONCE = 256;
/** Redis's limit: somewhat less than 4 GB. */
const PLAIN_NODE_MAX_BYTES = 2n ** 32n - 2n ** 20n;
/** In the digest of a key that expires. */
const EXPIRES = Buffer.from("!!expire!!");

export class Debugging implements DebugAccess {
  ignoresChecksums = false;
  private readonly server: Server;

  constructor(server: Server) {
    this.server = server;
  }

  /** Whether a client, on this machine or not, may use DEBUG. */
  isAllowed(isLocal: boolean): boolean {
    const allowed = this.server.config.values["enable-debug-command"];
    return allowed === "yes" || (allowed === "local" && isLocal);
  }

  log(text: string): void {
    this.server.world.log.warning(text);
  }

  setActiveExpiry(isOn: boolean): void {
    this.server.cron.activeExpiry = isOn;
  }

  setScriptsUnlimited(areUnlimited: boolean): void {
    this.server.dispatcher.scripts.runner.allowsAll = areUnlimited;
  }

  setPlainNodeBytes(size: string): boolean {
    const bytes = parseMemory(size);
    if (bytes === undefined || bytes > PLAIN_NODE_MAX_BYTES) return false;
    const { limits } = this.server.keyspace.memory;
    limits.listPlainMinBytes = bytes === 0n ? LIST_PLAIN_MIN_BYTES : Number(bytes);
    return true;
  }

  setReplyBufferResizing(isOn: boolean): void {
    this.server.cron.shrinksReplyBuffer = isOn;
  }

  pauseCron(isPaused: boolean): void {
    this.server.cron.isPaused = isPaused;
  }

  digestOf(address: number): string {
    return digestEntry(this.server.keyspace, address).bytes.toString("hex");
  }

  packedBytes(address: number): number {
    const { config, keyspace } = this.server;
    const dataType = dataTypeOf(keyspace.entries.type(address));
    return dataType.pack(keyspace.memory, address, new ByteArena(), config.values.rdbcompression).length;
  }

  async digest(): Promise<string> {
    const { keyspace, spiller, tier } = this.server;
    await spiller?.hold();
    // The hot part, and what the cold one is, as of this instant.
    const parts = keyspace.databases.filter(({ size }) => size > 0).map((database) => this.hotPart(database));
    const cold = parts.some(({ records }) => records > 0) ? tier!.snapshot() : undefined;
    spiller?.resume();
    const all = new ValueDigest();
    const number = Buffer.alloc(4);
    try {
      for (const part of parts) {
        if (cold !== undefined && part.records > 0) await this.addCold(part, cold);
        number.writeUInt32BE(part.index);
        all.mix(number);
        for (let i = 0; i < all.bytes.length; i++) all.bytes[i] ^= part.digest.bytes[i];
      }
    } finally {
      await cold?.close();
    }
    return all.bytes.toString("hex");
  }

  private hotPart(database: Database): DigestPart {
    const { keyspace, tier } = this.server;
    const { entries, keyHash } = keyspace;
    const digest = new ValueDigest();
    const shadowed = new ShadowedKeys();
    const addresses: number[] = [];
    database.table.collect(0, HASH_SPACE, Number.MAX_SAFE_INTEGER, addresses);
    for (const address of addresses) {
      const key = entries.key(address);
      const hasRecord = (entries.head(address) & RECORD) !== 0;
      if (hasRecord) shadowed.add(keyHash.of(key, 0, key.length) >>> 0, key, 0, key.length);
      if (!database.isTombstone(address)) digest.xorDigest(digestEntry(keyspace, address, key));
    }
    const { index, namespace } = database;
    return { index, namespace, records: tier?.recordCount(namespace) ?? 0, digest, shadowed };
  }

  private async addCold({ namespace, digest, shadowed }: DigestPart, cold: TierSnapshot): Promise<void> {
    const scratch = new Keyspace({
      databases: 1,
      clock: new ManualClock(0),
      random: this.server.world.random,
      hashSeed: Buffer.alloc(16),
    });
    // Values are freed at once.
    scratch.expiring = false;
    const [database] = scratch.databases;
    const cursor = cold.scan(namespace);
    try {
      for (let records = await cursor.next(RECORDS_AT_ONCE); records.length > 0; ) {
        for (const record of records) {
          if (record instanceof StorageError) throw record;
          const { key, hash, payload } = record;
          if (shadowed.has(hash, key, 0, key.length)) continue;
          const here = scratch.keyHash.of(key, 0, key.length);
          const address = warmRecord(scratch, database, here, key, { ...record, payload: payload! });
          digest.xorDigest(digestEntry(scratch, address, key));
          database.drop(address);
        }
        records = await cursor.next(RECORDS_AT_ONCE);
      }
    } finally {
      await cursor.close();
    }
  }

  reload(options: ReloadOptions): Promise<ReloadResult> {
    return reloadDump(this.server, options);
  }

  reloadLog(): Promise<ReloadResult> {
    return reloadLog(this.server);
  }
}

/** A database's share of the digest of all. */
interface DigestPart {
  readonly index: number;
  readonly namespace: number;
  readonly records: number;
  readonly digest: ValueDigest;
  readonly shadowed: ShadowedKeys;
}

/** As Redis's: of the value, its type and whether it expires; and of the key before that, if it is given. */
function digestEntry({ entries, memory }: Keyspace, address: number, key?: Buffer): ValueDigest {
  const digest = new ValueDigest();
  if (key !== undefined) digest.mix(key);
  const type = entries.type(address);
  const typeBytes = Buffer.alloc(4);
  typeBytes.writeUInt32BE(type);
  digest.mix(typeBytes);
  dataTypeOf(type).digest(memory, address, digest);
  if (entries.expireMs(address) !== 0) digest.xor(EXPIRES);
  return digest;
}

/**
 * A rewrite of the append-only file, which is also the cold tier's checkpoint: a new base file with the hot data of
 * one instant (the cut), the tier as of the same instant, and the incr file that begins there. The base is an RDB, or
 * commands if those are asked for and no record lies in the tier at the cut: what must be known of records has no form
 * as commands, and Redis refuses a directory with records anyway.
 *
 *   1. make the new incr file and list it, which takes a while; wait until no batch is being written to the tier, and
 *      let none begin
 *   2. the cut, within one turn: the log goes on in the new file, the tier begins a generation, the snapshot begins
 *   3. the walk writes the base to a temporary file, in slices, while commands go on
 *   4. the base and the tier are made durable
 *   5. one step of the manifest names the new base (and the tier's generation, if it held records at the cut)
 *   6. what leads back to the old checkpoint is given up
 *
 * Before step 5 the old base is in force, with both incr files behind it; after it, the new one. If anything fails
 * before, the attempt is given up and the old base stays; the tier can be rolled back over any number of cuts.
 */
import type { FileHandle, Files } from "../base/files.ts";
import type { Log } from "../base/log.ts";
import { StorageError } from "../base/storage-error.ts";
import type { ColdTier, TierCheckpoint } from "../cold/tier.ts";
import type { Database } from "../keyspace/database.ts";
import type { SnapshotReceiver } from "../keyspace/snapshot.ts";
import type { Spiller } from "../keyspace/spiller.ts";
import { RECORD } from "../memory/entries.ts";
import type { AofDirectory, OpenIncr } from "./aof/directory.ts";
import { errorText } from "./aof/error-text.ts";
import type { AofWriter } from "./aof/writer.ts";
import { CommandSnapshotFile } from "./command-snapshot-file.ts";
import { AUX_TIER } from "./rdb/format.ts";
import type { RdbWriter } from "./rdb/writer.ts";
import { RdbSnapshotFile } from "./rdb-snapshot-file.ts";
import {
  MIDWAY_MS,
  type SnapshotFileOptions,
  type SnapshotFileParts,
  SYNC_EVERY_BYTES,
} from "./snapshot-file.ts";

/** What recovery must know of the cut besides the entries: the AUX field AUX_TIER of the base file, as JSON. */
export interface CheckpointMetadata {
  readonly tier: TierCheckpoint;
  /** Namespace of each database. */
  readonly namespaces: readonly number[];
}

/** Hashes of cold keys written in one step. */
const COLD_KEYS_PART_BYTES = 16 * 1024;
/** Garbage entries of the tier deleted per batch after a checkpoint. */
const SWEEP_ENTRIES = 1000;

export interface CheckpointParts extends SnapshotFileParts {
  readonly files: Files;
  readonly log: Log;
  readonly directory: AofDirectory;
  readonly tier: ColdTier | undefined;
  /** Folder of the tier, beside the append-only directory, as the manifest names it. */
  readonly tierFolder: string;
  readonly spiller: Spiller | undefined;
  /** Whether the base is to consist of commands (aof-use-rdb-preamble no); and to say when it was made. */
  readonly asCommands: boolean;
  readonly withTime: boolean;
  /** Whether the base is synced while it is written (aof-rewrite-incremental-fsync). */
  readonly incrementalFsync: boolean;
  /** Of an RDB. */
  readonly checksum: boolean;
  /** Whether entries carry how long they were idle or how often they were used. */
  readonly withAccess: boolean;
}

/** How many records the tier held at the checkpoint. */
export function recordsIn({ tier }: CheckpointMetadata): number {
  return tier.counts.reduce((sum, [, count]) => sum + count, 0);
}

/** What becomes of the log at the cut. */
export type LogAtCut =
  /** It goes on in a new file. */
  | { readonly kind: "continues"; readonly writer: AofWriter }
  /** There was none before (CONFIG SET appendonly yes); its first file is to be listed with the base. */
  | { readonly kind: "begins"; readonly incr: OpenIncr; begin(): void }
  /** There is none (BGREWRITEAOF with `appendonly no`): the base stands alone. */
  | { readonly kind: "off" };

/** Writes one base file. Resolves when it is in force; rejects with the reason why it is not. */
export async function runCheckpoint(
  parts: CheckpointParts,
  log: LogAtCut,
): Promise<{ readonly baseBytes: number }> {
  const { files, directory, tier } = parts;
  const path = directory.pathOf(`temp-rewriteaof-bg-${process.pid}.aof`);
  const file = await files.open(path, "create");
  let baseBytes: number;
  try {
    if (log.kind === "continues") await log.writer.prepareCut();
    await parts.spiller?.hold();
    while (parts.isMidway()) await parts.sleep(MIDWAY_MS);
    // From here on nothing is awaited until the log goes on in its new file: this is the instant that the base holds.
    const metadata = cutTier(parts);
    const records = metadata === undefined ? 0 : recordsIn(metadata);
    const asCommands = parts.asCommands && records === 0;
    const base = asCommands ? new CommandBase(parts, file) : new RdbBase(parts, file);
    base.cut(metadata);
    const firstIncr = cutLog(log);
    // If the walk fails first, nobody would be waiting for this one.
    firstIncr.catch(() => undefined);
    parts.spiller?.resume();
    baseBytes = await base.writeAll();
    const first = await firstIncr;
    await tier?.barrier();
    const reference =
      records > 0 ? { folder: parts.tierFolder, generation: metadata!.tier.generation } : undefined;
    const unlisted = log.kind === "begins" ? log.incr : undefined;
    await directory.replaceBase(path, asCommands ? "aof" : "rdb", first, reference, unlisted);
    if (metadata !== undefined) await tier!.release(metadata.tier.generation);
  } catch (error) {
    await files.unlink(path).catch(() => undefined);
    throw error;
  } finally {
    parts.spiller?.resume();
    await file.close().catch(() => undefined);
  }
  if (tier !== undefined) void sweepAll(tier, parts.log, parts.nextTurn);
  return { baseBytes };
}

/** Resolves to the number of the first file that belongs to the new base. */
async function cutLog(log: LogAtCut): Promise<number> {
  if (log.kind === "off") return Number.POSITIVE_INFINITY;
  if (log.kind === "continues") return log.writer.cut();
  log.begin();
  return log.incr.sequence;
}

/** Deletes what no checkpoint needs, batch by batch. */
async function sweepAll(tier: ColdTier, log: Log, nextTurn: () => Promise<void>): Promise<void> {
  try {
    while (await tier.sweep(SWEEP_ENTRIES)) await nextTurn();
  } catch (error) {
    // The server has ended meanwhile: whatever is left, the next one finds.
    if (error instanceof StorageError && error.code === "closed") return;
    log.warning(`Could not clean up the cold tier, the next checkpoint tries again: ${errorText(error)}`);
  }
}

function baseOptions({ incrementalFsync }: CheckpointParts): SnapshotFileOptions {
  const syncEveryBytes = incrementalFsync ? SYNC_EVERY_BYTES : 0;
  return { syncEveryBytes, maxBytesPerSecond: () => 0, isBackground: false };
}

function cutTier({ keyspace, tier }: CheckpointParts): CheckpointMetadata | undefined {
  if (tier === undefined) return undefined;
  return { tier: tier.cut(), namespaces: keyspace.databases.map((database) => database.namespace) };
}

/** A base file in the making. */
interface BaseFile extends SnapshotReceiver {
  /** Begins the snapshot and writes the head of the file. Synchronous. */
  cut(metadata: CheckpointMetadata | undefined): void;
  /** Walks to the end of the snapshot; returns the size of the file, which is durable then. */
  writeAll(): Promise<number>;
}

/** Where no record lies in the tier: so there are no tombstones, and no cold keys. */
class CommandBase implements BaseFile {
  private readonly parts: CheckpointParts;
  readonly output: CommandSnapshotFile;

  constructor(parts: CheckpointParts, file: FileHandle) {
    this.parts = parts;
    this.output = new CommandSnapshotFile(parts, file, baseOptions(parts));
  }

  cut(): void {
    this.output.appendHead(this.parts.withTime);
    this.parts.keyspace.snapshots.start(this);
  }

  async writeAll(): Promise<number> {
    const { output } = this;
    try {
      await output.inSlices(output.hotSteps());
      return await output.finish();
    } catch (error) {
      await output.abandon();
      throw error;
    }
  }

  entry(index: number, database: Database, address: number, isWalking: boolean): boolean {
    if (database.isTombstone(address)) return false;
    return this.output.appendEntry(this.output.targetOf(index), address, isWalking);
  }
}

class RdbBase implements BaseFile {
  private readonly parts: CheckpointParts;
  readonly output: RdbSnapshotFile;
  /** The databases at the cut, and the namespaces that had records then. */
  private databases: readonly Database[] = [];
  private recordsAtCut: ReadonlySet<number> = new Set();

  constructor(parts: CheckpointParts, file: FileHandle) {
    this.parts = parts;
    this.output = new RdbSnapshotFile(parts, file, {
      ...baseOptions(parts),
      // Not compressed: the base is written and read at every rewrite and start, and seldom larger than memory.
      compress: false,
      checksum: parts.checksum,
    });
  }

  cut(metadata: CheckpointMetadata | undefined): void {
    const { keyspace } = this.parts;
    const { writer } = this.output;
    this.output.appendHead(true);
    if (metadata !== undefined) writer.appendAux(AUX_TIER, JSON.stringify(metadata));
    for (const source of keyspace.functions.sources()) writer.appendFunction(source);
    keyspace.snapshots.start(this);
    this.databases = [...keyspace.databases];
    const filled = metadata?.tier.counts.filter(([, records]) => records > 0) ?? [];
    this.recordsAtCut = new Set(filled.map(([namespace]) => namespace));
    for (const { coldKeys } of this.databases) coldKeys.hold();
  }

  async writeAll(): Promise<number> {
    const { output } = this;
    try {
      await output.inSlices(this.coldKeys());
      this.releaseColdKeys();
      await output.inSlices(output.hotSteps());
      return await output.finish();
    } catch (error) {
      await output.abandon();
      throw error;
    } finally {
      this.releaseColdKeys();
    }
  }

  /** As soon as they are written: what has changed meanwhile is made up for in one turn. */
  private releaseColdKeys(): void {
    for (const { coldKeys } of this.databases) coldKeys.release();
  }

  /** First, while the walk over the entries is sure to keep the databases of the cut. */
  private *coldKeys(): Generator<undefined, void> {
    for (const [index, { coldKeys, namespace }] of this.databases.entries()) {
      if (!coldKeys.isComplete || !this.recordsAtCut.has(namespace)) continue;
      for (const { differences, left } of coldKeys.parts(COLD_KEYS_PART_BYTES)) {
        yield* this.output.owedSteps();
        this.output.targetOf(index).appendColdKeys(left, differences);
        yield;
      }
    }
  }

  entry(index: number, database: Database, address: number, isWalking: boolean): boolean {
    const { entries } = this.parts.keyspace;
    const target = this.output.targetOf(index);
    const hasRecord = (entries.head(address) & RECORD) !== 0;
    if (database.isTombstone(address)) {
      if (hasRecord) target.appendTombstone(entries.key(address));
      return false;
    }
    const expireMs = entries.expireMs(address);
    if (expireMs !== 0) target.appendExpire(expireMs);
    if (this.parts.withAccess) this.appendAccess(target, entries.access(address));
    if (hasRecord) target.appendRecordBelow();
    return this.output.appendEntry(target, address, isWalking);
  }

  private appendAccess(target: RdbWriter, access: number): void {
    const { accessClock } = this.parts.keyspace;
    if (accessClock.lfu) target.appendFrequency(accessClock.frequency(access));
    else target.appendIdle(accessClock.idleSeconds(access));
  }
}

/**
 * Examines a copy of the tier, and leaves in it what can be proved: the tier as of the checkpoint, without what
 * is damaged or doubtful. The tier itself is only read.
 */
import { join } from "node:path";
import type { Files } from "../../src/base/files.ts";
import { StorageError } from "../../src/base/storage-error.ts";
import type { KeyValueStore } from "../../src/cold/key-value-store.ts";
import { hashOf, inlineKeyOf, isDigestKey, isRecordKey, namespaceOf } from "../../src/cold/keys.ts";
import { openLevelStore } from "../../src/cold/level-store.ts";
import { identityOf, readSeed, seedChange, seedCopyOf, type TierCheckpoint } from "../../src/cold/stamp.ts";
import type { Console } from "../shared/console.ts";
import { cloneStore } from "../shared/store-clone.ts";
import { BaseFacts } from "./base-facts.ts";
import { damagedBase, type TierDirectory } from "./directory.ts";
import type { Findings } from "./findings.ts";
import { BeyondRepair, checkMarkers, checkStamps, rollBack } from "./history.ts";
import { type LeftOut, Rebuild } from "./level/rebuild.ts";
import { examineStructure, type LevelStructure } from "./level/structure.ts";
import type { QuarantineSink } from "./quarantine-sink.ts";
import { type Losses, RecordCheck } from "./records.ts";
import type { TierStatistics } from "./statistics.ts";

/** Records from which on progress is shown. */
const MANY_RECORDS = 200_000;
/** LevelDB maps up to a thousand tables, each as large as a large value: resident memory of a dozen gigabytes, though
 * the system can take it back at any time. With fewer, looking expiries up in their index opens tables again. */
const openStore = openLevelStore({ maxOpenFiles: 266 });
const IN_DAMAGED_BLOCK = "it lies in a damaged block, and its checksum does not match";
const DOUBTFUL =
  "it is older than a damaged or missing part of LevelDB's files, which may have held a newer one";

export interface ExaminationParts {
  readonly files: Files;
  readonly directory: TierDirectory;
  readonly scratch: string;
  readonly console: Console;
  readonly findings: Findings;
  readonly quarantine: QuarantineSink;
  readonly statistics: TierStatistics;
}

/** What is left. */
export interface ProvableTier {
  /** Folder of the copy. */
  readonly path: string;
  readonly store: KeyValueStore;
  readonly seed: Buffer;
  readonly facts: BaseFacts;
  readonly kept: ReadonlyMap<number, number>;
  readonly losses: ReadonlyMap<number, Losses>;
  /** Whether the base file lists other records than there are. */
  readonly changesBase: boolean;
}

/** Examines everything. Throws LoadError if the base file is damaged, and BeyondRepair, with what was found until then
 * in `findings`. */
export async function examine(parts: ExaminationParts): Promise<ProvableTier> {
  const { directory, findings } = parts;
  const path = join(parts.scratch, "tier");
  const store = await openCopy(parts, path);
  try {
    const { tier } = directory.metadata;
    const seed = await seedOf(store, tier, findings);
    checkStamps(store, tier, findings);
    await checkMarkers(store, tier, findings);
    await rollBack(store, tier, findings);
    const { baseName, basePath, metadata } = directory;
    const facts = await BaseFacts.read(parts.files, basePath, metadata, seed).catch((error: unknown) => {
      throw damagedBase(baseName, error);
    });
    return { path, store, seed, facts, ...(await checkRecords(parts, store, seed, facts)) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** A copy of the store that can be changed: as it is, or what can be read of it. */
async function openCopy(parts: ExaminationParts, path: string): Promise<KeyValueStore> {
  const { console, directory, files, findings } = parts;
  const { tierPath } = directory;
  await files.mkdir(path);
  if ((await files.stat(tierPath)) === undefined)
    throw new BeyondRepair(`the folder ${tierPath} is missing: restore it from the backup`);
  const size = await sizeOf(files, tierPath);
  const structure = await console.withToldProgress(size, (onProgress) =>
    examineStructure(files, tierPath, onProgress),
  );
  findings.addLevel(structure.problems);
  if (structure.problems.length === 0) {
    await cloneStore(files, tierPath, path);
    try {
      return await openStore(path);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      findings.add({ kind: "files", reason: error.message });
      await files.removeTree(path);
      await files.mkdir(path);
    }
  }
  return rebuild(parts, structure, path);
}

async function rebuild(
  parts: ExaminationParts,
  structure: LevelStructure,
  path: string,
): Promise<KeyValueStore> {
  const { directory, files } = parts;
  const store = await openStore(path);
  try {
    const onLeftOut = (entry: LeftOut): Promise<void> => leaveOut(parts, entry);
    await new Rebuild(files, directory.tierPath, structure, onLeftOut).run(store);
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

async function leaveOut(
  { directory, findings, quarantine }: ExaminationParts,
  { key: recordKey, kind, value }: LeftOut,
): Promise<void> {
  if (!isRecordKey(recordKey)) return;
  const namespace = namespaceOf(recordKey);
  const db = directory.metadata.namespaces.indexOf(namespace);
  if (db === -1) return;
  const reason = kind === "doubtful" ? DOUBTFUL : IN_DAMAGED_BLOCK;
  const key = isDigestKey(recordKey) ? undefined : Buffer.from(inlineKeyOf(recordKey));
  // The name of a damaged record may be damaged itself: it counts if its hash is among those that are missing.
  const name = key === undefined ? {} : { key };
  if (key !== undefined) findings.noteName(db, hashOf(recordKey), key);
  if (kind === "doubtful") findings.add({ kind, db, reason, ...name });
  await quarantine.add({ what: "cold record", reason, db, namespace, recordKey, value, ...name });
}

/** The store's seed, or the base file's copy, which is then put into the store. */
async function seedOf(store: KeyValueStore, checkpoint: TierCheckpoint, findings: Findings): Promise<Buffer> {
  const reason = whyUnusable(store, checkpoint);
  if (reason === undefined) return readSeed(store).seed;
  const copy = seedCopyOf(checkpoint);
  if (copy === undefined)
    throw new BeyondRepair(
      `${reason}, and the base file has no copy: without it no record can be found by its key`,
    );
  findings.add({ kind: "meta", reason: `${reason}; the base file has a copy` });
  await store.batch([seedChange(copy)], false);
  return copy;
}

/** Why the store's seed cannot be used; undefined if it can. Throws BeyondRepair if it is another tier's. */
function whyUnusable(store: KeyValueStore, { identity }: TierCheckpoint): string | undefined {
  try {
    const { isIntact, seed } = readSeed(store);
    if (!isIntact) return "the tier's hash seed is damaged";
    if (identityOf(seed) === identity) return undefined;
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== "corrupt") throw error;
    return error.message;
  }
  throw new BeyondRepair("the tier belongs to another data directory than the base file");
}

async function checkRecords(
  parts: ExaminationParts,
  store: KeyValueStore,
  seed: Buffer,
  facts: BaseFacts,
): Promise<Pick<ProvableTier, "kept" | "losses" | "changesBase">> {
  const { console, findings, quarantine, statistics } = parts;
  const kept = new Map<number, number>();
  const losses = new Map<number, Losses>();
  const total = facts.metadata.tier.counts.reduce((sum, [, count]) => sum + count, 0);
  let done = 0;
  const onProgress = (records: number): void => {
    done = Math.min(total, done + records);
  };
  const work = async (): Promise<void> => {
    for (const db of facts.metadata.namespaces.keys()) {
      const check = new RecordCheck({ store, seed, facts, findings, quarantine, statistics, onProgress }, db);
      await check.run();
      kept.set(db, check.kept);
      losses.set(db, check.losses);
    }
  };
  await console.withProgress(total, () => done, work, MANY_RECORDS);
  const changesBase = [...kept].some(([db, count]) => count !== facts.countOf(db));
  return { kept, losses, changesBase };
}

async function sizeOf(files: Files, folder: string): Promise<number> {
  let size = 0;
  for (const name of await files.readdir(folder)) size += (await files.stat(join(folder, name)))?.size ?? 0;
  return size;
}

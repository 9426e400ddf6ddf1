/**
 * Brings the tier back to the state of a checkpoint, or refuses with the reason.
 *
 *   1. verify   the tier is the one the checkpoint was cut in, is not older than it, still holds what leads
 *               back to it, and has no hole in its batch markers
 *   2. undo     blocks are applied newest first; each batch restores records and deletes the blocks it used,
 *               so that a crash midway leaves a state from which the same procedure goes on
 *   3. check    every namespace that the checkpoint says has records has some, and no other
 *   4. adopt    the stamp goes back to the checkpoint's generation, and what is older is given up
 *   5. garbage  undo blocks and markers from before the checkpoint, and namespaces it does not name, are left
 *               to the sweeper
 */
import { StorageError } from "../base/storage-error.ts";
import { BatchLog } from "./batch-log.ts";
import type { KeyValueStore, StoreChange, StoreRange } from "./key-value-store.ts";
import { dataFrom, markersFrom, namespaceOf, numberOf, STAMP_KEY, undoFrom, WHOLE_RANGE } from "./keys.ts";
import { CURSOR_STEP_ENTRIES, ROLLBACK_BATCH_BYTES, ROLLBACK_BATCH_CHANGES } from "./limits.ts";
import { Namespaces } from "./namespaces.ts";
import {
  checkpointChange,
  identityOf,
  readReleased,
  readSeed,
  readStamp,
  seedChange,
  seedCopyOf,
  stampChange,
  type TierCheckpoint,
  type TierPoint,
  verifyCheckpoint,
} from "./stamp.ts";
import { walkStore } from "./store-walk.ts";
import { Sweeper } from "./sweeper.ts";
import { changesBack, readUndoBlock } from "./undo.ts";

/** What a tier is made of. */
export interface TierParts {
  readonly log: BatchLog;
  readonly namespaces: Namespaces;
  readonly sweeper: Sweeper;
  readonly seed: Buffer;
  /** The last cut, or the beginning. */
  readonly cut: TierPoint;
}

const BEGINNING: TierPoint = { generation: 0, batch: 0, undo: 0 };

/** Blocks taken from the cursor at a time: about 64 KB each. */
const BLOCKS_PER_STEP = 16;

/** Makes an empty tier in a store that holds none. Throws StorageError. */
export async function createParts(store: KeyValueStore, seed: Buffer): Promise<TierParts> {
  if (readStamp(store) !== undefined) {
    throw new StorageError("corrupt", "there is a cold tier already where a new one was to be made");
  }
  await store.batch([seedChange(seed), checkpointChange(BEGINNING), stampChange(BEGINNING)], true);
  const log = new BatchLog(store, BEGINNING);
  const namespaces = new Namespaces([], 0, 0);
  return { log, namespaces, sweeper: new Sweeper(log, 0, 1), seed: Buffer.from(seed), cut: BEGINNING };
}

/**
 * Deletes everything in the store; the stamp first, so that a half-wiped tier is never taken for a whole one.
 */
export async function wipe(store: KeyValueStore): Promise<void> {
  await store.batch([{ key: STAMP_KEY, value: undefined }], true);
  const cursor = store.cursor(WHOLE_RANGE);
  try {
    for (;;) {
      const entries = await cursor.next(CURSOR_STEP_ENTRIES);
      if (entries.length === 0) return;
      await store.batch(
        entries.map(([key]) => ({ key, value: undefined })),
        true,
      );
    }
  } finally {
    await cursor.close();
  }
}

/**
 * Rolls the tier back to `checkpoint`. Throws StorageError "corrupt" where that is impossible, telling why.
 */
export async function recoverParts(store: KeyValueStore, checkpoint: TierCheckpoint): Promise<TierParts> {
  verifyCheckpoint(checkpoint);
  const stamp = readStamp(store);
  if (stamp === undefined) {
    throw refused("the base file needs a cold tier, and there is none (or its stamp is lost)");
  }
  const { isIntact, seed } = seedOf(store, checkpoint);
  verifyHistory(checkpoint, stamp, readReleased(store), identityOf(seed));
  await verifyMarkers(store, checkpoint.batch, stamp.batch);

  const log = new BatchLog(store, stamp);
  await log.exclusive(() => rollBack(log, checkpoint));
  const found = await namespacesOnDisk(store);
  verifyNamespaces(checkpoint, found);
  const { generation, batch, undo } = checkpoint;
  const adoption = isIntact
    ? [checkpointChange(checkpoint)]
    : [checkpointChange(checkpoint), seedChange(seed)];
  await log.exclusive(() => log.commit(adoption, { generation, undo }));

  const firstFree = found.length === 0 ? 0 : found[found.length - 1] + 1;
  const namespaces = new Namespaces(checkpoint.counts, checkpoint.nextNamespace, firstFree);
  const sweeper = new Sweeper(
    log,
    (await firstNumber(store, undoFrom(0))) ?? checkpoint.undo,
    (await firstNumber(store, markersFrom(0))) ?? checkpoint.batch + 1,
  );
  sweeper.addNumbersBefore(checkpoint.undo, checkpoint.batch + 1);
  for (const namespace of found) if (!namespaces.isAlive(namespace)) sweeper.addNamespace(namespace);
  return { log, namespaces, sweeper, seed, cut: { generation, batch, undo } };
}

/**
 * A damaged seed is taken from the base file. One that is missing is not: then the store has lost more, which only
 * tsredis-check-tier can tell.
 */
function seedOf(store: KeyValueStore, checkpoint: TierCheckpoint): ReturnType<typeof readSeed> {
  const found = readSeed(store);
  if (found.isIntact) return found;
  const seed = seedCopyOf(checkpoint);
  if (seed === undefined) throw refused("the cold tier's hash seed is damaged: its checksum does not match");
  return { seed, isIntact: false };
}

function verifyHistory(
  checkpoint: TierCheckpoint,
  stamp: TierPoint,
  released: TierPoint,
  identity: string,
): void {
  if (checkpoint.identity !== identity) {
    throw refused("the cold tier belongs to another data directory than the base file");
  }
  if (
    stamp.generation < checkpoint.generation ||
    stamp.batch < checkpoint.batch ||
    stamp.undo < checkpoint.undo
  ) {
    throw refused(
      `the cold tier is older than the base file: it ends in generation ${stamp.generation} ` +
        `at batch ${stamp.batch}, ` +
        `the base file was written in generation ${checkpoint.generation} after batch ${checkpoint.batch}`,
    );
  }
  if (released.generation > checkpoint.generation) {
    throw refused(
      `the base file is older than the cold tier: it needs generation ${checkpoint.generation}, ` +
        `and everything from before generation ${released.generation} was given up`,
    );
  }
  const isSameCut = released.batch === checkpoint.batch && released.undo === checkpoint.undo;
  if (released.generation === checkpoint.generation && !isSameCut) {
    throw refused(
      `generation ${released.generation} of the cold tier is not the one the base file describes`,
    );
  }
}

/** Every batch after the checkpoint must have left its marker. */
async function verifyMarkers(store: KeyValueStore, afterBatch: number, lastBatch: number): Promise<void> {
  let expected = afterBatch + 1;
  await walkStore(store, markersFrom(expected), CURSOR_STEP_ENTRIES, (key) => {
    const batch = numberOf(key);
    if (batch !== expected || batch > lastBatch) throw hole(expected, lastBatch);
    expected += 1;
  });
  if (expected !== lastBatch + 1) throw hole(expected, lastBatch);
}

function hole(batch: number, lastBatch: number): StorageError {
  return refused(`the cold tier is damaged: batch ${batch} of ${lastBatch} is missing or out of order`);
}

async function rollBack(log: BatchLog, checkpoint: TierCheckpoint): Promise<void> {
  const named = new Set(checkpoint.counts.map(([namespace]) => namespace));
  let changes: StoreChange[] = [];
  let bytes = 0;
  let expected = log.point.undo - 1;
  await walkStore(
    log.store,
    { ...undoFrom(checkpoint.undo), reverse: true },
    BLOCKS_PER_STEP,
    async (key, value) => {
      const sequence = numberOf(key);
      if (sequence !== expected) throw missingBlock(expected, sequence);
      const block = readUndoBlock(key, value);
      if (block.generation < checkpoint.generation) {
        throw refused(`undo block ${sequence} of the cold tier leads to generation ${block.generation}`);
      }
      for (const change of changesBack(block, named)) changes.push(change);
      changes.push({ key, value: undefined });
      bytes += value.length;
      expected -= 1;
      if (changes.length < ROLLBACK_BATCH_CHANGES && bytes < ROLLBACK_BATCH_BYTES) return;
      await log.commit(changes, { undo: sequence });
      changes = [];
      bytes = 0;
    },
  );
  if (expected !== checkpoint.undo - 1) throw missingBlock(expected, checkpoint.undo - 1);
  if (changes.length > 0) await log.commit(changes, { undo: checkpoint.undo });
}

function missingBlock(expected: number, found: number): StorageError {
  return refused(
    `the cold tier is damaged: undo block ${Math.max(expected, found)} is missing or out of order`,
  );
}

/** The namespaces with at least one record, ascending: one seek each. */
async function namespacesOnDisk(store: KeyValueStore): Promise<number[]> {
  const found: number[] = [];
  for (let from = 0; ; ) {
    const first = await firstKey(store, dataFrom(from));
    if (first === undefined) return found;
    found.push(namespaceOf(first));
    from = namespaceOf(first) + 1;
  }
}

function verifyNamespaces(checkpoint: TierCheckpoint, found: readonly number[]): void {
  for (const [namespace, records] of checkpoint.counts) {
    if (records > 0 === found.includes(namespace)) continue;
    const there = records > 0 ? "none" : "some";
    throw refused(
      `the base file says that namespace ${namespace} has ${records} cold records; the tier has ${there}`,
    );
  }
}

async function firstNumber(store: KeyValueStore, range: StoreRange): Promise<number | undefined> {
  const key = await firstKey(store, range);
  return key === undefined ? undefined : numberOf(key);
}

async function firstKey(store: KeyValueStore, range: StoreRange): Promise<Buffer | undefined> {
  const cursor = store.cursor(range);
  try {
    return (await cursor.next(1)).at(0)?.[0];
  } finally {
    await cursor.close();
  }
}

function refused(message: string): StorageError {
  return new StorageError("corrupt", message);
}

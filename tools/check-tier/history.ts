/**
 * What leads from the tier as it is back to the checkpoint that the base file names: stamps, batch markers,
 * undo blocks. As in src/cold/recovery.ts, but going on where that refuses, as far as something can still be
 * proved:
 *
 * - A stamp says what markers and undo blocks say, too.
 * - A record that a lost batch or undo block should have led back is from a generation after the checkpoint: it
 *   is found by that, and one that a lost undo block should have restored is missing from what the base file lists.
 */
import { StorageError } from "../../src/base/storage-error.ts";
import type { KeyValueStore, StoreChange } from "../../src/cold/key-value-store.ts";
import { markersFrom, numberOf, undoFrom } from "../../src/cold/keys.ts";
import { CURSOR_STEP_ENTRIES, ROLLBACK_BATCH_BYTES, ROLLBACK_BATCH_CHANGES } from "../../src/cold/limits.ts";
import {
  checkpointChange,
  readReleased,
  readStamp,
  stampChange,
  type TierCheckpoint,
  type TierPoint,
} from "../../src/cold/stamp.ts";
import { walkStore } from "../../src/cold/store-walk.ts";
import { changesBack, readUndoBlock, type UndoBlock } from "../../src/cold/undo.ts";
import type { Findings } from "./findings.ts";

const BLOCKS_AT_ONCE = 16;

/** The tier as a whole cannot be put right. */
export class BeyondRepair extends Error {
  override readonly name = "BeyondRepair";
}

/** Verifies the stamps. Throws BeyondRepair if the tier is not that of the checkpoint, or older. */
export function checkStamps(store: KeyValueStore, checkpoint: TierCheckpoint, findings: Findings): void {
  const stamp = pointOf(() => readStamp(store));
  if (stamp === undefined) {
    findings.add({ kind: "meta", reason: "the tier's stamp is missing or damaged" });
  } else if (isBefore(stamp, checkpoint)) {
    throw new BeyondRepair(
      `the tier is older than the base file: it ends in generation ${stamp.generation} at batch ${stamp.batch}, ` +
        `the base file was written in generation ${checkpoint.generation} after batch ${checkpoint.batch}`,
    );
  }
  const released = pointOf(() => readReleased(store));
  if (released === undefined) {
    findings.add({ kind: "meta", reason: "the tier's note of its checkpoint is missing or damaged" });
    return;
  }
  const isOther =
    released.generation === checkpoint.generation &&
    (released.batch !== checkpoint.batch || released.undo !== checkpoint.undo);
  if (released.generation > checkpoint.generation || isOther) {
    throw new BeyondRepair(
      `the base file is older than the tier: it needs generation ${checkpoint.generation}, ` +
        `and what leads back to before generation ${released.generation} was given up`,
    );
  }
}

/** Verifies that no batch since the checkpoint is missing. */
export async function checkMarkers(
  store: KeyValueStore,
  checkpoint: TierCheckpoint,
  findings: Findings,
): Promise<void> {
  const last = pointOf(() => readStamp(store))?.batch;
  let expected = checkpoint.batch + 1;
  const missing = (from: number, to: number): void => {
    const reason = `the markers of batches ${from} to ${to} are missing: so may be what these batches wrote`;
    findings.add({ kind: "marker", reason });
  };
  await walkStore(store, markersFrom(expected), CURSOR_STEP_ENTRIES, (key) => {
    const batch = numberOf(key);
    if (batch > expected) missing(expected, batch - 1);
    expected = batch + 1;
  });
  if (last !== undefined && expected <= last) missing(expected, last);
  if (last !== undefined && expected > last + 1)
    findings.add({ kind: "meta", reason: `the stamp says ${last} batches, there are ${expected - 1}` });
}

/** Applies the undo blocks, newest first, as far as they can be read, and leaves the tier as of the checkpoint. */
export async function rollBack(
  store: KeyValueStore,
  checkpoint: TierCheckpoint,
  findings: Findings,
): Promise<void> {
  const named = new Set(checkpoint.counts.map(([namespace]) => namespace));
  const stamp = pointOf(() => readStamp(store));
  const writer = new BatchWriter(store);
  let expected = stamp === undefined ? undefined : stamp.undo - 1;
  const missing = (from: number, to: number): void => {
    findings.add({ kind: "undo", reason: `undo blocks ${from} to ${to} are missing` });
  };
  await walkStore(
    store,
    { ...undoFrom(checkpoint.undo), reverse: true },
    BLOCKS_AT_ONCE,
    async (key, value) => {
      const sequence = numberOf(key);
      if (expected !== undefined && sequence < expected) missing(sequence + 1, expected);
      expected = sequence - 1;
      const block = blockOf(key, value, findings);
      if (block === undefined) return;
      for (const change of changesBack(block, named)) await writer.add(change);
    },
  );
  if (expected !== undefined && expected >= checkpoint.undo) missing(checkpoint.undo, expected);
  for (const range of [undoFrom(0), markersFrom(0)]) {
    await walkStore(store, range, CURSOR_STEP_ENTRIES, (key) => writer.add({ key, value: undefined }));
  }
  const { batch, generation, undo } = checkpoint;
  await writer.add(stampChange({ batch, generation, undo }));
  await writer.add(checkpointChange({ batch, generation, undo }));
  await writer.finish();
}

function blockOf(key: Buffer, value: Buffer, findings: Findings): UndoBlock | undefined {
  try {
    return readUndoBlock(key, value);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    findings.add({ kind: "undo", reason: error.message });
    return undefined;
  }
}

function isBefore(point: TierPoint, other: TierPoint): boolean {
  return point.generation < other.generation || point.batch < other.batch || point.undo < other.undo;
}

function pointOf(read: () => TierPoint | undefined): TierPoint | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof StorageError && error.code === "corrupt") return undefined;
    throw error;
  }
}

/** Gathers changes into batches. */
export class BatchWriter {
  readonly #store: KeyValueStore;
  #changes: StoreChange[] = [];
  #bytes = 0;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  async add(change: StoreChange): Promise<void> {
    this.#changes.push(change);
    this.#bytes += change.key.length + (change.value?.length ?? 0);
    if (this.#changes.length >= ROLLBACK_BATCH_CHANGES || this.#bytes >= ROLLBACK_BATCH_BYTES)
      await this.finish();
  }

  async finish(): Promise<void> {
    const changes = this.#changes;
    this.#changes = [];
    this.#bytes = 0;
    await this.#store.batch(changes, false);
  }
}

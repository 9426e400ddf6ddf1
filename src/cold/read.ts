/**
 * Reading what a store gives in pieces: records, so that one damaged block costs only those in it, and cursors.
 */
import { StorageError } from "../base/storage-error.ts";
import type { StoreCursor, StoreReads } from "./key-value-store.ts";

/**
 * Values in the order of `keys`. Where the store cannot read one because its bytes are damaged, the error
 * takes the value's place; any other failure rejects.
 */
export async function readValues(
  store: Pick<StoreReads, "getMany">,
  keys: readonly Buffer[],
): Promise<(Buffer | StorageError | undefined)[]> {
  try {
    return await store.getMany(keys);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
  }
  // LevelDB fails the whole request for one bad block: find the others one by one.
  return Promise.all(keys.map((key) => readValue(store, key)));
}

async function readValue(
  store: Pick<StoreReads, "getMany">,
  key: Buffer,
): Promise<Buffer | StorageError | undefined> {
  try {
    return (await store.getMany([key]))[0];
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    return error;
  }
}

export function isCorrupt(error: unknown): error is StorageError {
  return error instanceof StorageError && error.code === "corrupt";
}

/** What a cursor finds: about `limit`, or all there is; with `sizeOf` no more than about `limitBytes`. Closes it. */
export async function takeAll<Found>(
  cursor: StoreCursor<Found>,
  limit: number,
  limitBytes = Number.POSITIVE_INFINITY,
  sizeOf: (found: Found) => number = () => 0,
): Promise<Found[]> {
  const all: Found[] = [];
  let bytes = 0;
  try {
    while (all.length < limit && bytes < limitBytes) {
      const some = await cursor.next(limit - all.length);
      if (some.length === 0) break;
      for (const found of some) {
        all.push(found);
        bytes += sizeOf(found);
      }
    }
  } finally {
    await cursor.close();
  }
  return all;
}

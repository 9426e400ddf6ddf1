/**
 * Reading records so that one damaged block of the store costs only the records in it.
 */
import { StorageError } from "../base/storage-error.ts";
import type { StoreReads } from "./key-value-store.ts";

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

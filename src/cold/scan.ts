/**
 * Walks of a namespace in hash order, over the state of the moment at which they begin.
 */
import { StorageError } from "../base/storage-error.ts";
import type { StoreCursor, StoreReads } from "./key-value-store.ts";
import { hashOf, hashRange, namespaceOf, type RecordRef } from "./keys.ts";
import { keyOf, readHeader, readPayload } from "./record.ts";

export interface ScannedRecord extends RecordRef {
  readonly type: number;
  readonly lru: number;
  /** Unix time in milliseconds, 0 for a key that does not expire. */
  readonly expireMs: number;
  /** Only in a walk with payloads. */
  readonly payload: Buffer | undefined;
}

export interface ScanOptions {
  /** Decompress and return values too (default: keys and headers only). */
  readonly withPayloads?: boolean;
}

export class ScanCursor {
  readonly #cursor: StoreCursor;
  readonly #withPayloads: boolean;

  /** Records whose hash is in [fromHash, toHash), as they are now; `toHash` may be 2^32. */
  constructor(
    store: Pick<StoreReads, "cursor">,
    namespace: number,
    fromHash: number,
    toHash: number,
    options: ScanOptions = {},
  ) {
    this.#cursor = store.cursor(hashRange(namespace, fromHash, toHash));
    this.#withPayloads = options.withPayloads ?? false;
  }

  /**
   * The next records, at most `limit`, none at the end; in a damaged record's place the error that tells
   * which.
   */
  async next(limit: number): Promise<(ScannedRecord | StorageError)[]> {
    const entries = await this.#cursor.next(limit);
    return entries.map(([key, value]) => scanned(key, value, this.#withPayloads));
  }

  close(): Promise<void> {
    return this.#cursor.close();
  }
}

function scanned(key: Buffer, value: Buffer, withPayload: boolean): ScannedRecord | StorageError {
  try {
    const header = readHeader(key, value);
    const { type, lru, expireMs } = header;
    const payload = withPayload ? readPayload(key, value, header) : undefined;
    return {
      namespace: namespaceOf(key),
      hash: hashOf(key),
      key: keyOf(key, header),
      type,
      lru,
      expireMs,
      payload,
    };
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
}

/**
 * Short forms for tests of the tier: references, records and what is in the store, by names of keys.
 */
import assert from "node:assert/strict";
import { crc32c } from "../../src/base/checksum.ts";
import { StorageError } from "../../src/base/storage-error.ts";
import { HASH_SPACE, type KeyRange, WHOLE_RANGE } from "../../src/cold/keys.ts";
import type { ColdRecord, ColdTier, KeyWalk, RecordRef, TierChange } from "../../src/cold/tier.ts";
import type { MemoryStore } from "./memory-store.ts";

export const SEED = Buffer.from("0123456789abcdef");

export function refTo(namespace: number, name: string): RecordRef {
  const key = Buffer.from(name);
  return { namespace, hash: crc32c(key), key };
}

export function recordOf(text: string, expireMs = 0): ColdRecord {
  return { type: 0, lru: 5, expireMs, payload: Buffer.from(text) };
}

export function put(
  namespace: number,
  name: string,
  text: string,
  hasRecord = false,
  expireMs = 0,
): TierChange {
  return { ...refTo(namespace, name), hasRecord, value: recordOf(text, expireMs) };
}

export function remove(namespace: number, name: string): TierChange {
  return { ...refTo(namespace, name), hasRecord: true };
}

/** The texts under the names; "damaged" where a record cannot be read. */
export async function texts(
  tier: ColdTier,
  namespace: number,
  names: readonly string[],
): Promise<(string | undefined)[]> {
  const found = await tier.fetch(names.map((name) => refTo(namespace, name)));
  return found.map((record) => {
    if (record instanceof StorageError) return "damaged";
    return record?.payload.toString();
  });
}

/** All keys of a namespace that are not past their expiry. */
export function walkOf(tier: ColdTier, namespace: number, nowMs = 0): KeyWalk {
  return tier.keys({ namespace, fromHash: 0, toHash: HASH_SPACE, nowMs });
}

/** The keys that a walk finds, in the order in which it shows them; closes it. */
export async function walkedKeys(walk: KeyWalk, limit = 3): Promise<string[]> {
  const found: string[] = [];
  try {
    const visit = (hash: number, source: Buffer, start: number, length: number): void => {
      const key = Buffer.from(source.subarray(start, start + length));
      assert.equal(hash, crc32c(key));
      found.push(key.toString());
    };
    while (await walk.next(limit, visit));
  } finally {
    await walk.close();
  }
  return found;
}

/** Keys in the store within a range. */
export async function keysIn(store: MemoryStore, range: KeyRange = WHOLE_RANGE): Promise<Buffer[]> {
  const entries = await store.cursor(range).next(Number.MAX_SAFE_INTEGER);
  return entries.map(([key]) => key);
}

export async function sweepAll(tier: ColdTier, limit = 100): Promise<void> {
  let more = true;
  while (more) more = await tier.sweep(limit);
}

/**
 * Going through all entries of a range of the store.
 */
import type { KeyValueStore, StoreRange } from "./key-value-store.ts";

/** Visits all entries of a range as it is now, `step` of them in memory at a time. */
export async function walkStore(
  store: KeyValueStore,
  range: StoreRange,
  step: number,
  visit: (key: Buffer, value: Buffer) => Promise<void> | void,
): Promise<void> {
  const cursor = store.cursor(range);
  try {
    for (;;) {
      const entries = await cursor.next(step);
      if (entries.length === 0) return;
      for (const [key, value] of entries) await visit(key, value);
    }
  } finally {
    await cursor.close();
  }
}

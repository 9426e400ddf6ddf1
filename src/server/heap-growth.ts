/**
 * When V8 collects all garbage. It counts slabs as memory that a collection might free, and as its own heap is small,
 * it begins one with every 16 MB of data: 30 to 50 ms of processor time each, 8 percent of what a million LPUSH take,
 * and no garbage worth the name is found. So it is told to wait longer, as far as the memory limit leaves room for the
 * garbage of that time.
 */
import { setFlagsFromString } from "node:v8";

/** How much may accumulate between two collections: a share of the limit, and at most this. */
const SHARE_OF_LIMIT = 1 / 16;
const MAX_BYTES = 128 * 1024 * 1024;
/** What V8 uses with data in it: its flag is a percentage of that. */
const USUAL_HEAP_BYTES = 16 * 1024 * 1024;
/** V8's own choice lies about here, and is left to it. */
const MIN_BYTES = 32 * 1024 * 1024;

/** @param limit maxmemory: bytes, or 0 for no limit */
export function allowHeapGrowth(limit: number): void {
  setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent(limit)}`);
}

/** V8's flag of that name; 0 has V8 choose. */
export function heapGrowingPercent(limit: number): number {
  const bytes = limit === 0 ? MAX_BYTES : Math.min(MAX_BYTES, limit * SHARE_OF_LIMIT);
  return bytes < MIN_BYTES ? 0 : Math.floor((bytes / USUAL_HEAP_BYTES) * 100);
}

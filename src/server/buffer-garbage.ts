/**
 * Gives back the memory of large buffers that nobody uses any more, and that had no one user who could tell
 * (base/release-memory.ts): what long replies were sent from, or requests of clients that are gone. V8 frees such a
 * buffer when it collects the little object that stands for it, and goes by what it allocates: in a server at rest that
 * is nothing, and copies of a value of 100 MB stay resident.
 *
 * So it is reckoned again and again how much all buffers have grown, but for the data, since the last collection. Where
 * the process has little memory left, less growth is enough.
 */
import { getHeapStatistics } from "node:v8";
import { collectGarbage, collectYoungGarbage } from "../base/garbage.ts";

/** Growth that is looked into every second, and at once: shares of the limit, and at most. */
const SHARE_OF_LIMIT = 1 / 4;
const URGENT_SHARE = 1 / 2;
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_URGENT_BYTES = 128 * 1024 * 1024;
/** Less is not worth a collection. */
const MIN_BYTES = 8 * 1024 * 1024;
/** And so much of what the process may still take. */
const SHARE_OF_SPARE = 1 / 2;
const EVERY_MS = 100;
const SLOW_EVERY_TICKS = 10;

/** What is known of buffers and garbage: the process's own, but for tests. */
export interface BufferHeap {
  /** Bytes of all buffers but those that hold data, garbage included. */
  otherBytes(): number;
  /** About a millisecond: buffers made lately. */
  collectYoung(): void;
  /** 5 to 30 ms. */
  collectAll(): void;
}

export class BufferGarbage {
  private readonly heap: BufferHeap;
  private readonly limit: () => number;
  private readonly spare: () => number;
  private ticks = 0;
  /** The least that there was since the last collection. It may be in use, or what the next collection finds. */
  private leastBytes: number;

  /**
   * @param limit maxmemory: bytes, or 0 for no limit
   * @param spare bytes that the process may still take
   */
  constructor(heap: BufferHeap, limit: () => number, spare: () => number) {
    this.heap = heap;
    this.limit = limit;
    this.spare = spare;
    this.leastBytes = heap.otherBytes();
  }

  /** Looks ten times a second. */
  start(): void {
    setInterval(() => this.tick(), EVERY_MS).unref();
  }

  /** One look; tests call it themselves. */
  tick(): void {
    const { heap } = this;
    const isSlow = this.ticks++ % SLOW_EVERY_TICKS === 0;
    const allowedBytes = isSlow
      ? this.within(SHARE_OF_LIMIT, MAX_BYTES)
      : this.within(URGENT_SHARE, MAX_URGENT_BYTES);
    const bytes = heap.otherBytes();
    this.leastBytes = Math.min(this.leastBytes, bytes);
    if (bytes - this.leastBytes < allowedBytes) return;
    heap.collectYoung();
    if (heap.otherBytes() - this.leastBytes < allowedBytes) return;
    heap.collectAll();
    this.leastBytes = heap.otherBytes();
  }

  private within(share: number, most: number): number {
    const limit = this.limit();
    const allowed = limit === 0 ? most : Math.min(most, limit * share);
    return Math.max(MIN_BYTES, Math.min(allowed, this.spare() * SHARE_OF_SPARE));
  }
}

/** @param dataBytes bytes of the buffers that hold data */
export function processHeap(dataBytes: () => number): BufferHeap {
  return {
    otherBytes: () => getHeapStatistics().external_memory - dataBytes(),
    collectYoung: collectYoungGarbage,
    collectAll: collectGarbage,
  };
}

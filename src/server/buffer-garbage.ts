/**
 * Gives back the memory of large buffers that nobody uses any more: what a long request arrived in, what a value of
 * megabytes was logged and spilled from. V8 frees such a buffer when it collects the little object that stands for
 * it, and goes by what it allocates: in a server at rest that is nothing, and five copies of a value of 100 MB stay
 * resident.
 *
 * So it is reckoned again and again how much all buffers have grown, but for the data, since the last collection.
 */
import { getHeapStatistics } from "node:v8";
import { collectGarbage, collectYoungGarbage } from "../base/garbage.ts";

/** Growth that is looked into every second, and at once. */
const GARBAGE_BYTES = 32 * 1024 * 1024;
const URGENT_BYTES = 4 * GARBAGE_BYTES;
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
  private timer: NodeJS.Timeout | undefined;
  private ticks = 0;
  /** The least that there was since the last collection. It may be in use, or what the next collection finds. */
  private leastBytes: number;

  constructor(heap: BufferHeap) {
    this.heap = heap;
    this.leastBytes = heap.otherBytes();
  }

  /** Looks ten times a second. */
  start(): void {
    this.timer = setInterval(() => this.tick(), EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** One look; tests call it themselves. */
  tick(): void {
    const { heap } = this;
    const isSlow = this.ticks++ % SLOW_EVERY_TICKS === 0;
    const allowedBytes = isSlow ? GARBAGE_BYTES : URGENT_BYTES;
    this.leastBytes = Math.min(this.leastBytes, heap.otherBytes());
    if (heap.otherBytes() - this.leastBytes < allowedBytes) return;
    heap.collectYoung();
    if (heap.otherBytes() - this.leastBytes < allowedBytes) return;
    heap.collectAll();
    this.leastBytes = heap.otherBytes();
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

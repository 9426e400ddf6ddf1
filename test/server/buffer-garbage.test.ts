/**
 * When the memory of buffers that nobody uses is asked back: on a heap that is told what there is, and on that of
 * the process.
 */
import { describe, expect, test } from "vitest";
import { BufferGarbage, type BufferHeap, processHeap } from "../../src/server/buffer-garbage.ts";

const MB = 1024 * 1024;
const TICKS_PER_SECOND = 10;

class PlannedHeap implements BufferHeap {
  inUse = 0;
  young = 0;
  old = 0;
  readonly collections: string[] = [];

  otherBytes(): number {
    return this.inUse + this.young + this.old;
  }

  collectYoung(): void {
    this.collections.push("young");
    this.young = 0;
  }

  collectAll(): void {
    this.collections.push("all");
    this.young = 0;
    this.old = 0;
  }
}

function planned(
  limit = 0,
  spare = Number.POSITIVE_INFINITY,
): { heap: PlannedHeap; second: () => string[]; tick: () => string[] } {
  const heap = new PlannedHeap();
  heap.inUse = 10 * MB;
  const garbage = new BufferGarbage(
    heap,
    () => limit,
    () => spare,
  );
  const after = (ticks: number) => {
    for (let i = 0; i < ticks; i++) garbage.tick();
    return heap.collections.splice(0);
  };
  after(1);
  return { heap, second: () => after(TICKS_PER_SECOND), tick: () => after(1) };
}

describe("the memory of buffers", () => {
  test("is collected sooner where the process has little memory left, but not for next to nothing", () => {
    const little = planned(0, 40 * MB);
    little.heap.young = 19 * MB;
    expect(little.second()).toEqual([]);
    little.heap.young = 20 * MB;
    expect(little.tick()).toEqual(["young"]);
    const none = planned(0, -100 * MB);
    none.heap.young = 7 * MB;
    expect(none.second()).toEqual([]);
    none.heap.young = 8 * MB;
    expect(none.tick()).toEqual(["young"]);
  });

  test("is left alone while it does not grow by much", () => {
    const { heap, second } = planned();
    heap.old = 31 * MB;
    expect(second()).toEqual([]);
  });

  test("is collected where it was made lately, and all of it only if that was not enough", () => {
    const { heap, second } = planned();
    heap.young = 40 * MB;
    expect(second()).toEqual(["young"]);
    heap.old = 40 * MB;
    expect(second()).toEqual(["young", "all"]);
    expect(second()).toEqual([]);
  });

  test("that is in use is looked into once, until it grows further", () => {
    const { heap, second } = planned();
    heap.inUse += 100 * MB;
    expect(second()).toEqual(["young", "all"]);
    expect(second()).toEqual([]);
    heap.inUse += 31 * MB;
    expect(second()).toEqual([]);
    heap.inUse += MB;
    expect(second()).toEqual(["young", "all"]);
  });

  test("that was given back counts anew when it is taken again", () => {
    const { heap, second } = planned();
    heap.inUse += 100 * MB;
    second();
    heap.inUse -= 100 * MB;
    second();
    heap.old = 40 * MB;
    expect(second()).toEqual(["young", "all"]);
  });

  test("may be a quarter of the memory limit, if that is small", () => {
    const { heap, second, tick } = planned(64 * MB);
    heap.old = 15 * MB;
    expect(second()).toEqual([]);
    heap.old = 16 * MB;
    expect(second()).toEqual(["young", "all"]);
    heap.old = 32 * MB;
    expect(tick()).toEqual(["young", "all"]);
  });

  test("is not left for a second if there is very much of it", () => {
    const { heap, tick } = planned();
    heap.old = 127 * MB;
    expect(tick()).toEqual([]);
    heap.old = 128 * MB;
    expect(tick()).toEqual(["young", "all"]);
  });
});

test("of this process: buffers count that are not data, and those that were dropped come back", async () => {
  let dataBytes = 0;
  const heap = processHeap(() => dataBytes);
  heap.collectAll();
  const before = heap.otherBytes();
  let buffer: Buffer | undefined = Buffer.allocUnsafeSlow(64 * MB);
  expect(heap.otherBytes() - before).toBeGreaterThan(60 * MB);
  dataBytes = buffer.length;
  expect(heap.otherBytes() - before).toBeLessThan(4 * MB);
  dataBytes = 0;
  buffer = undefined;
  // Memory is freed by another thread, behind the collection.
  while (heap.otherBytes() - before > 32 * MB) {
    heap.collectAll();
    await new Promise(setImmediate);
  }
});

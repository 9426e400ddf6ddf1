/**
 * Memory given back at once: that of a whole large buffer, and nobody else's.
 */
import { getHeapStatistics } from "node:v8";
import { expect, test } from "vitest";
import { RELEASED_FROM_BYTES, releaseMemory } from "../../src/base/release-memory.ts";

const MB = 1024 * 1024;

test("a large buffer is empty afterwards in all its views, and its memory is gone", () => {
  const before = getHeapStatistics().external_memory;
  const bytes = Buffer.allocUnsafeSlow(64 * MB).fill("x");
  const view = bytes.subarray(10, 20);
  expect(getHeapStatistics().external_memory - before).toBeGreaterThan(63 * MB);
  releaseMemory(bytes);
  expect(getHeapStatistics().external_memory - before).toBeLessThan(MB);
  expect([bytes.length, view.length]).toEqual([0, 0]);
  releaseMemory(bytes);
  expect(bytes.length).toBe(0);
});

test("a small buffer stays, and so does a part of a larger one", () => {
  const small = Buffer.allocUnsafeSlow(RELEASED_FROM_BYTES - 1).fill("s");
  const large = Buffer.allocUnsafeSlow(RELEASED_FROM_BYTES + 1).fill("l");
  const part = large.subarray(1);
  releaseMemory(small);
  releaseMemory(part);
  expect(small.equals(Buffer.alloc(RELEASED_FROM_BYTES - 1, "s"))).toBe(true);
  expect(part.equals(Buffer.alloc(RELEASED_FROM_BYTES, "l"))).toBe(true);
});

/**
 * How much may be gathered between two full collections: in proportion to the memory limit, and V8's own choice where
 * that is small.
 */
import { describe, expect, test } from "vitest";
import { heapGrowingPercent } from "../../src/server/heap-growth.ts";

const MB = 1024 * 1024;

describe("heap growth", () => {
  test("a small limit leaves the choice to V8", () => {
    expect(heapGrowingPercent(64 * MB)).toBe(0);
    expect(heapGrowingPercent(511 * MB)).toBe(0);
  });

  test("grows with the limit, up to 128 MB on a heap of 16 MB", () => {
    expect(heapGrowingPercent(512 * MB)).toBe(200);
    expect(heapGrowingPercent(1024 * MB)).toBe(400);
    expect(heapGrowingPercent(2048 * MB)).toBe(800);
    expect(heapGrowingPercent(1024 * 1024 * MB)).toBe(800);
  });

  test("without a limit it is the most", () => {
    expect(heapGrowingPercent(0)).toBe(800);
  });
});

/**
 * What counts against maxmemory besides the data.
 */
import { expect, test } from "vitest";
import { MemoryBudget } from "../../src/server/memory-budget.ts";
import { CommandHarness } from "../support/command-harness.ts";

const MB = 1024 * 1024;

test("buffers of clients count from their measurement until the client is gone", () => {
  const { keyspace } = new CommandHarness({ commands: [] });
  const budget = new MemoryBudget(keyspace);
  budget.measureOverhead(0);
  const empty = budget.usedBytes;
  budget.setLimit(empty + MB);
  budget.measureOverhead(3 * MB);
  expect(budget.usedBytes).toBe(empty + 3 * MB);
  expect(budget.isOver).toBe(true);
  budget.clientGone(2.5 * MB);
  expect(budget.usedBytes).toBe(empty + MB / 2);
  expect(budget.isOver).toBe(false);
  // It had grown since it was measured: what else there is still counts.
  budget.clientGone(5 * MB);
  expect(budget.usedBytes).toBe(empty);
});

test("memtables count against the limit, up to a sixteenth of it", () => {
  const { keyspace } = new CommandHarness({ commands: [] });
  const budget = new MemoryBudget(keyspace, { memtableBytes: 4 * MB });
  budget.measureOverhead(0);
  const empty = budget.usedBytes;
  budget.setLimit(64 * MB);
  expect(budget.usedBytes).toBe(empty + 4 * MB);
  expect(budget.chargedBytes).toBe(empty + 4 * MB);
  budget.setLimit(16 * MB);
  expect(budget.chargedBytes).toBe(empty + MB);
  budget.setLimit(0);
  expect(budget.usedBytes).toBe(empty);
});

/** A budget of 128 MB, and what to measure of a process that takes so much besides an empty keyspace. */
function small(tier?: { readonly memtableBytes: number }) {
  const { keyspace } = new CommandHarness({ commands: [] });
  const budget = new MemoryBudget(keyspace, tier);
  budget.setLimit(128 * MB);
  budget.measureOverhead(0);
  const { huge, slabs } = keyspace.entries;
  const counted = slabs.reservedBytes + huge.allocatedBytes + budget.overheadBytes;
  const measure = (uncounted: number) => budget.fitInto(192 * MB, counted + uncounted);
  return { budget, measure };
}

test("what the process takes besides makes the limit smaller where there is not enough room for both", () => {
  const { budget, measure } = small({ memtableBytes: 0 });
  measure(64 * MB);
  expect(budget.limitBytes).toBe(128 * MB);
  measure(100 * MB);
  expect(budget.limitBytes).toBe(92 * MB);
  expect(budget.spillFromBytes).toBeLessThan(92 * MB);
  expect(budget.limit).toBe(128 * MB);
});

test("the limit comes back little by little, and a fourth of it is never taken away", () => {
  const { budget, measure } = small({ memtableBytes: 0 });
  measure(1000 * MB);
  expect(budget.limitBytes).toBe(32 * MB);
  measure(100 * MB);
  expect(budget.limitBytes).toBe(32 * MB);
  measure(144 * MB);
  measure(100 * MB);
  const before = budget.limitBytes;
  for (let i = 0; i < 100; i++) measure(60 * MB);
  expect(before).toBeLessThan(92 * MB);
  expect(budget.limitBytes).toBe(128 * MB);
});

test("where little of the limit is left, buffers and memtables leave a fourth of that to the data", () => {
  const { budget, measure } = small({ memtableBytes: 8 * MB });
  measure(1000 * MB);
  budget.measureOverhead(200 * MB);
  expect(budget.limitBytes).toBe(32 * MB);
  expect(budget.chargedBytes).toBe(24 * MB);
});

test("where hardly more than an empty server fits, buffers and memtables leave a fourth to the data, too", () => {
  const { keyspace } = new CommandHarness({ commands: [] });
  const emptyBytes = keyspace.entries.allocatedBytes;
  expect(emptyBytes).toBeGreaterThan(0);
  const budget = new MemoryBudget(keyspace, { memtableBytes: 4 * MB });
  budget.setLimit(2 * emptyBytes);
  budget.measureOverhead(MB);
  expect(budget.chargedBytes).toBe(1.5 * emptyBytes);
  budget.setLimit(emptyBytes);
  expect(budget.isOver).toBe(false);
  budget.setLimit(emptyBytes - 1);
  expect(budget.isOver).toBe(true);
});

test("buffers of clients are not counted twice", () => {
  const { budget, measure } = small({ memtableBytes: 0 });
  budget.measureOverhead(50 * MB);
  measure(100 * MB);
  expect(budget.limitBytes).toBeGreaterThan(127 * MB);
});

test("without a cold tier the limit stays as configured, since nothing could leave without loss", () => {
  const { budget, measure } = small();
  measure(1000 * MB);
  expect(budget.limitBytes).toBe(128 * MB);
});

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

/**
 * What is left for the data of the memory of a machine or container.
 */
import { expect, test } from "vitest";
import { MemoryBudget } from "../../src/server/memory-budget.ts";
import { ProcessRoom, roomOfProcess } from "../../src/server/process-room.ts";
import { CommandHarness } from "../support/command-harness.ts";

const MB = 1024 * 1024;

test("an eighth of the memory is reserved, at least 96 MB, and three eighths at most", () => {
  expect(roomOfProcess(1024 * MB)).toBe(896 * MB);
  expect(roomOfProcess(384 * MB)).toBe(288 * MB);
  expect(roomOfProcess(128 * MB)).toBe(80 * MB);
});

test("who waits for memory is looked after when the limit has changed, and only then", () => {
  const { keyspace } = new CommandHarness({ commands: [] });
  const budget = new MemoryBudget(keyspace, { memtableBytes: 0 });
  budget.setLimit(128 * MB);
  let turnEnds = 0;
  const server = { budget, scheduleTurnEnd: () => turnEnds++ };
  let processBytes = 20 * MB;
  const room = new ProcessRoom(256 * MB, () => processBytes);
  room.tick(server);
  expect(turnEnds).toBe(0);
  processBytes = 120 * MB;
  room.tick(server);
  expect(turnEnds).toBe(1);
  processBytes = 80 * MB;
  room.tick(server);
  expect(turnEnds).toBe(2);
});

test("a process that outgrows its container leaves less to the data", () => {
  const { keyspace } = new CommandHarness({ commands: [] });
  const budget = new MemoryBudget(keyspace, { memtableBytes: 0 });
  budget.setLimit(128 * MB);
  let processBytes = 20 * MB;
  const room = new ProcessRoom(256 * MB, () => processBytes);
  room.tick({ budget, scheduleTurnEnd: () => {} });
  expect(room.spareBytes).toBe(140 * MB);
  expect(budget.limitBytes).toBe(128 * MB);
  processBytes = 120 * MB;
  room.tick({ budget, scheduleTurnEnd: () => {} });
  expect(room.spareBytes).toBe(40 * MB);
  expect(budget.limitBytes).toBeLessThan(64 * MB);
});

/**
 * Counters of INFO: rates, errors by code, and their reset.
 */
import { expect, test } from "vitest";
import { commandSpecs } from "../../src/commands/all.ts";
import { CommandTable } from "../../src/commands/table.ts";
import { Rate, Statistics } from "../../src/server/statistics.ts";

test("a rate is the average over its last 16 samples", () => {
  const rate = new Rate();
  rate.sample(1000, 5000);
  expect(rate.value).toBe(0);
  for (let i = 1; i <= 16; i++) rate.sample(1000 + 50 * i, 5000 + 100 * i);
  expect(rate.value).toBeCloseTo(500);
  for (let i = 17; i <= 24; i++) rate.sample(1800, 5000 + 100 * i);
  expect(rate.value).toBeCloseTo(250);
  rate.reset();
  rate.sample(1800, 9000);
  expect(rate.value).toBe(0);
});

test("errors are counted by their codes", () => {
  const statistics = new Statistics();
  for (const text of ["ERR a", "WRONGTYPE b c", "ERR c", "nospace", `${"x".repeat(40)} y`, " z"])
    statistics.countError(text);
  expect(statistics.errorCounts()).toEqual([
    ["ERR", 5],
    ["WRONGTYPE", 1],
  ]);
  expect(statistics.errorReplies).toBe(6);
});

test("kinds of errors are limited in number", () => {
  const statistics = new Statistics();
  for (let i = 0; i < 1000; i++) statistics.countError(`CODE${i} text`);
  statistics.countError("CODE5 text");
  expect(statistics.errorCounts()).toHaveLength(128);
  expect(statistics.errorCounts().find(([code]) => code === "CODE5")).toEqual(["CODE5", 2]);
  expect(statistics.errorReplies).toBe(1001);
});

test("a reset clears what commands counted, subcommands too", () => {
  const table = new CommandTable(commandSpecs);
  const statistics = new Statistics();
  const counted = [table.findByName("get"), table.findByName("client", "list")];
  for (const command of counted)
    Object.assign(command ?? {}, { calls: 5, microseconds: 2, rejectedCalls: 1, failedCalls: 1 });
  Object.assign(statistics, { inputBytes: 7, outputBytes: 7, reads: 1, writes: 1 });
  statistics.countError("ERR x");
  statistics.reset(table.all);
  for (const command of counted) {
    expect(command).toMatchObject({ calls: 0, microseconds: 0, rejectedCalls: 0, failedCalls: 0 });
  }
  expect(statistics).toMatchObject({ inputBytes: 0, outputBytes: 0, reads: 0, writes: 0, errorReplies: 0 });
  expect(statistics.errorCounts()).toEqual([]);
});

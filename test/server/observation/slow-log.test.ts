/**
 * The slow log: what is kept of arguments, and how many entries.
 */
import { expect, test } from "vitest";
import { Request } from "../../../src/protocol/request.ts";
import { logWords, SlowLog } from "../../../src/server/observation/slow-log.ts";

const CALLER = { address: "1.2.3.4:5", name: "" };

function words(args: readonly string[], secrets: readonly number[] = []): string[] {
  return logWords(Request.of(...args), secrets).map(String);
}

test("arguments are cut as in Redis", () => {
  expect(words(["a", "b"])).toEqual(["a", "b"]);
  const many = Array.from({ length: 40 }, (_, i) => String(i));
  expect(words(many)).toEqual([...many.slice(0, 31), "... (9 more arguments)"]);
  expect(words(many.slice(0, 32))).toEqual(many.slice(0, 32));
  expect(words(["x".repeat(128), "y".repeat(130)])).toEqual([
    "x".repeat(128),
    `${"y".repeat(128)}... (2 more bytes)`,
  ]);
});

test("secrets are not kept", () => {
  expect(words(["auth", "me", "password"], [1, 2])).toEqual(["auth", "(redacted)", "(redacted)"]);
});

test("only what is slow enough is logged, and the newest entries stay", () => {
  const log = new SlowLog();
  log.thresholdMicroseconds = 10;
  log.setMaximum(3);
  for (let i = 5; i < 5000; i++) log.add([Buffer.from(String(i))], CALLER, i, 1_700_000_000_999);
  expect(log.length).toBe(3);
  const newest = [...log.newest(10)];
  expect(newest.map(({ microseconds }) => microseconds)).toEqual([4999, 4998, 4997]);
  expect(newest[0]).toMatchObject({ id: 4989, unixSeconds: 1_700_000_000 });
  expect([...log.newest(1)]).toHaveLength(1);
  expect([...log.newest(0)]).toEqual([]);
  log.setMaximum(1);
  expect(log.length).toBe(1);
  log.reset();
  expect(log.length).toBe(0);
  log.add([], CALLER, 10, 0);
  expect([...log.newest(9)][0].id).toBe(4990);
  log.thresholdMicroseconds = -1;
  log.add([], CALLER, 10, 0);
  expect(log.length).toBe(1);
  log.setMaximum(0);
  expect(log.length).toBe(1);
});

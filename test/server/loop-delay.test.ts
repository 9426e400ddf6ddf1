/**
 * The measurement of the event loop that benchmarks ask for.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { LoopDelay } from "../../src/server/loop-delay.ts";

const BLOCKED_MS = 60;
/** Timers of the measurement itself: one may just have fired when the loop is blocked, and one is not late. */
const SLACK_MS = 20;

test("a loop that was held up shows it, and reset forgets it", async () => {
  const delay = new LoopDelay();
  expect(delay.maxMs).toBe(0);
  await sleep(SLACK_MS);
  const end = performance.now() + BLOCKED_MS;
  while (performance.now() < end);
  while (delay.maxMs < BLOCKED_MS - SLACK_MS) await sleep(1);
  // The histogram keeps three digits.
  expect(delay.percentileMs(100)).toBeGreaterThan(delay.maxMs * 0.99);
  expect(delay.percentileMs(1)).toBeLessThanOrEqual(delay.maxMs);
  delay.reset();
  expect(delay.maxMs).toBe(0);
  expect(delay.percentileMs(99)).toBe(0);
});

/** The machine's clock: TIME follows it where it is set while the process runs. */
import { afterEach, expect, test, vi } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";

afterEach(() => vi.restoreAllMocks());

test("microseconds follow a clock that is set, forward and back, and do not repeat milliseconds otherwise", () => {
  const clock = new SystemClock();
  const real = Date.now.bind(Date);
  for (const shiftMs of [0, 86_400_000, -86_400_000]) {
    vi.spyOn(Date, "now").mockImplementation(() => real() + shiftMs);
    expect(Math.abs(clock.microseconds() / 1000 - Date.now())).toBeLessThan(10_000);
  }
  vi.restoreAllMocks();
  const digits = new Set(Array.from({ length: 1000 }, () => clock.microseconds() % 1000));
  expect(digits.size).toBeGreaterThan(10);
});

/**
 * Huge values: when their memory goes; those that another thread has made come over with their numbers, and grow on
 * here.
 */
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { HugeValues } from "../../src/memory/huge-values.ts";
import { newSharedNumber } from "../../src/memory/shared-number.ts";

/** Above, a value grows where it is. */
const LARGE_BYTES = 9 << 20;

test("another thread's values are taken over, and their numbers are used again", () => {
  const values = new HugeValues();
  const own = values.allocate(10);
  const shared = newSharedNumber();
  values.shareNumbers(shared);
  const others = new HugeValues(shared);
  const [small, unused, large] = [9000, 10_000, LARGE_BYTES].map((bytes) => others.allocate(bytes));
  const late = values.allocate(20);
  expect(new Set([own, small, unused, large, late]).size).toBe(5);
  others.get(small).write("small");
  others.get(large).write("large");
  others.free(unused);

  const handed = others.handOver();
  const part = structuredClone(handed, { transfer: [...handed.memory] });
  values.attach(part);
  values.adopt(part);
  values.unshareNumbers();
  expect(values.allocatedBytes).toBe(10 + 20 + 9000 + LARGE_BYTES);
  expect(values.get(small).toString("latin1", 0, 5)).toBe("small");
  for (const id of [small, large]) values.resize(id, values.get(id).length + 1, 5);
  expect(values.get(large).toString("latin1", 0, 5)).toBe("large");
  expect(values.allocate(1)).toBe(unused);
  for (const id of [own, small, large, late, unused]) values.free(id);
  expect(values.allocatedBytes).toBe(0);
});

test("the memory of what is freed, and of what was outgrown, goes when the turn is over", async () => {
  const values = new HugeValues();
  for (const bytes of [1 << 20, LARGE_BYTES]) {
    const [freed, shrunk] = [values.allocate(bytes), values.allocate(bytes)];
    const [first, second] = [values.get(freed).fill("1"), values.get(shrunk).fill("2")];
    values.free(freed);
    values.resize(shrunk, 300_000, 300_000);
    expect(first.equals(Buffer.alloc(bytes, "1"))).toBe(true);
    expect(second.equals(Buffer.alloc(bytes, "2"))).toBe(true);
    await setImmediate();
    expect([first.length, second.length]).toEqual([0, 0]);
    expect(values.get(shrunk).equals(Buffer.alloc(300_000, "2"))).toBe(true);
  }
});

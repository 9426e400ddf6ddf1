/**
 * Huge values: when their memory goes; those that another thread has made come over with their numbers, and grow on
 * here.
 */
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import type { FrozenValue } from "../../src/memory/frozen-value.ts";
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

test("an image holds what the value did, whatever becomes of the value while it is read", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new SeededRandom(seed);
    const values = new HugeValues();
    const isInPlace = random.below(4) === 0;
    const length = isInPlace ? LARGE_BYTES : 1 + random.below(500_000);
    const id = values.allocate(length + random.below(3) * 1000);
    for (let i = 0; i < length; i += 97) values.get(id)[i] = random.below(256);
    const expected = Buffer.from(values.get(id).subarray(0, length));
    const image = values.freeze(id, length);
    const read: Buffer[] = [];
    let isThere = true;
    for (let isMore = true; isMore; ) {
      for (let i = random.below(4); i > 0 && isThere; i--) isThere = change(values, id, random);
      if (random.below(3) === 0) await setImmediate();
      isMore = random.below(2) === 0 || readPart(image, read);
    }
    expect(Buffer.concat(read).equals(expected), `seed ${seed}`).toBe(true);
    if (isThere) values.free(id);
    expect([values.allocatedBytes, values.frozenCount, values.imageBytes]).toEqual([0, 0, 0]);
  }
});

function readPart(image: FrozenValue, read: Buffer[]): boolean {
  if (!image.next()) return false;
  read.push(Buffer.from(image.buffer.subarray(image.start, image.start + image.length)));
  return true;
}

/** As commands do. Says whether the value is still there. */
function change(values: HugeValues, id: number, random: SeededRandom): boolean {
  const { length } = values.get(id);
  const from = random.below(length);
  const to = from + random.below(Math.min(length - from, 200_000));
  switch (random.below(8)) {
    case 0:
      values.resize(id, length + 1 + random.below(300_000), length);
      return true;
    case 1:
      values.resize(id, Math.floor(length / 3) + 1, length);
      return true;
    case 2:
      values.beforeReplacing(id);
      values.get(id).fill(random.below(256));
      return true;
    case 3:
      values.free(id);
      values.get(values.allocate(length)).fill(1);
      values.free(id);
      return false;
    default:
      values.beforeChange(id, from, to);
      values.get(id).fill(random.below(256), from, to);
      return true;
  }
}

test("images that nobody will read are given up", () => {
  const values = new HugeValues();
  const ids = Array.from({ length: 3 }, () => values.allocate(600_000));
  for (const id of ids) values.freeze(id, 600_000);
  values.free(ids[0]);
  values.beforeReplacing(ids[1]);
  expect([values.allocatedBytes, values.imageBytes, values.frozenCount]).toEqual([2_400_000, 1_200_000, 3]);
  values.giveUpImages();
  expect([values.allocatedBytes, values.imageBytes, values.frozenCount]).toEqual([1_200_000, 0, 0]);
});

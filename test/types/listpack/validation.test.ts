/**
 * Bytes from outside: what is a listpack and what is none, as Redis judges it too; and no byte outside is ever looked
 * at.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ElementView } from "../../../src/types/listpack/element-view.ts";
import * as listpack from "../../../src/types/listpack/listpack.ts";
import { checkListpack } from "../../../src/types/listpack/validation.ts";
import { packedStringDump } from "../../support/dump-payloads.ts";
import { hasRedisServer, withRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";
import { contents, listpackOf, placed } from "./model.ts";

/** A byte that means something, and where it goes. */
const damage = fc.record({
  place: fc.nat({ max: 999_999 }).map((share) => share / 1_000_000),
  byte: fc.oneof(fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xc0, 0xe0, 0xf0, 0xf1, 0xf4, 0xf5, 0xff), fc.nat(255)),
  kind: fc.constantFrom("set", "set", "insert", "remove", "cut", "fit", "head"),
});

/** Mostly of small elements, lest damage hit nothing but the bytes of strings. */
const lists = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.array(
      contents.filter((content) => content.length < 70),
      { maxLength: 8 },
    ),
  },
  { weight: 1, arbitrary: fc.array(contents, { maxLength: 8 }) },
);

const damaged: fc.Arbitrary<Buffer> = fc
  .tuple(lists, fc.array(damage, { maxLength: 4 }))
  .map(([values, all]) => all.reduce(damageOnce, listpackOf(values)));

function damageOnce(
  bytes: Buffer,
  { place, byte, kind }: { place: number; byte: number; kind: string },
): Buffer {
  const at = Math.floor(place * bytes.length);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + 1)];
  if (kind === "insert") return Buffer.concat([before, Buffer.of(byte), bytes.subarray(at)]);
  if (kind === "remove") return Buffer.concat([before, after]);
  if (kind === "cut") return Buffer.from(before);
  const copy = Buffer.from(bytes);
  if (kind === "set" && at < copy.length) copy[at] = byte;
  if (kind === "head" && copy.length > 6) copy[Math.floor(place * 7)] = byte;
  // Then not only the length is wrong.
  if (kind === "fit" && copy.length >= 4) copy.writeUInt32LE(copy.length, 0);
  return copy;
}

/** The bytes, which note the lowest and the highest index that is read. */
function watched(bytes: Buffer): { bytes: Buffer; read: { low: number; high: number } } {
  const read = { low: Infinity, high: -1 };
  const proxy = new Proxy(bytes, {
    get(target, name) {
      const index = typeof name === "string" ? Number(name) : Number.NaN;
      if (Number.isNaN(index)) return Reflect.get(target, name) as unknown;
      read.low = Math.min(read.low, index);
      read.high = Math.max(read.high, index);
      return target[index];
    },
  });
  return { bytes: proxy, read };
}

/** Reads everything there is in all ways. */
function walk(bytes: Buffer): number {
  const view = new ElementView();
  let count = 0;
  for (let at = listpack.firstElement(bytes, 0); at !== -1; at = listpack.nextElement(bytes, 0, at)) {
    view.read(bytes, 0, at);
    count++;
  }
  let back = 0;
  for (let at = listpack.lastElement(bytes, 0); at !== -1; at = listpack.previousElement(bytes, 0, at))
    back++;
  expect(back).toBe(count);
  return count;
}

describe("bytes from outside", () => {
  test("are judged without a look beyond their ends, and what passes can be read", () => {
    let passed = 0;
    fc.assert(
      fc.property(damaged, fc.nat({ max: 9 }), fc.boolean(), (bytes, start, deep) => {
        const { bytes: proxy, read } = watched(placed(bytes, start, 0xff));
        const count = checkListpack(proxy, start, bytes.length, deep);
        expect(read.low).toBeGreaterThanOrEqual(start);
        expect(read.high).toBeLessThan(start + bytes.length);
        expect(checkListpack(placed(bytes, start, 0), start, bytes.length, deep)).toBe(count);
        if (!deep || count === -1) return;
        passed++;
        expect(walk(bytes)).toBe(count);
      }),
      { seed: usualSeed(), numRuns: 3000 },
    );
    expect(passed).toBeGreaterThan(100);
  });

  test("must lie within their buffer", () => {
    const bytes = listpackOf([Buffer.from("a")]);
    expect(checkListpack(bytes, 0, bytes.length, true)).toBe(1);
    expect(checkListpack(bytes.subarray(0, -1), 0, bytes.length, true)).toBe(-1);
    expect(checkListpack(bytes, -1, bytes.length, true)).toBe(-1);
    expect(checkListpack(bytes, 0, 0, true)).toBe(-1);
  });

  test("are only looked at from both ends if that is asked for", () => {
    const bytes = listpackOf([Buffer.from("abc"), Buffer.from("1")]);
    bytes[6] = 0xf5;
    expect([false, true].map((deep) => checkListpack(bytes, 0, bytes.length, deep))).toEqual([2, -1]);
    bytes.writeUInt16LE(65_535, 4);
    expect(checkListpack(bytes, 0, bytes.length, false)).toBe(65_535);
  });

  test("may be judged element by element", () => {
    const bytes = listpackOf(["a", "12", "b"].map((text) => Buffer.from(text)));
    const seen: number[][] = [];
    const check = (stop: number) => (at: number, count: number) => seen.push([at, count]) < stop;
    expect(checkListpack(bytes, 0, bytes.length, true, check(9))).toBe(3);
    expect(seen).toEqual([
      [6, 3],
      [9, 3],
      [11, 3],
    ]);
    expect(checkListpack(bytes, 0, bytes.length, true, check(4))).toBe(-1);
  });

  test("that end within an element's length are judged without a look beyond their end", () => {
    for (const head of ["e0", "f0", "f001", "f00100", "f0010000"]) {
      const bytes = Buffer.concat([listpackOf([]).subarray(0, 6), Buffer.from(head, "hex"), Buffer.of(0xff)]);
      bytes.writeUInt32LE(bytes.length, 0);
      const { bytes: proxy, read } = watched(placed(bytes, 0, 0));
      expect(checkListpack(proxy, 0, bytes.length, true), head).toBe(-1);
      expect(read.high).toBeLessThan(bytes.length);
    }
  });

  test("claim lengths for which there are no bytes, and are refused", () => {
    for (const head of ["f0ffffffff", "f0fcffffff", "f0fbffffff", "f0ffffff7f", "efff", "bf"]) {
      const body = Buffer.concat([
        Buffer.alloc(6),
        Buffer.from(head, "hex"),
        Buffer.alloc(12, 0x80),
        Buffer.of(0xff),
      ]);
      body.writeUInt32LE(body.length, 0);
      body.writeUInt16LE(1, 4);
      expect(checkListpack(body, 0, body.length, true), head).toBe(-1);
    }
  });
});

describe.skipIf(!hasRedisServer)("Redis", () => {
  const LIST_QUICKLIST_2 = 18;
  const PACKED_NODE = 2;
  const RUNS = 1500;

  test("refuses the same bytes", async () => {
    const folder = temporaryFolder();
    const args = ["--sanitize-dump-payload", "yes"];
    await withRedisServer(args, folder, async (client) => {
      const seed = usualSeed();
      const samples = fc.sample(damaged, { seed, numRuns: RUNS }).filter((bytes) => bytes.length > 0);
      const outcomes = new Map<string, number>();
      for (const bytes of samples) {
        const payload = packedStringDump(Buffer.of(LIST_QUICKLIST_2, 1, PACKED_NODE), bytes);
        // oxlint-disable-next-line no-await-in-loop -- one after the other, so that the first difference is shown
        const reply = await client.restore("k", 0, payload, "REPLACE").catch((error: Error) => error.message);
        const count = checkListpack(bytes, 0, bytes.length, true);
        // An empty list cannot be either.
        const expected = count > 0 ? "OK" : "ERR Bad data format";
        expect(reply, `seed ${seed}: ${bytes.toString("hex")}`).toBe(expected);
        outcomes.set(expected, (outcomes.get(expected) ?? 0) + 1);
      }
      expect(Math.min(...outcomes.values())).toBeGreaterThan(100);
      expect(outcomes.size).toBe(2);
    }).finally(() => removeFolder(folder));
  });
});

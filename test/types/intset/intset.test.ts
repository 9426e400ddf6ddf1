/** Intsets against a Set of bigints, byte for byte; and bytes from outside, as Redis judges them too. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Int64 } from "../../../src/base/int64.ts";
import * as intset from "../../../src/types/intset/intset.ts";
import { packedStringDump } from "../../support/dump-payloads.ts";
import { hasRedisServer, withRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";
import { MovingBytes } from "../moving-bytes.ts";
import { intsetOf, members, widthOf } from "./model.ts";

const runs = { seed: usualSeed(), numRuns: 500 };

function of(member: bigint): Int64 {
  const value = new Int64();
  value.setBigInt(member);
  return value;
}

function created(all: Iterable<bigint>): MovingBytes {
  const set = new MovingBytes();
  intset.createIntset(set);
  for (const member of all) intset.addMember(set, of(member));
  return set;
}

function membersOf(bytes: Buffer, start: number): bigint[] {
  const value = new Int64();
  return Array.from({ length: intset.intsetLength(bytes, start) }, (_, i) => {
    intset.readMember(bytes, start, i, value);
    return value.toBigInt();
  });
}

describe("an intset", () => {
  test("is after any changes what Redis would have", () => {
    const change = fc.tuple(fc.constantFrom("add", "add", "remove"), members);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const set = created([]);
        const model = new Set<bigint>();
        let width = 2;
        for (const [kind, member] of changes) {
          const isIn = model.has(member);
          if (kind === "add") {
            expect(intset.addMember(set, of(member))).toBe(!isIn);
            model.add(member);
            width = Math.max(width, widthOf(member));
          } else {
            expect(intset.removeMember(set, of(member))).toBe(isIn);
            model.delete(member);
          }
          expect(set.bytes().equals(intsetOf(model, width))).toBe(true);
          expect(intset.intsetWidth(set.buffer, set.start)).toBe(width);
        }
      }),
      runs,
    );
  });

  test("tells where a member is, and where another would be", () => {
    fc.assert(
      fc.property(fc.uniqueArray(members, { maxLength: 50 }), members, (all, other) => {
        const { buffer, start } = created(all);
        const sorted = membersOf(buffer, start);
        expect(sorted).toEqual([...all].sort((a, b) => Number(a > b) - Number(a < b)));
        sorted.forEach((member, i) => expect(intset.findMember(buffer, start, of(member))).toBe(i));
        const place = sorted.filter((member) => member < other).length;
        const expected = sorted[place] === other ? place : -1 - place;
        expect(intset.findMember(buffer, start, of(other))).toBe(expected);
      }),
      runs,
    );
  });

  test("loses a range of members", () => {
    fc.assert(
      fc.property(fc.uniqueArray(members, { maxLength: 30 }), fc.nat(30), fc.nat(30), (all, from, to) => {
        const set = created(all);
        const sorted = membersOf(set.buffer, set.start);
        const width = intset.intsetWidth(set.buffer, set.start);
        const [first, end] = [from, to].map((i) => i % (all.length + 1)).sort((a, b) => a - b);
        intset.removeMembers(set, first, end - first);
        expect(set.bytes().equals(intsetOf([...sorted.slice(0, first), ...sorted.slice(end)], width))).toBe(
          true,
        );
      }),
      runs,
    );
  });

  test("of text members is read and written without a BigInt", () => {
    const value = new Int64();
    const text = Buffer.from("-9223372036854775808");
    expect(value.parse(text, 0, text.length)).toBe(true);
    const set = created([7n]);
    expect(intset.addMember(set, value)).toBe(true);
    intset.readMember(set.buffer, set.start, 0, value);
    const scratch = Buffer.alloc(20);
    expect(scratch.toString("latin1", 0, value.write(scratch, 0))).toBe("-9223372036854775808");
  });
});

/** Intsets, most of them with something changed. */
const damaged: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.uniqueArray(members, { maxLength: 6 }),
    fc.constantFrom(2, 4, 8),
    fc.array(fc.tuple(fc.nat(60), fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 8, 16, 0xff), fc.nat(255))), {
      maxLength: 2,
    }),
    fc.integer({ min: -2, max: 2 }),
    fc.boolean(),
  )
  .map(([all, width, changes, longer, isCut]) => {
    const bytes = intsetOf(all, width);
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    if (!isCut) return bytes;
    return longer < 0 ? bytes.subarray(0, longer) : Buffer.concat([bytes, Buffer.alloc(longer)]);
  });

describe("bytes from outside", () => {
  test("are an intset if its members ascend and fill them", () => {
    fc.assert(
      fc.property(damaged, fc.nat(5), (bytes, start) => {
        const placed = Buffer.concat([Buffer.alloc(start, 2), bytes, Buffer.alloc(9)]);
        const count = intset.checkIntset(placed, start, bytes.length, true);
        if (count === -1) return;
        const all = membersOf(bytes, 0);
        expect(all.length).toBe(count);
        expect(bytes.equals(intsetOf(all, bytes[0]))).toBe(true);
        expect(new Set(all).size).toBe(count);
      }),
      { ...runs, numRuns: 3000 },
    );
  });

  test("must lie within their buffer, and their order is looked at only if that is asked for", () => {
    const bytes = intsetOf([1n, 2n]);
    const check = (start: number, length: number) => intset.checkIntset(bytes, start, length, true);
    expect([check(0, 12), check(0, 13), check(-1, 12), check(0, 7)]).toEqual([2, -1, -1, -1]);
    expect(intset.checkIntset(bytes.subarray(0, 11), 0, 12, true)).toBe(-1);
    bytes[10] = 1;
    expect([true, false].map((deep) => intset.checkIntset(bytes, 0, 12, deep))).toEqual([-1, 2]);
  });

  test("may not hold a member twice", () => {
    for (const width of [2, 4, 8]) {
      const bytes = intsetOf([-1n, -1n], width);
      expect(intset.checkIntset(bytes, 0, bytes.length, true)).toBe(-1);
    }
  });

  test("may not claim more members than there can be", () => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(8, 0);
    bytes.writeUInt32LE(0xffff_ffff, 4);
    expect(intset.checkIntset(bytes, 0, 8, true)).toBe(-1);
  });
});

describe.skipIf(!hasRedisServer)("Redis", () => {
  const SET_INTSET = 11;

  test("refuses the same bytes", async () => {
    const folder = temporaryFolder();
    await withRedisServer(["--sanitize-dump-payload", "yes"], folder, async (client) => {
      const seed = usualSeed();
      const outcomes = new Map<string, number>();
      for (const bytes of fc.sample(damaged, { seed, numRuns: 1500 })) {
        const payload = packedStringDump(Buffer.of(SET_INTSET), bytes);
        // oxlint-disable-next-line no-await-in-loop -- one after the other, so that the first difference is shown
        const reply = await client.restore("k", 0, payload, "REPLACE").catch((error: Error) => error.message);
        const isValid = intset.checkIntset(bytes, 0, bytes.length, true) !== -1;
        const expected = isValid ? "OK" : "ERR Bad data format";
        expect(reply, `seed ${seed}: ${bytes.toString("hex")}`).toBe(expected);
        outcomes.set(expected, (outcomes.get(expected) ?? 0) + 1);
      }
      expect(Math.min(...outcomes.values())).toBeGreaterThan(100);
      expect(outcomes.size).toBe(2);
    }).finally(() => removeFolder(folder));
  });
});

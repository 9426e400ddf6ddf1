/** Packed sets: there and back by the limits, and bytes that cannot be one. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteArena } from "../../../src/base/byte-arena.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import { StorageError } from "../../../src/base/storage-error.ts";
import { ListpackAppender } from "../../../src/types/listpack/appender.ts";
import { createListpack } from "../../../src/types/listpack/edits.ts";
import { ElementValue } from "../../../src/types/listpack/element-value.ts";
import { GrowingBytes } from "../../../src/types/packed-bytes.ts";
import { finishSteps } from "../../../src/types/packed-parts.ts";
import { encodeLength, encodeString } from "../../../src/types/rdb-encoding.ts";
import { isRooted, rootOf } from "../../../src/types/rooted.ts";
import { encodingName, INTSET, SET } from "../../../src/types/set/set-encoding.ts";
import { readSet } from "../../../src/types/set/set-reader.ts";
import { setType } from "../../../src/types/set/set-type.ts";
import type { ValueMemory } from "../../../src/types/value-memory.ts";
import { usualSeed } from "../../support/seed.ts";
import { newValueMemory } from "../../support/value-memory.ts";

const STRINGS = 2;
const INTSET_TYPE = 11;
const LISTPACK = 20;
const KEY = Buffer.from("key");

/** An entry with the unpacked value. */
function unpack(memory: ValueMemory, rdbType: number, packed: Buffer, encoding?: number): number {
  const value = setType.unpack(memory, rdbType, packed, encoding);
  const address = memory.entries.create(SET, 0, KEY, 0, KEY.length, value.length);
  memory.entries.setEncoding(address, value.encoding);
  value.fill(memory, address);
  return address;
}

function membersOf(memory: ValueMemory, address: number): string[] {
  const members = readSet(memory, address);
  const all: string[] = [];
  members.begin();
  while (members.next())
    all.push(members.buffer.toString("latin1", members.start, members.start + members.length));
  expect(members.size).toBe(all.length);
  return all;
}

function free(memory: ValueMemory, address: number): void {
  const { entries } = memory;
  if (isRooted(entries.head(address)))
    while (!setType.rooted!.disposeStep(memory, rootOf(entries, address), 10));
  entries.free(address);
}

function stringsOf(members: readonly string[], count = members.length): Buffer {
  const texts = members.map((member) => Buffer.from(member, "latin1"));
  const packed = Buffer.alloc(20 + texts.reduce((sum, text) => sum + text.length + 40, 0));
  let at = encodeLength(packed, 0, count);
  for (const text of texts) at = encodeString(packed, at, text, 0, text.length, true);
  return packed.subarray(0, at);
}

function asString(bytes: Buffer): Buffer {
  const packed = Buffer.alloc(bytes.length + 40);
  return packed.subarray(0, encodeString(packed, 0, bytes, 0, bytes.length, true));
}

function listpackOf(members: readonly string[]): Buffer {
  const list = new GrowingBytes();
  const appender = new ListpackAppender();
  const value = new ElementValue();
  createListpack(list);
  appender.begin(list, 0);
  for (const member of members) appender.add(value.set(Buffer.from(member, "latin1"), 0, member.length));
  appender.end();
  return asString(list.bytes());
}

/** `[bytes of each][count][members]`, little-endian. */
function intsetOf(width: number, members: readonly number[], count = members.length): Buffer {
  const set = Buffer.alloc(8 + width * members.length);
  set.writeInt32LE(width, 0);
  set.writeInt32LE(count, 4);
  for (const [i, member] of members.entries()) set.writeIntLE(member, 8 + i * width, Math.min(width, 6));
  return asString(set);
}

const MEMBER = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.string({ unit: "binary", maxLength: 400 }).map((text) => Buffer.from(text).toString("latin1")),
);

describe("packed sets", () => {
  it("come back as they were, whatever their form", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(MEMBER, { minLength: 1, maxLength: 60 }),
        fc.boolean(),
        fc.boolean(),
        (members, isListpack, onlyIntegers) => {
          const wanted = onlyIntegers ? members.map((_member, i) => String(i * i * i - 50)) : members;
          const memory = newValueMemory();
          memory.limits.setMaxIntsetEntries = 30;
          const address = isListpack
            ? unpack(memory, LISTPACK, listpackOf(wanted))
            : unpack(memory, STRINGS, stringsOf(wanted));
          expect(membersOf(memory, address).sort()).toEqual([...wanted].sort());
          const areIntegers = wanted.every(
            (member) =>
              /^(0|-?[1-9]\d*)$/.test(member) && BigInt.asIntN(64, BigInt(member)) === BigInt(member),
          );
          const encoding = memory.entries.encoding(address);
          expect(encodingName(encoding)).toBe(areIntegers && wanted.length <= 30 ? "intset" : "hashtable");
          for (const compress of [false, true]) {
            const rdbType = setType.rdbTypeOf(memory, address);
            expect(rdbType).toBe(encoding === INTSET ? INTSET_TYPE : STRINGS);
            const packed = Buffer.from(setType.pack(memory, address, new ByteArena(), compress));
            // By its limits, and as the record of an entry, when limits have changed.
            memory.limits.setMaxIntsetEntries = compress ? 30 : 0;
            const again = unpack(memory, rdbType, packed, compress ? undefined : encoding);
            expect(memory.entries.encoding(again)).toBe(encoding);
            expect(membersOf(memory, again)).toEqual(membersOf(memory, address));
            expect(Buffer.from(setType.pack(memory, again, new ByteArena(), compress)).equals(packed)).toBe(
              true,
            );
            free(memory, again);
            memory.limits.setMaxIntsetEntries = 30;
          }
          free(memory, address);
          expect(memory.entries.allocatedBytes).toBe(0);
        },
      ),
    );
  });

  it("an intset over the limit becomes a table", () => {
    const memory = newValueMemory();
    memory.limits.setMaxIntsetEntries = 2;
    const address = unpack(memory, INTSET_TYPE, intsetOf(2, [-5, 1, 7]));
    expect(encodingName(memory.entries.encoding(address))).toBe("hashtable");
    expect(membersOf(memory, address).sort()).toEqual(["-5", "1", "7"]);
  });

  it.each<[string, number, Buffer]>([
    ["no bytes", STRINGS, Buffer.alloc(0)],
    ["no members", STRINGS, stringsOf([])],
    ["fewer members than promised", STRINGS, stringsOf(["a", "b"], 3)],
    ["more members than promised", STRINGS, stringsOf(["a", "b", "c"], 2)],
    ["impossibly many members", STRINGS, stringsOf(["a"], 2 ** 40)],
    ["a member twice", STRINGS, stringsOf(["a", "b", "a"])],
    ["an integer twice, of which one is a text", STRINGS, Buffer.from("\x02\xc0\x05\x015", "latin1")],
    ["an encoding in place of the count", STRINGS, Buffer.from("\xc0\x01", "latin1")],
    ["a string that is no intset", INTSET_TYPE, asString(Buffer.from("not an intset"))],
    ["an empty intset", INTSET_TYPE, intsetOf(2, [])],
    ["an intset out of order", INTSET_TYPE, intsetOf(2, [1, 3, 2])],
    ["an intset with a member twice", INTSET_TYPE, intsetOf(4, [1, 1])],
    ["an intset of 3 bytes each", INTSET_TYPE, intsetOf(3, [1, 2])],
    ["an intset with the wrong count", INTSET_TYPE, intsetOf(2, [1, 2], 3)],
    ["bytes after the intset", INTSET_TYPE, Buffer.concat([intsetOf(2, [1]), Buffer.of(0)])],
    ["an empty listpack", LISTPACK, listpackOf([])],
    ["a listpack with a member twice", LISTPACK, listpackOf(["a", "1", "a"])],
    ["a string that is no listpack", LISTPACK, asString(Buffer.from("not a listpack"))],
  ])("%s: refused", (_what, rdbType, packed) => {
    expect(() => setType.unpack(newValueMemory(), rdbType, packed)).toThrow(StorageError);
  });

  it("damaged ones are refused or are sets, and nothing else happens", () => {
    const seed = usualSeed();
    const random = new SeededRandom(seed);
    const originals: [number, Buffer][] = [
      [STRINGS, stringsOf(["a", "12", "b".repeat(40), "70000", "", "-1"])],
      [INTSET_TYPE, intsetOf(2, [-3, 0, 5, 900])],
      [INTSET_TYPE, intsetOf(8, [-3, 0, 5, 2 ** 40])],
      [LISTPACK, listpackOf(["a", "12", "b".repeat(40), "70000", "", "-1"])],
    ];
    for (let round = 0; round < 4000; round++) {
      const [rdbType, original] = originals[round % originals.length];
      const packed = Buffer.from(original.subarray(0, original.length - random.below(3)));
      for (let i = random.below(3); i >= 0; i--) packed[random.below(packed.length)] = random.below(256);
      const memory = newValueMemory();
      let address = 0;
      try {
        address = unpack(memory, rdbType, packed);
      } catch (error) {
        expect(error, `seed ${seed}, round ${round}`).toBeInstanceOf(StorageError);
        continue;
      }
      const members = membersOf(memory, address);
      expect(members.length).toBeGreaterThan(0);
      expect(new Set(members).size, `seed ${seed}, round ${round}`).toBe(members.length);
    }
  });

  it("the commands of a rewritten log add 64 members each", () => {
    const memory = newValueMemory();
    const wanted = Array.from({ length: 130 }, (_, i) => `m${i}`);
    const address = unpack(memory, STRINGS, stringsOf(wanted));
    const commands: string[][] = [];
    finishSteps(setType.rewrite(memory, address, KEY, (...args) => void commands.push(args.map(String))));
    expect(commands.map((command) => command.length)).toEqual([66, 66, 4]);
    expect(commands.every(([name, key]) => name === "SADD" && key === "key")).toBe(true);
    expect(commands.flatMap((command) => command.slice(2)).sort()).toEqual([...wanted].sort());
  });
});

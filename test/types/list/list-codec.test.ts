/**
 * The packed forms of lists: there and back in both forms, the older forms that Redis wrote, and bytes that are damaged
 * or malicious, which must be refused or be a list that keeps all rules.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteArena } from "../../../src/base/byte-arena.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import { StorageError } from "../../../src/base/storage-error.ts";
import { TAIL } from "../../../src/types/list/list-reader.ts";
import { listType } from "../../../src/types/list/list-type.ts";
import { INLINE, LARGE, LIST } from "../../../src/types/list/list-value.ts";
import { finishSteps } from "../../../src/types/packed-parts.ts";
import { encodeLength, encodeString, STRING_OVERHEAD_BYTES } from "../../../src/types/rdb-encoding.ts";
import { rootOf } from "../../../src/types/rooted.ts";
import { ValueDigest } from "../../../src/types/value-digest.ts";
import type { ValueMemory } from "../../../src/types/value-memory.ts";
import { usualSeed } from "../../support/seed.ts";
import { newValueMemory } from "../../support/value-memory.ts";
import { contents, listpackOf } from "../listpack/model.ts";
import { ziplistOf } from "../ziplist-model.ts";
import { checkForm, contentsOf, ModelledList } from "./model.ts";

const KEY = Buffer.from("key");
const STRINGS = 1;
const ZIPLIST = 10;
const ZIPLISTS = 14;
const LISTPACKS = 18;
const PLAIN = 1;
const PACKED = 2;

function unpack(memory: ValueMemory, rdbType: number, packed: Buffer, encoding?: number): number {
  const value = listType.unpack(memory, rdbType, packed, encoding);
  const address = memory.entries.create(LIST, 0, KEY, 0, KEY.length, value.length);
  value.fill(memory, address);
  memory.entries.setEncoding(address, value.encoding);
  return address;
}

function pack(memory: ValueMemory, address: number, compress = false): Buffer {
  return Buffer.from(listType.pack(memory, address, new ByteArena(), compress));
}

function string(bytes: Uint8Array): Buffer {
  const target = Buffer.alloc(bytes.length + STRING_OVERHEAD_BYTES);
  return target.subarray(0, encodeString(target, 0, bytes, 0, bytes.length, false));
}

function length(value: number): Buffer {
  const target = Buffer.alloc(9);
  return target.subarray(0, encodeLength(target, 0, value));
}

function counted(parts: readonly Buffer[]): Buffer {
  return Buffer.concat([length(parts.length), ...parts]);
}

function chunk(container: number, bytes: Buffer): Buffer {
  return Buffer.concat([length(container), string(bytes)]);
}

function buffers(...texts: string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text));
}

function texts(all: readonly Buffer[]): string[] {
  return all.map((content) => content.toString("latin1"));
}

describe("packed lists", () => {
  test("come back as they were, chunk by chunk", () => {
    fc.assert(
      fc.property(
        fc.array(contents, { minLength: 1, maxLength: 40 }),
        fc.nat(60),
        fc.constantFrom(-2, -1, 3),
        fc.boolean(),
        (all, times, fill, compress) => {
          const list = new ModelledList(fill, all[0]);
          for (let i = 0; i < times; i++) list.push(all, TAIL);
          // What was once large stays so.
          if (times % 3 === 0) list.removeFrom(TAIL, list.model.length - 1);
          const { memory, address } = list;
          const encoding = memory.entries.encoding(address);
          const packed = pack(memory, address, compress);
          const chunks = checkForm(memory, address);
          memory.limits.listMaxListpackSize = 1;
          const back = unpack(memory, LISTPACKS, packed, encoding);
          expect(memory.entries.encoding(back)).toBe(encoding);
          expect(checkForm(memory, back)).toEqual(chunks);
          expect(pack(memory, back, compress)).toEqual(packed);
          expect(contentsOf(memory, unpack(memory, LISTPACKS, packed))).toEqual(list.model);
        },
      ),
      { seed: usualSeed(), numRuns: 25 },
    );
  });

  test("of one small chunk are in their entry, unless they were large", () => {
    const memory = newValueMemory();
    const packed = counted([chunk(PACKED, listpackOf(buffers("a", "1")))]);
    expect(memory.entries.encoding(unpack(memory, LISTPACKS, packed))).toBe(INLINE);
    expect(memory.entries.encoding(unpack(memory, LISTPACKS, packed, INLINE))).toBe(INLINE);
    expect(memory.entries.encoding(unpack(memory, LISTPACKS, packed, LARGE))).toBe(LARGE);
  });

  test("in the older forms are read", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(contents, { maxLength: 20 }), { minLength: 1, maxLength: 5 }),
        (parts) => {
          const all = parts.flat();
          fc.pre(all.length > 0);
          const notEmpty = all.filter((each) => each.length > 0);
          const memory = newValueMemory();
          for (const [rdbType, packed, expected] of [
            [STRINGS, counted(all.map(string)), all],
            [ZIPLIST, string(ziplistOf(all)), all],
            [ZIPLISTS, counted(parts.map((part) => string(ziplistOf(part)))), all],
            [LISTPACKS, counted(parts.map((part) => chunk(PACKED, listpackOf(part)))), all],
            [LISTPACKS, counted(notEmpty.map((each) => chunk(PLAIN, each))), notEmpty],
          ] as const) {
            if (expected.length === 0) continue;
            const address = unpack(memory, rdbType, packed);
            expect(contentsOf(memory, address)).toEqual(texts(expected));
            checkForm(memory, address);
          }
        },
      ),
      { seed: usualSeed(), numRuns: 100 },
    );
  });

  test("with chunks larger than there are here are divided", () => {
    const all = Array.from({ length: 5000 }, (_, i) => Buffer.from(`element ${i}`));
    const memory = newValueMemory();
    const address = unpack(memory, LISTPACKS, counted([chunk(PACKED, listpackOf(all))]));
    expect(checkForm(memory, address).length).toBeGreaterThan(5);
    expect(contentsOf(memory, address)).toEqual(texts(all));
    const single = unpack(memory, LISTPACKS, counted([chunk(PACKED, listpackOf([Buffer.alloc(50_000)]))]));
    expect(checkForm(memory, single).length).toBe(1);
  });

  const noChunks = Buffer.of(0);
  test.each([
    ["nothing at all", LISTPACKS, Buffer.alloc(0)],
    ["no chunks", LISTPACKS, noChunks],
    ["no elements", STRINGS, noChunks],
    ["only empty chunks", LISTPACKS, counted([chunk(PACKED, listpackOf([]))])],
    ["only empty ziplists", ZIPLISTS, counted([string(ziplistOf([]))])],
    ["an empty ziplist", ZIPLIST, string(ziplistOf([]))],
    ["an unknown container", LISTPACKS, counted([chunk(3, listpackOf(buffers("a")))])],
    ["a plain chunk of nothing", LISTPACKS, counted([chunk(PLAIN, Buffer.alloc(0))])],
    ["a chunk that is no listpack", LISTPACKS, counted([chunk(PACKED, Buffer.from("no listpack"))])],
    [
      "fewer chunks than it says",
      LISTPACKS,
      Buffer.concat([length(2), chunk(PACKED, listpackOf(buffers("a")))]),
    ],
    ["fewer elements than it says", STRINGS, Buffer.concat([length(2), string(Buffer.from("a"))])],
    ["far more elements than it says", STRINGS, Buffer.concat([length(2 ** 40), string(Buffer.from("a"))])],
    ["more behind it", STRINGS, Buffer.concat([counted([string(Buffer.from("a"))]), Buffer.of(0)])],
    ["a string where a number belongs", STRINGS, Buffer.of(0xc0, 1)],
  ])("of %s are refused", (_reason, rdbType, packed) => {
    expect(() => unpack(newValueMemory(), rdbType, packed)).toThrow(StorageError);
  });

  test("that are damaged are refused, or keep all rules", () => {
    const random = new SeededRandom(usualSeed());
    const memory = newValueMemory();
    const all = [...buffers("a", "12", "-70000", "x".repeat(70)), Buffer.alloc(3000, "y")];
    const forms: [number, Buffer][] = [
      [STRINGS, counted(all.map(string))],
      [ZIPLIST, string(ziplistOf(all))],
      [ZIPLISTS, counted([string(ziplistOf(all)), string(ziplistOf(all))])],
      [LISTPACKS, counted([chunk(PACKED, listpackOf(all)), chunk(PLAIN, Buffer.from("plain"))])],
    ];
    for (let i = 0; i < 20_000; i++) {
      const [rdbType, packed] = forms[i % forms.length];
      let damaged = Buffer.from(packed);
      for (let left = 1 + random.below(3); left > 0; left--)
        damaged[random.below(random.below(2) === 0 ? 40 : damaged.length)] = random.next() & 0xff;
      if (random.below(5) === 0) damaged = damaged.subarray(0, random.below(damaged.length));
      let address: number;
      try {
        address = unpack(memory, rdbType, damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(StorageError);
        continue;
      }
      expect(contentsOf(memory, address).length).toBeGreaterThan(0);
      checkForm(memory, address);
      if (memory.entries.encoding(address) === LARGE)
        listType.rooted!.disposeStep(memory, rootOf(memory.entries, address), Number.MAX_SAFE_INTEGER);
      memory.entries.free(address);
    }
  });
});

describe("a list as a whole", () => {
  function largeList(): ModelledList {
    const list = new ModelledList(-1, Buffer.from("first"));
    list.push(
      Array.from({ length: 3000 }, (_, i) => Buffer.from(`element ${i}`)),
      TAIL,
    );
    return list;
  }

  test("is rewritten as commands of 64 elements", () => {
    const { memory, address, model } = largeList();
    const commands: string[][] = [];
    finishSteps(listType.rewrite(memory, address, KEY, (...args) => void commands.push(args.map(String))));
    expect(commands.every(([name, key]) => name === "RPUSH" && key === "key")).toBe(true);
    expect(commands.slice(0, -1).every(({ length: count }) => count === 66)).toBe(true);
    expect(commands.flatMap((command) => command.slice(2))).toEqual(model);
  });

  test("has the digest of its elements in their order, in either form", () => {
    const { memory, address } = largeList();
    const copy = unpack(memory, LISTPACKS, pack(memory, address));
    const digests = [address, copy].map((each) => {
      const digest = new ValueDigest();
      listType.digest(memory, each, digest);
      return digest.bytes.toString("hex");
    });
    expect(digests[0]).toBe(digests[1]);
    const other = new ModelledList(-2, Buffer.from("b"));
    other.push(buffers("a"), TAIL);
    const expected = new ValueDigest();
    for (const text of ["b", "a"]) expected.mix(Buffer.from(text));
    const digest = new ValueDigest();
    listType.digest(other.memory, other.address, digest);
    expect(digest.bytes).toEqual(expected.bytes);
  });

  test("is copied, and the copy is its own", () => {
    const list = largeList();
    const { memory } = list;
    // With bytes to spare on both sides.
    list.removeFrom(TAIL, 3);
    list.removeAt(0);
    const copy = memory.entries.create(LIST, 0, KEY, 0, KEY.length, 4);
    const root = listType.rooted!.copy(memory, rootOf(memory.entries, list.address));
    memory.entries.setEncoding(copy, LARGE);
    memory.entries.valueBuffer(copy).writeInt32LE(root, memory.entries.valueStart(copy));
    const before = [...list.model];
    list.push(buffers("more"), TAIL);
    list.removeFrom(TAIL, 500);
    expect(contentsOf(memory, copy)).toEqual(before);
    checkForm(memory, copy);
    list.check();
  });
});

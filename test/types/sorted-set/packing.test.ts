/**
 * The packed forms of sorted sets: there and back in both forms, the older forms that Redis wrote, and bytes that are
 * damaged or malicious, which must be refused or be a set that keeps all rules.
 */
import { describe, expect, test } from "vitest";
import { ByteArena } from "../../../src/base/byte-arena.ts";
import { type Random, SeededRandom } from "../../../src/base/random.ts";
import { StorageError } from "../../../src/base/storage-error.ts";
import { ListpackAppender } from "../../../src/types/listpack/appender.ts";
import { createListpack } from "../../../src/types/listpack/edits.ts";
import { ElementValue } from "../../../src/types/listpack/element-value.ts";
import { GrowingBytes } from "../../../src/types/packed-bytes.ts";
import { encodeLength, encodeString, STRING_OVERHEAD_BYTES } from "../../../src/types/rdb-encoding.ts";
import { rootOf } from "../../../src/types/rooted.ts";
import { PackedSortedSet } from "../../../src/types/sorted-set/packed-sorted-set.ts";
import { LISTPACK, SKIPLIST, SORTED_SET } from "../../../src/types/sorted-set/sorted-set.ts";
import { sortedSetType } from "../../../src/types/sorted-set/sorted-set-type.ts";
import { TreeSortedSet } from "../../../src/types/sorted-set/tree-sorted-set.ts";
import type { ValueMemory } from "../../../src/types/value-memory.ts";
import { usualSeed } from "../../support/seed.ts";
import { newValueMemory } from "../../support/value-memory.ts";
import { type Element, elementsOf, SortedSetModel } from "./model.ts";

const KEY = Buffer.from("key");
const ZSET = 3;
const ZSET_2 = 5;
const ZIPLIST = 12;
const ZSET_LISTPACK = 17;

/** Makes an entry of a packed value. */
function unpack(memory: ValueMemory, rdbType: number, packed: Buffer, encoding?: number): number {
  const value = sortedSetType.unpack(memory, rdbType, packed, encoding);
  const address = memory.entries.create(SORTED_SET, 0, KEY, 0, KEY.length, value.length);
  value.fill(memory, address);
  memory.entries.setEncoding(address, value.encoding);
  return address;
}

function contents(memory: ValueMemory, address: number): Element[] {
  const { entries } = memory;
  if (entries.encoding(address) === SKIPLIST)
    return elementsOf(new TreeSortedSet(memory).open(rootOf(entries, address)));
  const bytes = new GrowingBytes();
  bytes.resize(entries.valueLength(address));
  entries.value(address).copy(bytes.buffer);
  return elementsOf(new PackedSortedSet().open(bytes));
}

function pack(memory: ValueMemory, address: number, compress = false): Buffer {
  return Buffer.from(sortedSetType.pack(memory, address, new ByteArena(), compress));
}

function string(bytes: Uint8Array): Buffer {
  const target = Buffer.alloc(bytes.length + STRING_OVERHEAD_BYTES);
  return target.subarray(0, encodeString(target, 0, bytes, 0, bytes.length, false));
}

function length(value: number): Buffer {
  const target = Buffer.alloc(9);
  return target.subarray(0, encodeLength(target, 0, value));
}

function binaryScore(score: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(score);
  return bytes;
}

function packElements(elements: readonly Element[]): Buffer {
  const parts = elements.flatMap(({ score, member }) => [string(member), binaryScore(score)]);
  return Buffer.concat([length(elements.length), ...parts]);
}

/** A listpack of texts. */
function listpack(...texts: string[]): Buffer {
  const list = new GrowingBytes();
  const appender = new ListpackAppender();
  createListpack(list);
  appender.begin(list, 0);
  for (const text of texts) appender.add(new ElementValue().set(Buffer.from(text), 0, text.length));
  appender.end();
  return Buffer.from(list.bytes());
}

/** A ziplist of short texts. */
function ziplist(...texts: string[]): Buffer {
  let previous = 0;
  let last = 10;
  let position = 10;
  const elements = texts.map((text) => {
    const element = Buffer.concat([Buffer.of(previous, text.length), Buffer.from(text)]);
    last = position;
    position += element.length;
    previous = element.length;
    return element;
  });
  const header = Buffer.alloc(10);
  header.writeUInt32LE(position + 1, 0);
  header.writeUInt32LE(last, 4);
  header.writeUInt16LE(texts.length, 8);
  return Buffer.concat([header, ...elements, Buffer.of(0xff)]);
}

function randomElements(random: Random, count: number): Element[] {
  const model = new SortedSetModel();
  for (let i = 0; i < count; i++) {
    const member = Buffer.from(
      random.below(3) === 0 ? String(random.below(1e6)) : random.bytes(random.below(90)),
    );
    const score = [random.below(100), random.next() / 7, -random.next(), Infinity, 2 ** 60, -0][
      random.below(6)
    ];
    model.set(member, score);
  }
  return [...model.elements];
}

function texts(elements: readonly Element[]): string[] {
  return elements.map(({ score, member }) => `${score} ${member.toString("hex")}`);
}

describe("packed sorted sets", () => {
  test("come back as they were, in both forms", () => {
    const random = new SeededRandom(usualSeed());
    const memory = newValueMemory();
    for (let i = 0; i < 30; i++) {
      const elements = randomElements(random, 1 + random.below(i % 3 === 0 ? 2000 : 60));
      memory.limits.zsetMaxListpackEntries = i % 2 === 0 ? 100_000 : 10;
      memory.limits.zsetMaxListpackValue = 100;
      const isSmall = elements.length <= memory.limits.zsetMaxListpackEntries;
      const address = unpack(memory, ZSET_2, packElements(elements));
      expect(memory.entries.encoding(address)).toBe(isSmall ? LISTPACK : SKIPLIST);
      expect(texts(contents(memory, address))).toEqual(texts(elements));
      const rdbType = sortedSetType.rdbTypeOf(memory, address);
      expect(rdbType).toBe(isSmall ? ZSET_LISTPACK : ZSET_2);
      for (const compress of [false, true]) {
        const packed = pack(memory, address, compress);
        const encoding = memory.entries.encoding(address);
        // Whatever the limits are by then.
        memory.limits.zsetMaxListpackEntries = random.below(2) === 0 ? 0 : 1e6;
        const again = unpack(memory, rdbType, packed, encoding);
        expect(memory.entries.encoding(again)).toBe(encoding);
        expect(pack(memory, again, compress)).toEqual(packed);
        expect(texts(contents(memory, again))).toEqual(texts(elements));
      }
    }
  });

  test("from elsewhere take the form that the limits ask for", () => {
    const memory = newValueMemory();
    memory.limits.zsetMaxListpackEntries = 2;
    memory.limits.zsetMaxListpackValue = 5;
    const encodingOf = (rdbType: number, packed: Buffer) =>
      memory.entries.encoding(unpack(memory, rdbType, packed));
    const elements = ["a", "b", "c"].map((text, i) => ({ score: i, member: Buffer.from(text) }));
    expect(encodingOf(ZSET_2, packElements(elements))).toBe(SKIPLIST);
    expect(encodingOf(ZSET_2, packElements(elements.slice(1)))).toBe(LISTPACK);
    expect(encodingOf(ZSET_2, packElements([{ score: 1, member: Buffer.from("longer") }]))).toBe(SKIPLIST);
    expect(encodingOf(ZSET_LISTPACK, string(listpack("a", "1", "b", "2", "c", "3")))).toBe(SKIPLIST);
    // As in Redis, a listpack is not searched for long members.
    expect(encodingOf(ZSET_LISTPACK, string(listpack("longer", "1")))).toBe(LISTPACK);
  });

  test("in their older forms are read", () => {
    const memory = newValueMemory();
    const expected = ["-Infinity 61", "-1.5 62", "3 63", "Infinity 64"];
    const score = (text: string) => Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
    const old = Buffer.concat([
      length(4),
      string(Buffer.from("c")),
      score("3"),
      string(Buffer.from("a")),
      Buffer.of(255),
      string(Buffer.from("d")),
      Buffer.of(254),
      string(Buffer.from("b")),
      score("-1.50"),
    ]);
    expect(texts(contents(memory, unpack(memory, ZSET, old)))).toEqual(expected);
    const packed = string(ziplist("a", "-inf", "b", "-1.5", "c", "3", "d", "inf"));
    expect(texts(contents(memory, unpack(memory, ZIPLIST, packed)))).toEqual(expected);
    memory.limits.zsetMaxListpackEntries = 3;
    const large = unpack(memory, ZIPLIST, packed);
    expect(memory.entries.encoding(large)).toBe(SKIPLIST);
    expect(texts(contents(memory, large))).toEqual(expected);
  });

  const element = (text: string, score: number): Element => ({ score, member: Buffer.from(text) });
  const nan = Number.NaN;
  test.each<[string, number, Buffer]>([
    ["nothing", ZSET_2, Buffer.alloc(0)],
    ["no elements", ZSET_2, length(0)],
    ["an empty listpack", ZSET_LISTPACK, string(listpack())],
    ["an empty ziplist", ZIPLIST, string(ziplist())],
    ["a member without score", ZSET_LISTPACK, string(listpack("a", "1", "b"))],
    ["a member without score, in a ziplist", ZIPLIST, string(ziplist("a", "1", "b"))],
    ["a member twice", ZSET_2, packElements([element("a", 1), element("b", 2), element("a", 3)])],
    ["a member twice, in a listpack", ZSET_LISTPACK, string(listpack("a", "1", "b", "2", "a", "3"))],
    ["an integer twice, in a listpack", ZSET_LISTPACK, string(listpack("12", "1", "b", "2", "12", "3"))],
    ["a member twice, in a ziplist", ZIPLIST, string(ziplist("a", "1", "b", "2", "a", "3"))],
    ["scores out of order", ZSET_LISTPACK, string(listpack("a", "2", "b", "1"))],
    ["members out of order", ZSET_LISTPACK, string(listpack("b", "1", "a", "1"))],
    ["no number as a score", ZSET_2, packElements([element("a", nan)])],
    ["nan as a score", ZSET_LISTPACK, string(listpack("a", "nan"))],
    ["a text as a score", ZSET_LISTPACK, string(listpack("a", "b"))],
    ["nan as a text", ZSET, Buffer.concat([length(1), string(Buffer.from("a")), Buffer.of(253)])],
    ["an empty text as a score", ZSET, Buffer.concat([length(1), string(Buffer.from("a")), Buffer.of(0)])],
    [
      "more elements than there are",
      ZSET_2,
      Buffer.concat([length(2), packElements([element("a", 1)]).subarray(1)]),
    ],
    ["very many elements", ZSET_2, Buffer.from("81ffffffffffffffff", "hex")],
    ["half a score", ZSET_2, packElements([element("a", 1)]).subarray(0, -3)],
    ["bytes that follow", ZSET_2, Buffer.concat([packElements([element("a", 1)]), Buffer.of(0)])],
    [
      "bytes that follow a listpack",
      ZSET_LISTPACK,
      Buffer.concat([string(listpack("a", "1")), Buffer.of(0)]),
    ],
    ["no listpack", ZSET_LISTPACK, string(Buffer.from("no listpack at all"))],
    ["no ziplist", ZIPLIST, string(Buffer.from("no ziplist at all"))],
  ])("with %s are refused", (_what, rdbType, packed) => {
    const memory = newValueMemory();
    const before = memory.entries.allocatedBytes;
    for (const entries of [0, 128]) {
      memory.limits.zsetMaxListpackEntries = entries;
      expect(() => sortedSetType.unpack(memory, rdbType, packed)).toThrow(StorageError);
    }
    expect(memory.entries.allocatedBytes).toBe(before);
  });

  test("that are damaged are refused, or keep all rules", () => {
    const random = new SeededRandom(usualSeed());
    const memory = newValueMemory();
    let refused = 0;
    for (let i = 0; i < 6000; i++) {
      const elements = randomElements(random, 1 + random.below(8));
      memory.limits.zsetMaxListpackEntries = random.below(2) === 0 ? 128 : 2;
      const made = unpack(memory, ZSET_2, packElements(elements));
      const rdbType = sortedSetType.rdbTypeOf(memory, made);
      const packed = pack(memory, made);
      for (let damages = 1 + random.below(3); damages > 0; damages--)
        packed[random.below(packed.length)] = random.below(4) === 0 ? 0xff : random.below(256);
      const cut = random.below(10) === 0 ? packed.subarray(0, random.below(packed.length)) : packed;
      try {
        const found = contents(memory, unpack(memory, rdbType, cut));
        const members = new Set(found.map(({ member }) => member.toString("latin1")));
        expect(members.size).toBe(found.length);
        const sorted = [...found].sort((a, b) =>
          a.score === b.score ? a.member.compare(b.member) : a.score < b.score ? -1 : 1,
        );
        expect(found).toEqual(sorted);
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});

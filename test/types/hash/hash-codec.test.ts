/**
 * The packed forms of hashes: what is packed comes back as it was, foreign bytes become what the limits ask for, and
 * bytes that are no hash are refused.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteArena } from "../../../src/base/byte-arena.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import { StorageError } from "../../../src/base/storage-error.ts";
import { HASH, LISTPACK, TABLE, TIMED_LISTPACK, TIMED_TABLE } from "../../../src/types/hash/hash-encoding.ts";
import { readHash } from "../../../src/types/hash/hash-reader.ts";
import { hashType } from "../../../src/types/hash/hash-type.ts";
import { setRoot } from "../../../src/types/rooted.ts";
import type { ValueMemory } from "../../../src/types/value-memory.ts";
import { usualSeed } from "../../support/seed.ts";
import { newValueMemory } from "../../support/value-memory.ts";
import { listpackOf } from "../listpack/model.ts";

const KEY = Buffer.from("key");
const NONE = 0;
const LATEST = 2 ** 48 - 1;
const arena = new ByteArena();

/** Name, value, and time (or NONE). */
type Field = readonly [name: string, value: string, time: number];

const texts = fc.oneof(
  fc.string({ unit: "binary-ascii", maxLength: 12 }),
  fc.integer().map(String),
  fc.constantFrom("", "9223372036854775807", "-1", "0", "01"),
  fc.constantFrom(64, 65, 300, 5000).map((length) => "long".repeat(length / 4 + 1).slice(0, length)),
);
const times = fc.oneof(
  { weight: 3, arbitrary: fc.constant(NONE) },
  { weight: 1, arbitrary: fc.constantFrom(1, 1_700_000_000_000, 1_700_000_000_001, LATEST) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 2 ** 47 }) },
);
const hashes: fc.Arbitrary<readonly Field[]> = fc.uniqueArray(fc.tuple(texts, texts, times), {
  minLength: 1,
  maxLength: 25,
  selector: ([name]) => name,
});
const withoutTimes = hashes.map((fields) => fields.map(([name, value]): Field => [name, value, NONE]));

function unpackInto(memory: ValueMemory, rdbType: number, packed: Buffer, encoding?: number): number {
  const value = hashType.unpack(memory, rdbType, packed, encoding);
  const address = memory.entries.create(HASH, 0, KEY, 0, KEY.length, value.length);
  value.fill(memory, address);
  memory.entries.setEncoding(address, value.encoding);
  return address;
}

function pack(memory: ValueMemory, address: number): { rdbType: number; packed: Buffer } {
  arena.reset();
  const packed = Buffer.from(hashType.pack(memory, address, arena, true));
  return { rdbType: hashType.rdbTypeOf(memory, address), packed };
}

function fieldsOf(memory: ValueMemory, address: number): Field[] {
  const fields = readHash(memory, address);
  const { field, value } = fields;
  const found: Field[] = [];
  const text = (range: { buffer: Buffer; start: number; length: number }) =>
    range.buffer.toString("latin1", range.start, range.start + range.length);
  fields.begin();
  while (fields.next()) found.push([text(field), text(value), fields.time]);
  expect(found.length).toBe(fields.size);
  return found;
}

function sorted(fields: readonly Field[]): readonly Field[] {
  return [...fields].sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

function length(value: number): Buffer {
  const bytes = Buffer.alloc(9, 0x81);
  bytes.writeBigUInt64BE(BigInt(value), 1);
  return bytes;
}

/** A string that is written out plainly. */
function plain(text: string | Buffer): Buffer {
  const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text, "latin1");
  return Buffer.concat([length(bytes.length), bytes]);
}

function milliseconds(time: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(time));
  return bytes;
}

/** Type 4, or 24 if some field has a time. */
function packedTable(fields: readonly Field[]): { rdbType: number; packed: Buffer } {
  const given = fields.map(([, , time]) => time).filter((time) => time !== NONE);
  const earliest = given.length === 0 ? NONE : Math.min(...given);
  const head = earliest === NONE ? [] : [milliseconds(earliest)];
  const parts = fields.flatMap(([name, value, time]) => {
    const delay = earliest === NONE ? [] : [length(time === NONE ? 0 : time - earliest + 1)];
    return [...delay, plain(name), plain(value)];
  });
  return {
    rdbType: earliest === NONE ? 4 : 24,
    packed: Buffer.concat([...head, length(fields.length), ...parts]),
  };
}

/** Type 16, or 25 if some field has a time. */
function packedListpack(fields: readonly Field[]): { rdbType: number; packed: Buffer } {
  const isTimed = fields.some(([, , time]) => time !== NONE);
  const rank = ([, , time]: Field) => (time === NONE ? Number.POSITIVE_INFINITY : time);
  const inOrder = isTimed
    ? [...fields].sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0))
    : fields;
  const texts = inOrder.flatMap(([name, value, time]) =>
    isTimed ? [name, value, String(time)] : [name, value],
  );
  const listpack = listpackOf(texts.map((text) => Buffer.from(text, "latin1")));
  const head = isTimed ? [milliseconds(rank(inOrder[0]))] : [];
  return { rdbType: isTimed ? 25 : 16, packed: Buffer.concat([...head, plain(listpack)]) };
}

describe("what is packed", () => {
  test.each([
    ["a listpack", { entries: 512, value: 65_536 }, LISTPACK, TIMED_LISTPACK],
    ["a table", { entries: 0, value: 64 }, TABLE, TIMED_TABLE],
  ])("comes back the same: %s", (_name, limits, plainForm, timedForm) => {
    fc.assert(
      fc.property(hashes, (fields) => {
        const memory = newValueMemory();
        memory.limits.hashMaxListpackEntries = limits.entries;
        memory.limits.hashMaxListpackValue = limits.value;
        const given = packedTable(fields);
        const address = unpackInto(memory, given.rdbType, given.packed);
        const encoding = memory.entries.encoding(address);
        expect(encoding).toBe(given.rdbType === 4 ? plainForm : timedForm);
        expect(sorted(fieldsOf(memory, address))).toEqual(sorted(fields));
        const first = pack(memory, address);
        const again = unpackInto(memory, first.rdbType, first.packed, encoding);
        expect(memory.entries.encoding(again)).toBe(encoding);
        expect(sorted(fieldsOf(memory, again))).toEqual(sorted(fields));
        if (encoding === LISTPACK || encoding === TIMED_LISTPACK)
          expect(memory.entries.value(again)).toEqual(memory.entries.value(address));
      }),
      { seed: usualSeed() | 0 },
    );
  });

  test("without times any more: as stock Redis knows it, and in the same form again", () => {
    fc.assert(
      fc.property(withoutTimes, fc.constantFrom(TIMED_LISTPACK, TIMED_TABLE), (fields, encoding) => {
        const memory = newValueMemory();
        const given = encoding === TIMED_LISTPACK ? packedListpack(fields) : packedTable(fields);
        const address = unpackInto(memory, given.rdbType, given.packed, encoding);
        expect(memory.entries.encoding(address)).toBe(encoding);
        const { rdbType, packed } = pack(memory, address);
        expect(rdbType).toBe(given.rdbType);
        const again = unpackInto(memory, rdbType, packed, encoding);
        expect(sorted(fieldsOf(memory, again))).toEqual(sorted(fields));
      }),
      { seed: usualSeed() | 0 },
    );
  });

  test("copies and freed hashes leave no memory behind", () => {
    fc.assert(
      fc.property(hashes, (fields) => {
        const memory = newValueMemory();
        memory.limits.hashMaxListpackEntries = 0;
        const before = memory.entries.allocatedBytes;
        const { rdbType, packed } = packedTable(fields);
        const address = unpackInto(memory, rdbType, packed);
        const { entries } = memory;
        const root = entries.valueBuffer(address).readInt32LE(entries.valueStart(address));
        const rooted = hashType.rooted!;
        const copied = rooted.copy(memory, root);
        while (!rooted.disposeStep(memory, root, 3));
        setRoot(entries, address, copied);
        expect(sorted(fieldsOf(memory, address))).toEqual(sorted(fields));
        expect(rooted.sizeBytes(memory, copied, 0)).toBeGreaterThanOrEqual(
          rooted.sizeBytes(memory, copied, 1) / 40,
        );
        expect(rooted.sizeBytes(memory, copied, 0)).toBe(
          entries.allocatedBytes - before - entries.sizeBytes(address),
        );
        while (!rooted.disposeStep(memory, copied, 3));
        entries.free(address);
        expect(entries.allocatedBytes).toBe(before);
      }),
      { seed: usualSeed() | 0 },
    );
  });
});

describe("bytes from outside", () => {
  test("become what the limits ask for", () => {
    const fields = (count: number, value = "v"): Field[] =>
      Array.from({ length: count }, (_, i) => [`f${i}`, value, NONE]);
    const timed = (count: number): Field[] => fields(count).map(([name, value], i) => [name, value, i + 1]);
    const memory = newValueMemory();
    memory.limits.hashMaxListpackEntries = 4;
    memory.limits.hashMaxListpackValue = 8;
    const encodingOf = ({ rdbType, packed }: { rdbType: number; packed: Buffer }) =>
      memory.entries.encoding(unpackInto(memory, rdbType, packed));
    expect(encodingOf(packedTable(fields(4)))).toBe(LISTPACK);
    expect(encodingOf(packedTable(fields(5)))).toBe(TABLE);
    expect(encodingOf(packedTable(fields(1, "123456789")))).toBe(TABLE);
    expect(encodingOf(packedListpack(fields(4)))).toBe(LISTPACK);
    expect(encodingOf(packedListpack(fields(5)))).toBe(TABLE);
    // As in Redis, of a listpack only the number of fields counts.
    expect(encodingOf(packedListpack(fields(1, "123456789")))).toBe(LISTPACK);
    expect(encodingOf(packedTable(timed(4)))).toBe(TIMED_LISTPACK);
    expect(encodingOf(packedTable(timed(5)))).toBe(TIMED_TABLE);
    expect(encodingOf(packedListpack(timed(4)))).toBe(TIMED_LISTPACK);
    expect(encodingOf(packedListpack(timed(5)))).toBe(TIMED_TABLE);
  });

  test("older forms: zipmap and ziplist", () => {
    const zipmap = Buffer.from("\x02\x03foo\x03\x00bar\x05hello\x05\x02world..\xff", "latin1");
    const ziplist = Buffer.from("1600000013000000040000016103fe2a03016203f3ff", "hex");
    const memory = newValueMemory();
    const read = (rdbType: number, bytes: Buffer) =>
      fieldsOf(memory, unpackInto(memory, rdbType, plain(bytes)));
    expect(read(9, zipmap)).toEqual([
      ["foo", "bar", NONE],
      ["hello", "world", NONE],
    ]);
    expect(read(13, ziplist)).toEqual([
      ["a", "42", NONE],
      ["b", "2", NONE],
    ]);
    for (const limit of ["hashMaxListpackEntries", "hashMaxListpackValue"] as const) {
      const small = newValueMemory();
      small.limits[limit] = 1;
      expect(small.entries.encoding(unpackInto(small, 9, plain(zipmap)))).toBe(TABLE);
    }
  });

  test.each([
    ["nothing", 4, Buffer.alloc(0)],
    ["no fields", 4, length(0)],
    ["no fields with times", 24, Buffer.concat([milliseconds(5), length(0)])],
    ["more fields than there are", 4, Buffer.concat([length(2), plain("a"), plain("b")])],
    ["far more fields than there are", 4, Buffer.concat([length(2 ** 50), plain("a"), plain("b")])],
    ["bytes behind the fields", 4, Buffer.concat([length(1), plain("a"), plain("b"), Buffer.of(0)])],
    ["a field twice", 4, Buffer.concat([length(2), ...["a", "b", "a", "c"].map(plain)])],
    [
      "a field twice, once as an integer",
      4,
      Buffer.concat([length(2), Buffer.of(0xc0, 5), plain("b"), plain("5"), plain("c")]),
    ],
    ["a field cut off", 4, Buffer.concat([length(1), plain("a"), length(9)])],
    [
      "a time too late",
      24,
      Buffer.concat([milliseconds(LATEST), length(1), length(2), plain("a"), plain("b")]),
    ],
    ["the earliest time cut off", 24, Buffer.alloc(7)],
    ["an empty listpack", 16, plain(listpackOf([]))],
    ["an odd listpack", 16, plain(listpackOf(["a", "b", "c"].map((text) => Buffer.from(text))))],
    [
      "a listpack with a field twice",
      16,
      plain(listpackOf(["5", "b", "5", "c"].map((text) => Buffer.from(text)))),
    ],
    ["a listpack that is none", 16, plain("0123456789")],
    [
      "bytes behind the listpack",
      16,
      Buffer.concat([plain(listpackOf(["a", "b"].map((text) => Buffer.from(text)))), Buffer.of(1)]),
    ],
    ["a time that is a text", 25, timedListpack(["a", "b", "soon"])],
    ["a time below zero", 25, timedListpack(["a", "b", "-1"])],
    ["a time too late in a listpack", 25, timedListpack(["a", "b", String(LATEST + 1)])],
    ["times in disorder", 25, timedListpack(["a", "b", "6", "c", "d", "5"])],
    ["a field without time before one with", 25, timedListpack(["a", "b", "0", "c", "d", "5"])],
    ["no time", 25, timedListpack(["a", "b", "5", "c", "d"])],
    ["an empty zipmap", 9, plain(Buffer.of(0, 0xff))],
    ["a zipmap without end", 9, plain(Buffer.from("\x01\x01a\x01\x00b", "latin1"))],
    ["a zipmap with another number of fields", 9, plain(Buffer.from("\x02\x01a\x01\x00b\xff", "latin1"))],
    ["a zipmap with a field twice", 9, plain(Buffer.from("\x02\x01a\x01\x00b\x01a\x01\x00c\xff", "latin1"))],
    ["a zipmap whose value reaches beyond", 9, plain(Buffer.from("\x01\x01a\x09\x00b\xff", "latin1"))],
    ["an empty ziplist", 13, plain(Buffer.from("0b0000000a0000000000ff", "hex"))],
    ["no string at all", 16, Buffer.of(0xc3)],
    ["an encoding that does not exist", 4, Buffer.concat([length(1), Buffer.of(0xc7), plain("a")])],
  ])("are refused: %s", (_name, rdbType, packed) => {
    const memory = newValueMemory();
    const before = memory.entries.allocatedBytes;
    expect(() => hashType.unpack(memory, rdbType, packed)).toThrow(StorageError);
    expect(memory.entries.allocatedBytes).toBe(before);
  });

  test("changed at random: refused, or a hash that can be packed and read again", () => {
    const seed = usualSeed();
    const random = new SeededRandom(seed);
    const fields: Field[] = [
      ["a", "1", NONE],
      ["field", "value".repeat(10), 5],
      ["123", "", 7],
    ];
    const plainFields = fields.map(([name, value]): Field => [name, value, NONE]);
    const payloads = [fields, plainFields].flatMap((each) => [packedTable(each), packedListpack(each)]);
    payloads.push({
      rdbType: 9,
      packed: plain(Buffer.from("\x02\x03foo\x03\x00bar\x05hello\x05\x02world..\xff", "latin1")),
    });
    let accepted = 0;
    let memory = newValueMemory();
    for (let i = 0; i < 10_000; i++) {
      const { rdbType, packed } = payloads[i % payloads.length];
      const bytes = Buffer.from(packed);
      for (let changes = 1 + random.below(3); changes > 0; changes--)
        bytes[random.below(bytes.length)] = random.below(256);
      if (i % 1000 === 0) memory = newValueMemory();
      memory.limits.hashMaxListpackEntries = random.below(4);
      try {
        const address = unpackInto(memory, rdbType, bytes);
        const again = pack(memory, address);
        const copy = unpackInto(memory, again.rdbType, again.packed);
        expect(sorted(fieldsOf(memory, copy)), `seed ${seed}, ${i}`).toEqual(
          sorted(fieldsOf(memory, address)),
        );
        accepted++;
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
      }
    }
    expect(accepted).toBeGreaterThan(100);
  });
});

function timedListpack(texts: readonly string[]): Buffer {
  return Buffer.concat([milliseconds(5), plain(listpackOf(texts.map((text) => Buffer.from(text))))]);
}

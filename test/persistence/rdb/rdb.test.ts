/**
 * RDB: what the writer writes the reader reads; damage of any kind is noticed and positioned. Chunks are tiny, so
 * that every item is cut by a chunk's end somewhere.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc64 } from "../../../src/base/crc64.ts";
import {
  RdbError,
  RdbReader,
  type RdbReaderOptions,
  type RdbRecord,
} from "../../../src/persistence/rdb/reader.ts";
import { RdbWriter, type RdbWriterOptions } from "../../../src/persistence/rdb/writer.ts";
import { memoryFile } from "../memory-file.ts";

interface Item {
  db: number;
  key: Buffer;
  value: Buffer | undefined; // undefined: a tombstone
  expireMs: number | undefined;
  idleSeconds: number | undefined;
  frequency: number | undefined;
  hasRecordBelow: boolean;
}

const text = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: -0x80000000, max: 0x7fffffff }).map((n) => Buffer.from(String(n))),
  fc
    .constantFrom("", "0", "-0", "01", "+1", "-1", "127", "128", "-128", "-129", "32767", "32768", "-32769")
    .map((digits) => Buffer.from(digits)),
  fc
    .constantFrom("2147483647", "2147483648", "-2147483648", "-2147483649", "99999999999", " 1", "1 ")
    .map((digits) => Buffer.from(digits)),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(400))
    .map(([bytes, n]) => Buffer.alloc(n, bytes)),
  fc.constantFrom(63, 64, 16383, 16384).map((n) => Buffer.alloc(n, "abcdefghij".slice(0, (n % 9) + 1))),
);

function orNothing<T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(values, { nil: undefined });
}

const item: fc.Arbitrary<Item> = fc.record({
  db: fc.nat(20),
  key: text,
  value: fc.oneof({ weight: 5, arbitrary: text }, { weight: 1, arbitrary: fc.constant(undefined) }),
  expireMs: orNothing(fc.constantFrom(0, 1, -5, 4294967296, 1700000000123, 2 ** 52)),
  idleSeconds: orNothing(fc.constantFrom(0, 63, 64, 100000, 2 ** 33)),
  frequency: orNothing(fc.nat(255)),
  hasRecordBelow: fc.boolean(),
});

async function write(items: Item[], options: RdbWriterOptions = {}, drainAt = 100): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const writer = new RdbWriter(async (chunk) => {
    chunks.push(Buffer.from(chunk));
  }, options);
  writer.appendHeader();
  writer.appendAux("redis-ver", "7.0.0");
  let db = -1;
  for (const { key, value, ...attributes } of items) {
    if (attributes.db !== db) {
      db = attributes.db;
      writer.selectDb(db);
      writer.appendResizeDb(items.length, 3);
    }
    if (value === undefined) {
      writer.appendTombstone(key);
      continue;
    }
    if (attributes.expireMs !== undefined) writer.appendExpire(attributes.expireMs);
    if (attributes.idleSeconds !== undefined) writer.appendIdle(attributes.idleSeconds);
    if (attributes.frequency !== undefined) writer.appendFrequency(attributes.frequency);
    if (attributes.hasRecordBelow) writer.appendRecordBelow();
    const both = Buffer.concat([key, value]);
    writer.appendString(both, 0, key.length, both, key.length, value.length);
    if (writer.pendingBytes > drainAt) await writer.drain();
  }
  writer.appendEnd();
  await writer.drain();
  const file = Buffer.concat(chunks);
  expect(writer.totalBytes).toBe(file.length);
  return file;
}

async function read(file: Uint8Array, options: RdbReaderOptions = {}): Promise<RdbRecord[]> {
  const reader = await RdbReader.open(memoryFile(file), options);
  const records: RdbRecord[] = [];
  for await (const record of reader) records.push(record);
  return records;
}

/** Reads with chunks that are written again, taking a copy of each record when it comes. */
async function readReusing(file: Uint8Array, options: RdbReaderOptions): Promise<RdbRecord[]> {
  const reader = await RdbReader.open(memoryFile(file), { ...options, batchRecords: 1, reusesChunks: true });
  const records: RdbRecord[] = [];
  for await (const record of reader) {
    const copied = Object.entries(record).map(([name, value]: [string, unknown]) => [
      name,
      Buffer.isBuffer(value) ? Buffer.from(value) : value,
    ]);
    records.push(Object.fromEntries(copied) as RdbRecord);
  }
  return records;
}

async function failure(file: Uint8Array, options: RdbReaderOptions = {}): Promise<RdbError> {
  try {
    await read(file, options);
  } catch (error) {
    if (error instanceof RdbError) return error;
    throw error;
  }
  throw new Error("no error");
}

function itemsOf(records: RdbRecord[]): Item[] {
  const items: Item[] = [];
  for (const record of records) {
    if (record.kind === "entry") {
      const { db, key, value, expireMs, idleSeconds, frequency, hasRecordBelow } = record;
      items.push({ db, key, value, expireMs, idleSeconds, frequency, hasRecordBelow });
    } else if (record.kind === "tombstone") {
      const nothing = {
        expireMs: undefined,
        idleSeconds: undefined,
        frequency: undefined,
        hasRecordBelow: false,
      };
      items.push({ db: record.db, key: record.key, value: undefined, ...nothing });
    }
  }
  return items;
}

/** A file by hand: header, the given bytes, end and checksum. */
function handmade(body: number[], version = "0010"): Buffer {
  const bytes = Buffer.concat([Buffer.from(`REDIS${version}`), Buffer.from(body), Buffer.from([255])]);
  return Buffer.concat([bytes, crc64(bytes)]);
}

const sample: Item[] = [
  { key: "name", value: "some value", expireMs: 1700000000123, idleSeconds: 70 },
  { key: "12", value: "-70000", frequency: 3 },
  { key: "packed", value: "abcabcabc".repeat(20), hasRecordBelow: true },
  { key: "gone", value: undefined },
  { db: 3, key: "k", value: "x".repeat(100).concat("unique") },
].map((item) => ({
  db: 0,
  expireMs: undefined,
  idleSeconds: undefined,
  frequency: undefined,
  hasRecordBelow: false,
  ...item,
  key: Buffer.from(item.key),
  value: item.value === undefined ? undefined : Buffer.from(item.value),
}));

describe("what was written is read", () => {
  test("entries with all attributes, in every chunk size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { maxLength: 20 }),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 64 }),
        fc.nat(3000),
        async (items, compress, checksum, chunkBytes, drainAt) => {
          const file = await write(items, { compress, checksum }, drainAt);
          const records = await read(file, { privateOpcodes: true, chunkBytes });
          expect(await readReusing(file, { privateOpcodes: true, chunkBytes })).toEqual(records);
          const cleared = {
            expireMs: undefined,
            idleSeconds: undefined,
            frequency: undefined,
            hasRecordBelow: false,
          };
          expect(itemsOf(records)).toEqual(
            items.map((wanted) => (wanted.value === undefined ? { ...wanted, ...cleared } : wanted)),
          );
          const end = records[records.length - 1];
          expect(end).toEqual({
            kind: "end",
            checksum: checksum ? "ok" : "disabled",
            endOffset: file.length,
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  test("integers take 2, 3 or 5 bytes, compressible text less than its length", async () => {
    const sizes: number[] = [];
    for (const value of ["12", "1234", "123456789", "12345678901", "a".repeat(100)]) {
      const item = { ...sample[1], frequency: undefined, value: Buffer.from(value) };
      sizes.push(
        (await write([item])).length - (await write([{ ...item, value: Buffer.alloc(0) }])).length + 1,
      );
    }
    expect(sizes.slice(0, 4)).toEqual([2, 3, 5, 12]);
    expect(sizes[4]).toBeLessThan(20);
  });

  test("appending goes on while a drain is under way", async () => {
    const chunks: Buffer[] = [];
    let release: () => void = () => {};
    const writer = new RdbWriter(async (chunk) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      chunks.push(Buffer.from(chunk));
    });
    writer.appendHeader();
    const drained = writer.drain();
    writer.selectDb(1);
    writer.appendString(Buffer.from("k"), 0, 1, Buffer.from("v"), 0, 1);
    await expect(writer.drain()).rejects.toThrow();
    release();
    await drained;
    writer.appendEnd();
    const last = writer.drain();
    release();
    await last;
    expect(itemsOf(await read(Buffer.concat(chunks)))).toHaveLength(1);
  });

  test("a value of many chunks, and its exact size in memory", async () => {
    const value = Buffer.alloc(5_000_000);
    for (let i = 0; i < value.length; i++) value[i] = (i * 7919) >> 5;
    const file = await write([{ ...sample[0], value }], { compress: false });
    const [entry] = itemsOf(await read(file));
    expect(entry.value!.equals(value)).toBe(true);
  });

  test("hashes of cold keys, for the database selected, and only where they are allowed", async () => {
    const chunks: Buffer[] = [];
    const writer = new RdbWriter(async (chunk) => void chunks.push(Buffer.from(chunk)), { compress: false });
    writer.appendHeader();
    writer.selectDb(3);
    const differences = Buffer.from([1, 0, 0x80, 2]);
    writer.appendColdKeys(70_000, differences);
    writer.appendEnd();
    await writer.drain();
    const file = Buffer.concat(chunks);
    expect(await read(file, { privateOpcodes: true })).toContainEqual(
      expect.objectContaining({ kind: "cold-keys", db: 3, left: 70_000, differences }),
    );
    expect((await failure(file)).message).toContain("Invalid object type: 242");
  });

  test("a whole record is yielded before an error that follows it", async () => {
    const file = await write(sample);
    const reader = await RdbReader.open(memoryFile(file.subarray(0, file.length - 9)), {
      privateOpcodes: true,
    });
    const records: RdbRecord[] = [];
    await expect(
      (async () => {
        for await (const record of reader) records.push(record);
      })(),
    ).rejects.toThrow("Unexpected EOF");
    expect(itemsOf(records)).toHaveLength(sample.length);
    await expect(reader.readBatch()).rejects.toThrow("Unexpected EOF");
  });
});

describe("damage", () => {
  test("a file cut anywhere is reported as truncated, at an offset inside it", async () => {
    const file = await write(sample);
    for (let cut = 0; cut < file.length; cut++) {
      const error = await failure(file.subarray(0, cut), { privateOpcodes: true, chunkBytes: 16 });
      expect([cut, error.code]).toEqual([cut, "truncated"]);
      expect(error.offset).toBeLessThanOrEqual(cut);
    }
  });

  test("every flipped bit is noticed", async () => {
    const file = await write(sample);
    for (let bit = 0; bit < file.length * 8; bit++) {
      const damaged = Buffer.from(file);
      damaged[bit >> 3] ^= 1 << (bit & 7);
      const error = await failure(damaged, { privateOpcodes: true });
      expect(error.offset).toBeLessThanOrEqual(file.length);
    }
  });

  test("arbitrary bytes after the header end in an error, never otherwise", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const file = Buffer.concat([Buffer.from("REDIS0010"), Buffer.from([0]), bytes]);
        try {
          await read(file, { chunkBytes: 8, otherTypes: "skip" });
        } catch (error) {
          expect(error).toBeInstanceOf(RdbError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("without verification a wrong checksum passes, and the end says so", async () => {
    const file = await write(sample.slice(0, 1));
    file[file.length - 1] ^= 1;
    expect((await failure(file)).message).toBe("RDB CRC error");
    const records = await read(file, { verifyChecksum: false });
    expect(records[records.length - 1]).toMatchObject({ kind: "end", checksum: "unchecked" });
  });

  test.each([
    ["a foreign file", Buffer.from("SQLite 3 whatever"), "Wrong signature trying to load DB from file", 9],
    ["a version from the future", handmade([], "0013"), "Can't handle RDB format version 13", 9],
    ["a version that is no number", handmade([], "00a0"), "Can't handle RDB format version 0", 9],
    [
      "a version that begins like a known one",
      handmade([], "001p"),
      "Can't handle RDB format version 001p",
      9,
    ],
    ["an unknown opcode", handmade([0xfe, 0, 30]), "Invalid object type: 30", 12],
    [
      "our opcodes where no tier is named",
      handmade([0xf0, 0, 1, 0x61, 1, 0x61]),
      "Invalid object type: 240",
      10,
    ],
    ["an unknown length encoding", handmade([0xfe, 0x82, 0, 0, 0, 0]), "Unknown length encoding 0x82", 10],
    ["an unknown string encoding", handmade([0, 0xc5, 0, 0]), "Unknown RDB string encoding type 5", 11],
    [
      "a string encoding for a length",
      handmade([0xfe, 0xc0, 1]),
      "A string encoding stands where a length belongs",
      11,
    ],
    [
      "bad compressed data",
      handmade([0, 0xc3, 2, 30, 0x40, 9, 1, 0x61]),
      "Invalid LZF compressed string",
      15,
    ],
    [
      "a length beyond the file",
      handmade([0, 0x81, 0, 0, 0xff, 0, 0, 0, 0, 0]),
      "Unexpected EOF reading RDB file",
      19,
    ],
    [
      "functions of a pre-release",
      handmade([246, 1, 0x61]),
      "Functions in the format of a Redis 7.0 pre-release",
      10,
    ],
    [
      "module data that is not well-formed",
      handmade([247, 0x81, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1]),
      "bad when_opcode",
      20,
    ],
  ])("%s", async (_, file, message, offset) => {
    const error = await failure(file, { chunkBytes: 4 });
    expect([error.message, error.offset]).toEqual([message, offset]);
  });
});

describe("versions and rare items", () => {
  test.each(["0001", "0004", "0005", "0012"])("version %s", async (version) => {
    const file = handmade([0xfd, 1, 0, 0, 0, 0, 1, 0x61, 1, 0x62], version);
    const records = await read(file);
    expect(itemsOf(records)).toMatchObject([{ expireMs: 1000 }]);
    expect(records[records.length - 1]).toMatchObject({ checksum: version < "0005" ? "absent" : "ok" });
  });

  test("functions, module data and slots are passed over", async () => {
    const moduleAux = [
      247,
      0x81,
      0x04,
      0x10,
      0x41,
      0x04,
      0x10,
      0x41,
      0x04,
      0x01,
      2,
      1,
      5,
      2,
      0x61,
      0x62,
      4,
      ...Array(8).fill(0),
      0,
    ];
    const file = handmade([245, 3, 0x61, 0x62, 0x63, ...moduleAux, 244, 1, 2, 3], "0012");
    const records = await read(file, { chunkBytes: 3 });
    expect(records.map((record) => record.kind)).toEqual(["header", "function", "module-aux", "end"]);
    expect(records[2]).toMatchObject({ module: "BBBBBBBBB" });
  });

  test("another type is refused with key and type, or passed over", async () => {
    const file = handmade([1, 2, 0x6b, 0x79, 2, 1, 0x61, 0xc0, 5, 0, 1, 0x61, 1, 0x62]);
    const error = await failure(file);
    expect(error.message).toBe("Key 'ky' holds a list value, which tsredis cannot load");
    expect(error).toMatchObject({ code: "unsupported", type: 1, key: Buffer.from("ky") });
    expect(itemsOf(await read(file, { otherTypes: "skip" }))).toMatchObject([
      { value: undefined },
      { value: Buffer.from("b") },
    ]);
    const records = await read(file, { loadableTypes: new Set([1]), chunkBytes: 2 });
    expect(await readReusing(file, { loadableTypes: new Set([1]), chunkBytes: 2 })).toEqual(records);
    expect(records[1]).toMatchObject({ kind: "entry", payload: Buffer.from([2, 1, 0x61, 0xc0, 5]) });
  });

  test("an RDB in the middle of a file, with something after it", async () => {
    const rdb = await write(sample.slice(0, 2));
    const records = await read(Buffer.concat([Buffer.alloc(13), rdb, Buffer.from("*1\r\n")]), { start: 13 });
    expect(records[records.length - 1]).toMatchObject({ kind: "end", endOffset: 13 + rdb.length });
  });
});

test("records are read ahead only as far as their values are small", async () => {
  const items = Array.from({ length: 12 }, (_, i): Item => {
    const value = Buffer.alloc(i < 6 ? 600_000 : 10, "v");
    const attributes = { expireMs: undefined, idleSeconds: undefined, frequency: undefined };
    return { db: 0, key: Buffer.from(`k${i}`), value, hasRecordBelow: false, ...attributes };
  });
  const reader = await RdbReader.open(memoryFile(await write(items)), { privateOpcodes: true });
  const entries: number[] = [];
  for (let batch = await reader.readBatch(); batch.length > 0; batch = await reader.readBatch())
    entries.push(batch.filter(({ kind }) => kind === "entry").length);
  expect(entries).toEqual([2, 2, 2, 6]);
});

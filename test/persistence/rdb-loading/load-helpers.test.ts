/**
 * Threads that help to load an RDB file: what is in memory then is what one thread loads, errors are the same, and a
 * part that cannot be used is loaded once more. The threads are played by loops of this one, and what they give away is
 * really transferred.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { MessageChannel, Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import type { FileHandle } from "../../../src/base/files.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { NO_SINK } from "../../../src/persistence/gathered-bytes.ts";
import { RdbError } from "../../../src/persistence/rdb/reader.ts";
import { RdbWriter } from "../../../src/persistence/rdb/writer.ts";
import type { PartThreads } from "../../../src/persistence/rdb-loading/load-helpers.ts";
import type { PartReport } from "../../../src/persistence/rdb-loading/part.ts";
import { loadPart } from "../../../src/persistence/rdb-loading/part-loader.ts";
import { loadRdb, type RdbLoadOptions } from "../../../src/persistence/rdb-loading/rdb-load.ts";
import { dataTypeOf } from "../../../src/types/registry.ts";
import { ValueDigest } from "../../../src/types/value-digest.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";
import { memoryFile } from "../memory-file.ts";

/** The thread as it is built. */
const PROGRAM = new URL("../../../dist/src/persistence/rdb-loading/part-worker.js", import.meta.url);
const KEYS = 4000;
/** So long that a file is several of its reader's chunks. */
const USUAL_BYTES = 300;
const HUGE_BYTES = 20_000;
const LATER = 4e12;
const [LIST, SORTED_SET, HASH] = [1, 5, 4];

interface Items {
  /** What stands in the middle of the file. */
  readonly middle?: (writer: RdbWriter) => void;
  /** What stands near its end. */
  readonly late?: (writer: RdbWriter) => void;
}

/** A dump of many keys in two databases: strings, huge ones, some that expire or have expired, and collections. */
function dumpOf({ middle, late }: Items = {}): Buffer {
  const writer = new RdbWriter(NO_SINK, { compress: false });
  writer.appendHeader();
  writer.appendAux("used-mem", "1000");
  writer.selectDb(0);
  writer.appendResizeDb(KEYS, KEYS / 10);
  for (let i = 0; i < KEYS; i++) {
    if (i === KEYS / 2) middle?.(writer);
    if (i === KEYS - 10) late?.(writer);
    if (i === KEYS * 0.8) {
      writer.selectDb(3);
      writer.appendResizeDb(KEYS / 5, 0);
    }
    appendKey(writer, i);
  }
  writer.appendEnd();
  return Buffer.from(writer.take());
}

function appendKey(writer: RdbWriter, number: number): void {
  const key = Buffer.from(`key:${number}`);
  const text = (name: string) => writer.appendText(Buffer.from(`${name} ${number}`));
  const large = number % 1000 === 17 ? 2000 : 3;
  if (number % 10 === 1) writer.appendExpire(number % 20 === 1 ? LATER + number : 1);
  if (number % 10 === 2) writer.appendIdle(number);
  if (number % 10 === 3) writer.appendFrequency(number % 256);
  if (number % 8 === 5) {
    writer.appendEntryHead(LIST, key);
    writer.appendLength(large);
    for (let i = 0; i < large; i++) text(`element ${i}`);
  } else if (number % 8 === 6) {
    writer.appendEntryHead(SORTED_SET, key);
    writer.appendLength(large);
    for (let i = 0; i < large; i++) {
      text(`member ${i}`);
      writer.appendDouble(i / 8);
    }
  } else if (number % 8 === 7) {
    writer.appendEntryHead(HASH, key);
    writer.appendLength(large);
    for (let i = 0; i < 2 * large; i++) text(`part ${i}`);
  } else {
    const value = Buffer.alloc(number % 500 === 8 ? HUGE_BYTES : USUAL_BYTES, `value ${number}, `);
    writer.appendString(key, 0, key.length, value, 0, value.length);
  }
}

function newKeyspace(): Keyspace {
  const keyspace = new Keyspace({
    databases: 16,
    clock: new ManualClock(1e12),
    random: new SeededRandom(1),
    hashSeed: Buffer.from("0123456789abcdef"),
  });
  keyspace.expiring = false;
  return keyspace;
}

/** A file that takes a turn of the event loop for each read, as real ones do. */
function fileOf(bytes: Buffer): FileHandle {
  const file = memoryFile(bytes);
  return {
    ...file,
    async read(target, position) {
      await setImmediate();
      return file.read(target, position);
    },
  };
}

/** As many threads as asked for; `reports` gets all that they tell, and `alter` may change it. */
function threadsOn(
  bytes: Buffer,
  count: number,
  reports: PartReport[],
  alter: (report: PartReport) => PartReport = (report) => report,
): PartThreads {
  return {
    count,
    fromBytes: 0,
    start(task) {
      const { port1, port2 } = new MessageChannel();
      void loadPart(fileOf(bytes), task, port2).then(() => port2.close());
      return {
        postMessage: (limit) => port1.postMessage(limit),
        on(event, listener) {
          if (event !== "message") return;
          port1.on("message", (report: PartReport) => {
            reports.push(alter(report));
            listener(alter(report));
          });
        },
        terminate: () => port1.close(),
      };
    },
  };
}

interface Loaded {
  readonly keyspace: Keyspace;
  readonly error: unknown;
  readonly counts: readonly number[];
  /** Slabs, of which those that are taken over are no others. */
  readonly slabs: number;
}

async function load(
  bytes: Buffer,
  threads?: PartThreads,
  maxBytes = Number.POSITIVE_INFINITY,
  makeRoom: () => Promise<void> = () => setImmediate(),
): Promise<Loaded> {
  const keyspace = newKeyspace();
  const counts: number[] = [];
  const options: RdbLoadOptions = {
    skipExpired: true,
    makeRoom,
    reservedKeys: KEYS,
    onLoaded: (...loaded) => counts.push(...loaded),
    help: threads && { threads, path: "", maxBytes },
  };
  const error = await loadRdb(fileOf(bytes), keyspace, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const slabs = keyspace.entries.slabs.bytes.filter(({ length }) => length > 0).length;
  return { keyspace, error, counts, slabs };
}

/** Every key with its value, encoding, expiry and access time, and what the tables beside say of it. */
function contentsOf(keyspace: Keyspace): string[] {
  const { entries, memory } = keyspace;
  return keyspace.databases.flatMap(({ index, table, volatile, timedHashes }) => {
    const addresses: number[] = [];
    table.collect(0, 0x1_0000_0000, 2 * KEYS, addresses);
    const inOthers = [volatile, timedHashes].map((other) => {
      const found: number[] = [];
      other.collect(0, 0x1_0000_0000, 2 * KEYS, found);
      return new Set(found);
    });
    return addresses.map((address) => {
      const digest = new ValueDigest();
      dataTypeOf(entries.type(address)).digest(memory, address, digest);
      const parts = [
        index,
        entries.key(address).toString(),
        entries.encoding(address),
        entries.expireMs(address),
      ];
      const others = inOthers.map((found) => found.has(address));
      return [...parts, keyspace.accessClock.lfu, ...others, digest.bytes.toString("hex")].join(" ");
    });
  });
}

/** Frees all, and expects that nothing is left but what an empty keyspace takes. */
function expectAllFreed(keyspace: Keyspace): void {
  for (let i = 0; i < keyspace.databases.length; i++) keyspace.flush(i, false);
  expect(keyspace.entries.allocatedBytes).toBe(newKeyspace().entries.allocatedBytes);
}

const kinds = (reports: readonly PartReport[]) =>
  reports.map(({ kind }) => kind).filter((kind) => kind !== "reached");

test.each([1, 2, 3])("what %i threads help to load is what one loads alone", async (count) => {
  const bytes = dumpOf();
  const alone = await load(bytes);
  expect(alone.error).toBeUndefined();
  const reports: PartReport[] = [];
  const helped = await load(bytes, threadsOn(bytes, count, reports));
  expect(helped.error).toBeUndefined();
  expect(kinds(reports).filter((kind) => kind === "loaded")).toHaveLength(count);
  expect(helped.slabs).toBeGreaterThan(alone.slabs);
  expect(helped.counts).toEqual(alone.counts);
  expect(contentsOf(helped.keyspace)).toEqual(contentsOf(alone.keyspace));
  const { entries } = helped.keyspace;
  expect(entries.huge.allocatedBytes).toBe(alone.keyspace.entries.huge.allocatedBytes);
  // What was taken over can be changed, and its memory is used again.
  await loadRdb(memoryFile(bytes), helped.keyspace, {
    skipExpired: true,
    makeRoom: async () => undefined,
    onDuplicate: "replace",
  });
  expect(contentsOf(helped.keyspace)).toEqual(contentsOf(alone.keyspace));
  expectAllFreed(helped.keyspace);
});

test("a thread of its own does the same", async () => {
  const bytes = dumpOf();
  const folder = temporaryFolder();
  const path = join(folder, "dump.rdb");
  writeFileSync(path, bytes);
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const threads: PartThreads = {
    count: 1,
    fromBytes: 0,
    start: (task) => new Worker(PROGRAM, { workerData: { ...task, path } }).once("message", begin),
  };
  const helped = await load(bytes, threads, Number.POSITIVE_INFINITY, () => begun);
  removeFolder(folder);
  const alone = await load(bytes);
  expect(helped.slabs).toBeGreaterThan(alone.slabs);
  expect(helped.counts).toEqual(alone.counts);
  expect(contentsOf(helped.keyspace)).toEqual(contentsOf(alone.keyspace));
  expectAllFreed(helped.keyspace);
});

test("a part ends where there is something that is not for it, or where it has taken its memory", async () => {
  const withModule = dumpOf({
    late: (writer) => writer.appendBytes(Buffer.of(247, 0x81, 0, 1, 2, 3, 4, 5, 6, 7, 2, 1, 0)),
  });
  for (const [bytes, maxBytes] of [
    [withModule, Number.POSITIVE_INFINITY],
    [dumpOf(), 300_000],
  ] as const) {
    const alone = await load(bytes);
    const reports: PartReport[] = [];
    const helped = await load(bytes, threadsOn(bytes, 1, reports), maxBytes);
    expect(kinds(reports)).toEqual(["begins", "loaded"]);
    expect(helped.counts).toEqual(alone.counts);
    expect(contentsOf(helped.keyspace)).toEqual(contentsOf(alone.keyspace));
    expectAllFreed(helped.keyspace);
  }
});

test("a key that stands in two parts is refused as by one thread", async () => {
  const twice = (writer: RdbWriter) => {
    writer.selectDb(0);
    appendKey(writer, 4);
    writer.selectDb(3);
  };
  const bytes = dumpOf({ late: twice });
  const reports: PartReport[] = [];
  const helped = await load(bytes, threadsOn(bytes, 1, reports));
  expect(kinds(reports)).toEqual(["begins", "loaded"]);
  expect(helped.error).toEqual((await load(bytes)).error);
  expect(String(helped.error)).toContain("The key 'key:4' stands twice in the file");
});

test("a dump that lies within a value is not taken for entries", async () => {
  const inner = dumpOf();
  const key = Buffer.from("a dump");
  const bytes = dumpOf({
    middle: (writer) => writer.appendString(key, 0, key.length, inner, 0, inner.length),
  });
  const alone = await load(bytes);
  const helped = await load(bytes, threadsOn(bytes, 1, []));
  expect(alone.error).toBeUndefined();
  expect(contentsOf(helped.keyspace)).toEqual(contentsOf(alone.keyspace));
});

test("a thread that begins elsewhere, or elsewhere than it says, or fails, changes nothing", async () => {
  const bytes = dumpOf();
  const expected = contentsOf((await load(bytes)).keyspace);
  const moved = (report: PartReport, change: object): PartReport =>
    report.kind === "begins" ? { ...report, begin: { ...report.begin, ...change } } : report;
  const wrong: ((report: PartReport) => PartReport)[] = [
    (report) => moved(report, { db: 5 }),
    (report) => (report.kind === "begins" ? moved(report, { offset: report.begin.offset + 1 }) : report),
    (report) => (report.kind === "loaded" ? { kind: "nothing" } : report),
    () => ({ kind: "nothing" }),
  ];
  for (const alter of wrong) {
    const helped = await load(bytes, threadsOn(bytes, 1, [], alter));
    expect(helped.error).toBeUndefined();
    expect(contentsOf(helped.keyspace)).toEqual(expected);
    expectAllFreed(helped.keyspace);
  }
});

test("damage anywhere is found as by one thread", async () => {
  const bytes = dumpOf();
  const random = new SeededRandom(7);
  for (let round = 0; round < 24; round++) {
    const damaged = Buffer.from(bytes);
    const at = 9 + random.below(bytes.length - 9);
    damaged[at] ^= 1 << random.below(8);
    const isCut = round % 4 === 0;
    const file = isCut ? damaged.subarray(0, at) : damaged;
    const alone = await load(file);
    expect(alone.error, `byte ${at}`).toBeDefined();
    const { error, keyspace } = await load(file, threadsOn(file, 1 + (round % 3), []));
    expect(String(error), `byte ${at}`).toBe(String(alone.error));
    expect(whereOf(error), `byte ${at}`).toEqual(whereOf(alone.error));
    expectAllFreed(keyspace);
  }
});

/** What an error of the reader says besides its text. */
function whereOf(error: unknown): unknown {
  if (!(error instanceof RdbError)) return undefined;
  return [error.code, error.offset, error.activity, error.key?.toString(), error.type];
}

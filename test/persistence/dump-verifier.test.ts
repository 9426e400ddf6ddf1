/**
 * A dump that does not read back never takes the place of the one before: whatever bit of it is flipped on its way to
 * the disk, and whatever it lacks. What tells in a server is readBack, on this thread or another.
 */
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../src/base/clock.ts";
import type { FileHandle, Files } from "../../src/base/files.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { realFiles } from "../../src/base/real-files.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { setString } from "../../src/keyspace/strings.ts";
import { Dump } from "../../src/persistence/dump.ts";
import { InlineVerifier } from "../../src/persistence/dump-verifier.ts";
import type { WorkerVerifier } from "../../src/persistence/worker-verifier.ts";
import { RAW } from "../../src/types/string/string-value.ts";
import { usualSeed } from "../support/seed.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";

const KEYS = 300;

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => removeFolder(folder));

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function newKeyspace(): Keyspace {
  const keyspace = new Keyspace({
    databases: 2,
    clock: new ManualClock(1_700_000_000_000),
    random: new SeededRandom(1),
    hashSeed: Buffer.from("0123456789abcdef"),
  });
  const [database] = keyspace.databases;
  for (let i = 0; i < KEYS; i++) {
    const key = Buffer.from(`key ${i}`);
    const value = Buffer.from(`value ${i} `.repeat(1 + (i % 7)));
    database.find(key, 0, key.length);
    setString(keyspace, database, 0, key, 0, key.length, value, 0, value.length, RAW, 0);
  }
  return keyspace;
}

function newDump(files: Files, keyspace = newKeyspace(), rdbchecksum = true): Dump {
  const { clock } = keyspace;
  return new Dump({
    files,
    folder,
    name: "dump.rdb",
    clock,
    keyspace,
    tier: undefined,
    spiller: undefined,
    verifier: new InlineVerifier(realFiles, clock, nextTurn),
    isMidway: () => false,
    nextTurn,
    sleep: nextTurn,
    options: {
      rdbcompression: true,
      rdbchecksum,
      incrementalFsync: true,
      maxBytesPerSecond: () => 0,
      isBackground: false,
      withAccess: false,
      keyDelay: () => 0,
    },
  });
}

/** Files in which every write goes through `spoil`. */
function spoiling(spoil: (data: Uint8Array, position: number) => Uint8Array): Files {
  return {
    ...realFiles,
    async open(path, mode) {
      const file = await realFiles.open(path, mode);
      return new Proxy<FileHandle>(file, {
        get(target, name: keyof FileHandle) {
          const member: unknown = target[name];
          if (name !== "write") return typeof member === "function" ? member.bind(target) : member;
          return async (data: Uint8Array, position: number) => {
            await target.write(spoil(data, position), position);
            return data.length;
          };
        },
      });
    },
  };
}

/** The attempt fails, the old dump stays as it was, and nothing else is left. */
async function expectRefused(dump: Dump): Promise<void> {
  writeFileSync(join(folder, "dump.rdb"), "the old one");
  await expect(dump.run(() => {})).rejects.toThrow();
  expect(readFileSync(join(folder, "dump.rdb"), "latin1")).toBe("the old one");
  expect(readdirSync(folder)).toEqual(["dump.rdb"]);
}

test("a whole one takes its place", async () => {
  writeFileSync(join(folder, "dump.rdb"), "the old one");
  await newDump(realFiles).run(() => {});
  expect(readFileSync(join(folder, "dump.rdb"), "latin1")).toMatch(/^REDIS0010/);
  expect(readdirSync(folder)).toEqual(["dump.rdb"]);
});

test("a flipped bit, wherever it is", async () => {
  await newDump(realFiles).run(() => {});
  const size = readFileSync(join(folder, "dump.rdb")).length;
  const random = new SeededRandom(usualSeed());
  for (let i = 0; i < 60; i++) {
    const place = random.below(size);
    const bit = 1 << random.below(8);
    const flip = (data: Uint8Array, position: number) => {
      const copy = Buffer.from(data);
      if (place >= position && place < position + data.length) copy[place - position] ^= bit;
      return copy;
    };
    await expectRefused(newDump(spoiling(flip)));
  }
});

test("an end that was never written, a checksum or not", async () => {
  for (const rdbchecksum of [true, false]) {
    await expectRefused(
      newDump(
        spoiling((data) => data.subarray(0, data.length - 20)),
        newKeyspace(),
        rdbchecksum,
      ),
    );
  }
});

test("a key too few, which no checksum shows", async () => {
  const keyspace = newKeyspace();
  const dump = newDump(realFiles, keyspace);
  const { snapshots } = keyspace;
  const start = snapshots.start.bind(snapshots);
  // As if one entry were counted and not written.
  snapshots.start = (receiver) => {
    start(receiver);
    dump.keysDone++;
  };
  await expectRefused(dump);
});

test("a save that is stopped", async () => {
  const dump = newDump(realFiles);
  const attempt = expectRefused(dump);
  dump.abort();
  await attempt;
});

test("a folder in its place", async () => {
  mkdirSync(join(folder, "dump.rdb"));
  await expect(newDump(realFiles).run(() => {})).rejects.toThrow("EISDIR");
  expect(readdirSync(folder)).toEqual(["dump.rdb"]);
});

describe("the thread that reads behind the writer", () => {
  const PROGRAM = new URL("../../dist/src/persistence/worker-verifier.js", import.meta.url);
  const STEP = 500_000;

  async function newVerifier(beginThread = (start: () => Worker) => start()): Promise<WorkerVerifier> {
    const module = (await import(PROGRAM.href)) as { WorkerVerifier: typeof WorkerVerifier };
    return new module.WorkerVerifier(
      new InlineVerifier(realFiles, new ManualClock(0), nextTurn),
      beginThread,
    );
  }

  /** Shows it a dump bit by bit, as it is written. */
  async function read(dump: Buffer, bytes: number, keys: number): Promise<void> {
    const verifier = await newVerifier();
    const path = join(folder, "growing.rdb");
    const descriptor = openSync(path, "w");
    try {
      verifier.begin(path);
      for (let from = 0; from < dump.length; from += STEP) {
        writeSync(descriptor, dump.subarray(from, from + STEP));
        verifier.written(Math.min(from + STEP, dump.length), from % 2 === 0);
        await nextTurn();
      }
      await verifier.finish(bytes, keys);
    } finally {
      closeSync(descriptor);
    }
  }

  async function largeDump(): Promise<Buffer> {
    const keyspace = newKeyspace();
    const key = Buffer.from("large");
    const value = new SeededRandom(1).bytes(3_000_000);
    keyspace.databases[0].find(key, 0, key.length);
    setString(keyspace, keyspace.databases[0], 0, key, 0, key.length, value, 0, value.length, RAW, 0);
    await newDump(realFiles, keyspace).run(() => {});
    return readFileSync(join(folder, "dump.rdb"));
  }

  test("says the same", async () => {
    expect(existsSync(PROGRAM), "npm run build").toBe(true);
    const dump = await largeDump();
    await read(dump, dump.length, KEYS + 1);
    await expect(read(dump, dump.length, KEYS)).rejects.toThrow(
      `it holds ${KEYS + 1} keys instead of ${KEYS}`,
    );
    await expect(read(dump, dump.length + 1, KEYS + 1)).rejects.toThrow("it ends at byte");
    await expect(read(dump.subarray(0, -9), dump.length - 9, KEYS + 1)).rejects.toThrow("Unexpected EOF");
    dump[1_500_000] ^= 1;
    await expect(read(dump, dump.length, KEYS + 1)).rejects.toThrow("RDB CRC error");
  });

  test("ends when the save does, also where it waits for more of the file", async () => {
    const dump = await largeDump();
    let thread: Worker | undefined;
    const verifier = await newVerifier((start) => {
      thread = start();
      return thread;
    });
    verifier.begin(join(folder, "dump.rdb"));
    verifier.written(dump.length - 1_000_000, true);
    await once(thread!, "online");
    const ended = once(thread!, "exit");
    verifier.cancel();
    await ended;
  });
});

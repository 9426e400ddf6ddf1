/**
 * What the tools save of damaged files, ours beside Redis's: the same damage on files of tsredis and of Redis, and how
 * many of the good commands or keys are left, and how many that were never written. The table is the one in
 * docs/tools.md, which this test compares with.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { realFiles } from "../../src/base/real-files.ts";
import { CommandWalk } from "../../src/persistence/aof/command-walk.ts";
import { RdbWriter } from "../../src/persistence/rdb/writer.ts";
import { BlockFile, command } from "../persistence/aof/aof-files.ts";
import { hasRedisServer } from "../support/redis-server.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { runOurs, runTheirs } from "./check-aof-harness.ts";
import { runCheckRdb } from "./check-rdb-harness.ts";

const COMMANDS = 1000;
const PER_BLOCK = 5;
const PAGE_BYTES = 4096;

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  removeFolder(folder);
});

function valueOf(i: number): string {
  return `value ${i} `.repeat(1 + (i % 13));
}

function set(i: number): Buffer {
  return command("SET", `key:${i}`, valueOf(i));
}

/** Commands `from` to `to` as tsredis writes them. */
function blockFile(from: number, to: number): Buffer {
  const file = new BlockFile();
  for (let i = from; i < to; i += PER_BLOCK) {
    const parts = Array.from({ length: PER_BLOCK }, (_, j) => set(i + j));
    if (i === from) parts.unshift(command("SELECT", "0"));
    file.block(Buffer.concat(parts), file.bytes.length, i === from ? undefined : 0);
  }
  return file.bytes;
}

function stockFile(from: number, to: number): Buffer {
  return Buffer.concat([
    command("SELECT", "0"),
    ...Array.from({ length: to - from }, (_, i) => set(from + i)),
  ]);
}

async function rdbFile(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const writer = new RdbWriter(
    async (chunk) => {
      chunks.push(Buffer.from(chunk));
    },
    { compress: false },
  );
  writer.appendHeader();
  writer.selectDb(0);
  for (let i = 0; i < COMMANDS; i++) {
    const key = Buffer.from(`key:${i}`);
    const value = Buffer.from(valueOf(i));
    writer.appendString(key, 0, key.length, value, 0, value.length);
  }
  writer.appendEnd();
  await writer.drain();
  return Buffer.concat(chunks);
}

/** Ways to damage a file. Places are where the command, or the key, in the middle stands. */
const DAMAGES: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  "a flipped bit in a value": (bytes) => flip(bytes, bytes.indexOf(`${valueOf(500)}`) + 3),
  "a flipped bit in a length": (bytes) => flip(bytes, lengthBefore(bytes, valueOf(500))),
  "a page of zeros": (bytes) => {
    const damaged = Buffer.from(bytes);
    damaged.fill(0, PAGE_BYTES * 8, PAGE_BYTES * 9);
    return damaged;
  },
  "two pages exchanged": (bytes) => {
    const damaged = Buffer.from(bytes);
    bytes.copy(damaged, PAGE_BYTES * 5, PAGE_BYTES * 10, PAGE_BYTES * 11);
    bytes.copy(damaged, PAGE_BYTES * 10, PAGE_BYTES * 5, PAGE_BYTES * 6);
    return damaged;
  },
  "cut off": (bytes) => bytes.subarray(0, Math.floor(bytes.length * 0.9)),
  "a tail of zeros": (bytes) => Buffer.concat([bytes, Buffer.alloc(PAGE_BYTES)]),
};

function flip(bytes: Buffer, at: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged[at] ^= 1;
  return damaged;
}

/** Where the length of this value stands: a digit in an AOF, a byte in an RDB. */
function lengthBefore(bytes: Buffer, value: string): number {
  const at = bytes.indexOf(value);
  return bytes[at - 1] === 0x0a ? at - 3 : at - 1;
}

interface Saved {
  readonly good: number;
  readonly wrong: number;
}

function count(found: ReadonlyMap<string, string>): Saved {
  let good = 0;
  for (const [key, value] of found) {
    const i = Number(key.slice("key:".length));
    if (key.startsWith("key:") && value === valueOf(i)) good++;
  }
  return { good, wrong: found.size - good };
}

/** What Redis would load of these files. */
async function loaded(names: readonly string[]): Promise<Saved> {
  const found = new Map<string, string>();
  for (const name of names) {
    const file = await realFiles.open(join(folder, name), "read");
    const walk = new CommandWalk(file, 0, await file.size());
    do {
      while (walk.next())
        if (walk.name === "set")
          found.set(walk.argument(1)!.toString("latin1"), walk.argument(2)!.toString("latin1"));
    } while (await walk.advance());
    await file.close();
  }
  return count(found);
}

async function savedOfRdb(name: string): Promise<Saved> {
  removeFolder(join(folder, "out"));
  removeFolder(join(folder, "json"));
  const { status } = await runCheckRdb(folder, ["--salvage", "out", name]);
  if (status !== 0) return { good: 0, wrong: 0 };
  await runCheckRdb(folder, ["--to-json", "json", "out"]);
  const lines = readFileSync(join(folder, "json"), "utf8").trim().split("\n");
  const found = lines.map((line) => JSON.parse(line) as { key: string; value: string });
  return count(new Map(found.map(({ key, value }) => [key, value])));
}

function shown({ good, wrong }: Saved): string {
  return `${good}${wrong === 0 ? "" : `, and ${wrong} wrong`}`;
}

const FILES = ["a.1.incr.aof", "a.2.incr.aof", "a.3.incr.aof", "a.4.incr.aof"] as const;
const MANIFEST = FILES.map((name, i) => `file ${name} seq ${i + 1} type i\n`).join("");

/** Ways to damage a set. */
const SET_DAMAGES: Readonly<Record<string, () => void>> = {
  "a flipped bit in the second file": () =>
    writeFileSync(join(folder, FILES[1]), flip(readFileSync(join(folder, FILES[1])), 5000)),
  "the second file cut off": () => {
    const bytes = readFileSync(join(folder, FILES[1]));
    writeFileSync(join(folder, FILES[1]), bytes.subarray(0, bytes.length / 2));
  },
  "the second file lost": () => removeFolder(join(folder, FILES[1])),
  "the manifest lost": () => removeFolder(join(folder, "a.manifest")),
  "a line of the manifest mangled": () =>
    writeFileSync(join(folder, "a.manifest"), MANIFEST.replace("file a.2", "fi?e a.2")),
  "a line of the manifest twice": () =>
    writeFileSync(join(folder, "a.manifest"), MANIFEST.replace(/^(.*\n)/, "$1$1")),
};

function writeSet(part: (from: number, to: number) => Buffer): void {
  removeFolder(folder);
  mkdirSync(folder);
  const size = COMMANDS / FILES.length;
  FILES.forEach((name, i) => {
    writeFileSync(join(folder, name), part(i * size, (i + 1) * size));
  });
  writeFileSync(join(folder, "a.manifest"), MANIFEST);
}

/** What a set holds that a server accepts; nothing if it does not. */
async function savedOfSet(tool: () => Promise<number | null> | number | null): Promise<Saved> {
  if ((await tool()) !== 0) return { good: 0, wrong: 0 };
  const manifest = readFileSync(join(folder, "a.manifest"), "latin1");
  return loaded([...manifest.matchAll(/^file (\S+) /gm)].map(([, name]) => name));
}

async function aofRow(damage: string, file: Buffer, kind: string): Promise<string> {
  const damaged = DAMAGES[damage](file);
  writeFileSync(join(folder, "ours.aof"), damaged);
  copyFileSync(join(folder, "ours.aof"), join(folder, "theirs.aof"));
  expect((await runOurs(folder, ["--salvage", "--yes", "--no-backup", "ours.aof"])).status).toBe(0);
  const fixed = runTheirs(folder, ["--fix", "theirs.aof"], "y\n");
  const ours = await loaded(["ours.aof"]);
  const theirs = fixed.status === 0 ? await loaded(["theirs.aof"]) : { good: 0, wrong: 0 };
  return `| ${kind} | ${damage} | ${shown(ours)} | ${shown(theirs)} |`;
}

test.skipIf(!hasRedisServer)("the table in docs/tools.md is what comes out", async () => {
  const rows: string[] = [];
  for (const damage of Object.keys(DAMAGES)) {
    rows.push(await aofRow(damage, blockFile(0, COMMANDS), "AOF of tsredis"));
    rows.push(await aofRow(damage, stockFile(0, COMMANDS), "AOF of Redis"));
    writeFileSync(join(folder, "a.rdb"), DAMAGES[damage](await rdbFile()));
    rows.push(`| RDB | ${damage} | ${shown(await savedOfRdb("a.rdb"))} | 0 |`);
  }
  for (const [damage, apply] of Object.entries(SET_DAMAGES)) {
    writeSet(blockFile);
    apply();
    const theirs = await savedOfSet(() => runTheirs(folder, ["--fix", "a.manifest"], "y\n").status);
    writeSet(blockFile);
    apply();
    const ours = await savedOfSet(
      async () => (await runOurs(folder, ["--salvage", "--yes", "--no-backup", "a.manifest"])).status,
    );
    rows.push(`| set of tsredis | ${damage} | ${shown(ours)} | ${shown(theirs)} |`);
  }
  const table = rows.sort().join("\n");
  const document = readFileSync(new URL("../../docs/tools.md", import.meta.url), "utf8");
  expect(document, table).toContain(table);
});

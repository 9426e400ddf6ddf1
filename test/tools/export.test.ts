/**
 * tsredis-export: what it writes holds exactly what a server shows that starts on the directory, as stock Redis tells
 * who loads it; and the directory stays as it was.
 */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { main } from "../../tools/export/main.ts";
import { contentsOf } from "../integration/contents.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, startRedisServer } from "../support/redis-server.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { fingerprint, makeTierDirectory, runTool, SMALL_MEMORY } from "./tier-directory.ts";

const KEYS = 4000;
const root = temporaryFolder();
const original = join(root, "original");
/** What a server shows on a copy of it: without encodings, which depend on how long a value has been there. */
let expected: string[];
let made = 0;

beforeAll(async () => {
  mkdirSync(original);
  await makeTierDirectory(original, KEYS);
  expected = await contentsOfCopy(original);
  expect(expected.length).toBeGreaterThan(KEYS);
});
afterAll(() => removeFolder(root));

function newPath(name: string): string {
  return join(root, `${++made}-${name}`);
}

function exported(...args: string[]) {
  return runTool(main, args);
}

async function contentsWithoutEncoding(server: ServerProcess): Promise<string[]> {
  try {
    return (await contentsOf(server.port)).map((line) => line.replace(/ \$\d+\r\n[a-z0-9]+\r\n /, " "));
  } finally {
    await server.kill();
  }
}

async function contentsOfCopy(folder: string): Promise<string[]> {
  const copy = newPath("copy");
  cpSync(folder, copy, { recursive: true });
  return contentsWithoutEncoding(await startServerProcess(copy, SMALL_MEMORY));
}

/** What stock Redis holds that loads `file`. */
async function contentsInRedis(file: string): Promise<string[]> {
  const folder = newPath("redis");
  mkdirSync(folder);
  const isLog = file.endsWith(".aof");
  cpSync(file, join(folder, isLog ? "appendonly.aof" : "dump.rdb"));
  return contentsWithoutEncoding(await startRedisServer(["--appendonly", isLog ? "yes" : "no"], folder));
}

describe.skipIf(!hasRedisServer)("stock Redis loads (skipped where redis-server is missing)", () => {
  test.each(["rdb", "aof"])("all keys of both tiers from the %s", async (format) => {
    const before = fingerprint(original);
    const output = newPath(`all.${format}`);
    const result = await exported("--format", format, "--memory", "8mb", original, output);
    expect(result.output.toString()).toContain(`${expected.length} keys written to ${output}`);
    expect(result.status).toBe(0);
    expect(fingerprint(original)).toBe(before);
    expect(await contentsInRedis(output)).toEqual(expected);
  });

  test("the keys of some databases, or that match a pattern", async () => {
    const output = newPath("some.rdb");
    await exported("--db", "5", "--match", "k1?[2-5]*", original, output);
    const wanted = expected.filter((line) => /^5 k1.[2-5]/.test(line));
    expect(wanted.length).toBeGreaterThan(10);
    expect(await contentsInRedis(output)).toEqual(wanted);
    const others = newPath("others.rdb");
    await exported("--db=0,3", "--db", "4", original, others);
    expect(await contentsInRedis(others)).toEqual(expected.filter((line) => /^[034] /.test(line)));
  });

  test("what comes out of a dump, and of an append-only file of before Redis 7", async () => {
    const [first, second] = [newPath("first.rdb"), newPath("first.aof")];
    await exported(original, first);
    await exported("--format", "aof", original, second);
    for (const [file, name] of [
      [first, "dump.rdb"],
      [second, "appendonly.aof"],
    ]) {
      const folder = newPath("folder");
      mkdirSync(folder);
      cpSync(file, join(folder, name));
      const output = newPath("again.rdb");
      const result = await exported(folder, output);
      expect(result.status, result.output.toString()).toBe(0);
      expect(readdirSync(folder)).toEqual([name]);
      expect(await contentsInRedis(output)).toEqual(expected);
    }
  });
});

test("functions are part of the export", async () => {
  const { output } = await exported("--format", "aof", "--db", "15", original, "-");
  expect(output.toString()).toMatch(/^\*3\r\n\$8\r\nFUNCTION\r\n\$4\r\nLOAD\r\n\$\d+\r\n#!lua name=lib/);
});

test("to standard output goes the file and nothing else", async () => {
  const path = newPath("file.aof");
  await exported("--format", "aof", original, path);
  const { output, errors, status } = await exported("--format", "aof", "--temp", root, original, "-");
  expect(status).toBe(0);
  expect(errors).toContain("keys written to standard output");
  expect(output.length).toBe(readFileSync(path).length);
});

test("keys whose time has come are left out, and counted", async () => {
  const { output } = await exported("--json", original, newPath("counted.rdb"));
  const report = JSON.parse(output.toString());
  expect(report).toMatchObject({
    exitStatus: 0,
    source: "append-only file",
    keys: expected.length,
    functions: 1,
  });
  expect(Object.values(report.keysByDatabase as Record<string, number>).reduce((a, b) => a + b)).toBe(
    report.keys,
  );
});

describe("it refuses", () => {
  test("a directory that a server has", async () => {
    const copy = newPath("live");
    cpSync(original, copy, { recursive: true });
    const server = await startServerProcess(copy, SMALL_MEMORY);
    const output = newPath("refused.rdb");
    const result = await exported(copy, output);
    await server.kill();
    expect(result.output.toString()).toContain("A server is running on this data directory");
    expect(result.status).toBe(4);
    expect(existsSync(output)).toBe(false);
  });

  test("damaged data, with what the server would say", async () => {
    const copy = newPath("damaged");
    cpSync(original, copy, { recursive: true });
    const folder = join(copy, "appendonlydir");
    const base = readdirSync(folder).find((name) => name.includes(".base."))!;
    renameSync(join(folder, base), join(folder, "elsewhere"));
    const before = fingerprint(copy);
    const output = newPath("refused.rdb");
    const result = await exported(copy, output);
    expect(result.output.toString()).toContain(
      `The manifest names the AOF file ${base} but it doesn't exist`,
    );
    expect(result.status).toBe(1);
    expect(existsSync(output)).toBe(false);
    expect(existsSync(`${output}.part`)).toBe(false);
    expect(fingerprint(copy)).toBe(before);
  });

  test("a page of zeros in a table of the cold tier, before LevelDB reads it, and names who repairs it", async () => {
    const copy = newPath("zeros");
    cpSync(original, copy, { recursive: true });
    const tier = join(copy, "cold-tier");
    const tables = readdirSync(tier).filter((each) => each.endsWith(".ldb"));
    const [name] = tables.sort((a, b) => statSync(join(tier, b)).size - statSync(join(tier, a)).size);
    const table = readFileSync(join(tier, name));
    table.fill(0, 0, Math.min(4096, table.length >> 1));
    writeFileSync(join(tier, name), table);
    const before = fingerprint(copy);
    const output = newPath("refused.rdb");
    const result = await exported(copy, output);
    expect(result.output.toString()).toMatch(
      new RegExp(
        `The cold tier .* cannot be read: ${name} is damaged at offset \\d+: its data block .* tsredis-check-tier `,
      ),
    );
    expect(result.status).toBe(1);
    expect(existsSync(output)).toBe(false);
    expect(fingerprint(copy)).toBe(before);
  });

  test("folders without data, outputs that exist, options that make no sense", async () => {
    const folder = newPath("empty");
    mkdirSync(folder);
    expect((await exported(folder, newPath("x.rdb"))).output.toString()).toContain("There is no data in");
    const taken = newPath("taken.rdb");
    writeFileSync(taken, "x");
    expect((await exported(original, taken)).output.toString()).toBe(`${taken} exists already\n`);
    expect((await exported(join(folder, "none"), newPath("x.rdb"))).status).toBe(1);
    expect((await exported("--format", "json", folder, "x")).output.toString()).toContain("no format 'json'");
    expect((await exported("--db", "x", folder, "x")).output.toString()).toContain("needs a whole number");
    expect((await exported(folder)).status).toBe(1);
    const beyond = await exported("--db", "3,16", original, newPath("x.rdb"));
    expect([beyond.status, beyond.output.toString()]).toEqual([
      1,
      "There is no database 16: the server has 16\n",
    ]);
  });
});

test("a torn end is left out as at a start, with the same warning", async () => {
  const copy = newPath("torn");
  cpSync(original, copy, { recursive: true });
  const folder = join(copy, "appendonlydir");
  const last = readdirSync(folder)
    .filter((name) => name.includes(".incr."))
    .sort()
    .at(-1)!;
  appendFileSync(join(folder, last), "*3\r\n$3\r\nSET\r\n$4\r\ntorn\r\n$9\r\nhal");
  const before = fingerprint(copy);
  const { output, status } = await exported(copy, newPath("torn.rdb"));
  expect(status).toBe(0);
  expect(output.toString()).toContain("did not end well");
  expect(output.toString()).toContain(`${expected.length} keys written`);
  expect(fingerprint(copy)).toBe(before);
});

test("DEBUG DIGEST of a server on the directory and of one on the export are the same", async () => {
  const output = newPath("digest.rdb");
  await exported(original, output);
  const folder = newPath("digest");
  mkdirSync(folder);
  cpSync(output, join(folder, "dump.rdb"));
  const copy = newPath("digest-copy");
  cpSync(original, copy, { recursive: true });
  const digests = await Promise.all(
    [folder, copy].map(async (each) => {
      const server = await startServerProcess(each, ["--maxmemory", "64mb", "--enable-debug-command", "yes"]);
      const client = await RawClient.connect(server.port);
      const digest = await client.text("DEBUG", "DIGEST");
      client.close();
      await server.kill();
      return digest;
    }),
  );
  expect(digests[0]).toBe(digests[1]);
});

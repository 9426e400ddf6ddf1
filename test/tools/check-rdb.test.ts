/**
 * tsredis-check-rdb: checks beside redis-check-rdb, salvage of damaged files, conversions that Redis loads again, and
 * the other forms. The files are Redis's own where it is there, and made here otherwise.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { crc64 } from "../../src/base/crc64.ts";
import { RdbWriter } from "../../src/persistence/rdb/writer.ts";
import { hasRedisServer, runRedisTool, withRedisServer } from "../support/redis-server.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { runCheckRdb } from "./check-rdb-harness.ts";

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  removeFolder(folder);
});

function write(name: string, content: Buffer): void {
  writeFileSync(join(folder, name), content);
}

function read(name: string): Buffer {
  return readFileSync(join(folder, name));
}

/** A file of strings k0, k1 ... with random-looking binary values. */
async function strings(count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const writer = new RdbWriter(async (chunk) => {
    chunks.push(Buffer.from(chunk));
  });
  writer.appendHeader();
  writer.selectDb(3);
  writer.appendResizeDb(count, 1);
  for (let i = 0; i < count; i++) {
    const key = Buffer.from(`k${i}`);
    const value = Buffer.from(Array.from({ length: 60 }, (_, j) => (i * 31 + j * j * 7) & 0xff));
    if (i === 5) writer.appendExpire(4_000_000_000_000);
    writer.appendString(key, 0, key.length, value, 0, value.length);
  }
  writer.appendEnd();
  await writer.drain();
  return Buffer.concat(chunks);
}

interface JsonLine {
  readonly key: string;
  readonly db: number;
  readonly type: string;
  readonly value: unknown;
  readonly expireMs?: number;
}

async function jsonOf(name: string): Promise<JsonLine[]> {
  const { status } = await runCheckRdb(folder, ["--to-json", "json", name]);
  expect(status).toBe(0);
  const lines = read("json").toString().trim().split("\n");
  removeFolder(join(folder, "json"));
  return lines.map((line) => JSON.parse(line) as JsonLine);
}

/** A file by hand: items, its end and checksum. */
function fileOf(version: string, ...items: (Buffer | string | number[])[]): Buffer {
  const body = Buffer.concat([
    Buffer.from(version),
    ...items.map((item) => (typeof item === "string" ? Buffer.from(item, "latin1") : Buffer.from(item))),
    Buffer.of(255),
  ]);
  return Buffer.concat([body, crc64(body)]);
}

test("JSON of large values, which is written in pieces, is that of small ones", async () => {
  const long = '\u00e4\u20ac\u{1f600}"\\\n'.repeat(100_000);
  const noise = Buffer.from(Array.from({ length: 500_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff));
  const item = (key: string, value: Buffer) => {
    const length = Buffer.of(0x80, 0, 0, 0, 0);
    length.writeUInt32BE(value.length, 1);
    return [Buffer.of(0, key.length), key, length, value];
  };
  write("large", fileOf("REDIS0010", ...item("text", Buffer.from(long)), ...item("noise", noise)));
  const lines = await jsonOf("large");
  expect(lines.map(({ key, type }) => `${key} ${type}`)).toEqual(["text string", "noise string"]);
  expect(lines[0].value === long).toBe(true);
  expect(lines[1].value).toEqual({ base64: noise.toString("base64") });
});

describe("a damaged file", () => {
  test("any flipped bit or zeroed stretch costs a few keys near it, and nothing else comes of it", async () => {
    const whole = await strings(200);
    write("whole", whole);
    const good = new Map((await jsonOf("whole")).map((line) => [line.key, JSON.stringify(line)]));
    const damages = [
      [900, 1],
      [4000, 1],
      [5001, 1],
      [7000, 512],
      [whole.length - 300, 20],
      [3, 1],
      [12, 6],
    ];
    for (const [at, length] of damages) {
      const damaged = Buffer.from(whole);
      for (let i = at; i < at + length; i++) damaged[i] = length > 1 ? 0 : damaged[i] ^ 0x80;
      write("damaged", damaged);
      removeFolder(join(folder, "out"));
      const { status, output } = await runCheckRdb(folder, ["--salvage", "out", "damaged"]);
      expect([status, output.includes("cannot be read")], `damage at ${at}: ${output}`).toEqual([0, true]);
      expect((await runCheckRdb(folder, ["out"])).status).toBe(0);
      const kept = (await jsonOf("out")).map((line) => [line.key, JSON.stringify(line)] as const);
      // With bytes of the header or of SELECTDB the database may be lost.
      const changed = kept.filter(([key, text]) => good.get(key) !== text && at > 20);
      expect(changed.length, `damage at ${at}`).toBeLessThanOrEqual(1);
      expect(kept.length, `damage at ${at}`).toBeGreaterThanOrEqual(200 - 12);
    }
  });

  test("cut off anywhere: what is before stays", async () => {
    const whole = await strings(50);
    for (const end of [whole.length - 1, whole.length - 9, 1500, 400]) {
      write("cut", whole.subarray(0, end));
      removeFolder(join(folder, "out"));
      const { status, output } = await runCheckRdb(folder, ["--json", "--salvage", "out", "cut"]);
      expect(status).toBe(0);
      const result = JSON.parse(output) as { keysKept: number; lost: { reason: string }[] };
      expect(result.keysKept).toBe(Math.min(50, Math.floor((end - 25) / 65)));
      expect(result.lost.at(-1)?.reason).toBe("Unexpected EOF reading RDB file");
      expect((await runCheckRdb(folder, ["out"])).status).toBe(0);
    }
  });

  test("a value that cannot be loaded costs its key alone", async () => {
    const listpack = Buffer.from("\x0f\0\0\0\x02\0\x81a\x02\x81b\x02\xff", "latin1");
    listpack[0] = listpack.length;
    const bad = Buffer.from(listpack);
    bad[8] = 9;
    const entry = (key: string, value: Buffer) => [16, 1, key.charCodeAt(0), value.length, ...value];
    write("a", fileOf("REDIS0010", entry("a", listpack), entry("b", bad), entry("c", listpack)));
    const checked = await runCheckRdb(folder, ["a"]);
    expect(checked.status).toBe(1);
    expect(checked.output).toContain("a packed hash is damaged: it is no listpack of fields");
    expect(checked.output).toContain(
      "[additional info] Reading key 'b'\n[additional info] Reading type 16 (hash-listpack)\n",
    );
    await runCheckRdb(folder, ["--salvage", "out", "a"]);
    expect((await jsonOf("out")).map(({ key, value }) => [key, value])).toEqual([
      ["a", [["a", "b"]]],
      ["c", [["a", "b"]]],
    ]);
  });

  test("of which nothing can be read, or which is none", async () => {
    write("noise", Buffer.alloc(1000, 0x5a));
    expect(await runCheckRdb(folder, ["noise"])).toMatchObject({ status: 1 });
    const { status, output } = await runCheckRdb(folder, ["--salvage", "out", "noise"]);
    expect([status, output.includes("Nothing was written to out")]).toEqual([1, true]);
    expect(readdirSync(folder)).toEqual(["noise"]);
    expect((await runCheckRdb(folder, ["--to-json", "out", "noise"])).status).toBe(1);
    expect((await runCheckRdb(folder, ["missing"])).status).toBe(1);
  });
});

describe("files of others", () => {
  const fields = [2, 0, 1, 97, 1, 49, 5, 1, 98, 1, 50];

  test("hashes with times of Redis 7.4, and of its release candidates", async () => {
    const earliest = Buffer.alloc(8);
    earliest.writeBigInt64LE(1_700_000_000_000n);
    write("a", fileOf("REDIS0012", [24, 1, 107], earliest, fields, [22, 1, 108], fields));
    expect((await runCheckRdb(folder, ["a"])).status).toBe(0);
    expect((await jsonOf("a")).map(({ value }) => value)).toEqual([
      [
        ["b", "2", 1_700_000_000_004],
        ["a", "1"],
      ],
      [
        ["b", "2", 5],
        ["a", "1"],
      ],
    ]);
    const left = await runCheckRdb(folder, ["--convert-to", "10", "--output", "old", "a"]);
    expect(left.output).toContain(
      "Key 'k' of database 0 is left out: RDB version 10 cannot hold a hash whose fields expire",
    );
    await runCheckRdb(folder, ["--convert-to", "10", "--drop-field-times", "--output", "older", "a"]);
    expect((await jsonOf("older")).map(({ key, type }) => [key, type])).toEqual([
      ["k", "hash"],
      ["l", "hash"],
    ]);
  });

  test("Valkey's, where its types are Redis's", async () => {
    write("a", fileOf("VALKEY080", [0, 1, 107, 1, 118]));
    expect((await runCheckRdb(folder, ["a"])).status).toBe(0);
    expect(await jsonOf("a")).toEqual([{ db: 0, key: "k", type: "string", value: "v" }]);
    write("b", fileOf("VALKEY080", [22, 1, 107], fields));
    const { status, output } = await runCheckRdb(folder, ["b"]);
    expect([status, output.includes("holds a value of Valkey's type 22, which cannot be read")]).toEqual([
      1,
      true,
    ]);
  });

  test("values of modules are passed over, and kept where the form can hold them", async () => {
    const id = [0x81, 0, 1, 2, 3, 4, 5, 6, 7];
    const value = [2, 5, 5, 3, 97, 98, 99, 0];
    write("a", fileOf("REDIS0010", [7, 1, 109, ...id, ...value, 0, 1, 107, 1, 118]));
    expect((await runCheckRdb(folder, ["a"])).status).toBe(0);
    await runCheckRdb(folder, ["--salvage", "out", "a"]);
    expect(read("out").equals(read("a").subarray(0, -8)) || read("out").includes(Buffer.from(id))).toBe(true);
    const { output } = await runCheckRdb(folder, ["--to-aof", "aof", "a"]);
    expect(output).toContain("Key 'm' of database 0 is left out: it is a module's");
    expect(read("aof").toString()).toContain("SET\r\n$1\r\nk");
  });

  test("standard input", async () => {
    const bytes = await strings(5);
    expect((await runCheckRdb(folder, ["-"], bytes)).output).toContain("[info] 5 keys read\n");
    expect((await runCheckRdb(folder, ["--to-json", "json", "-"], bytes)).status).toBe(0);
    expect(read("json").toString().split("\n")).toHaveLength(6);
  });
});

describe("options", () => {
  test.each([
    [[], "Exactly one file must be named"],
    [["--salvag", "x", "a"], "Unknown option --salvag. Did you mean --salvage?"],
    [["--convert-to", "13", "--output", "o", "a"], "RDB versions from 6 to 12 can be written, not 13"],
    [["--convert-to", "10", "a"], "--convert-to needs --output OUT"],
    [["--to-aof", "x", "--to-json", "y", "a"], "--to-aof and --to-json exclude each other"],
    [["--to-json", "-", "a"], "OUT must be a file, not standard output"],
    [["--convert-to", "9", "--output", "-", "a"], "OUT must be a file, not standard output"],
  ])("%j", async (args, message) => {
    const { status, output } = await runCheckRdb(folder, args);
    expect([status, output.startsWith(message)]).toEqual([1, true]);
  });

  test("a file that cannot be made is named", async () => {
    write("a", await strings(3));
    const { status, output } = await runCheckRdb(folder, ["--to-aof", "no/b", "a"]);
    expect([status, output]).toEqual([1, "no/b.part: No such file or directory\n"]);
  });

  test("an existing file is not written over", async () => {
    write("a", await strings(3));
    write("out", Buffer.from("mine"));
    const { status, output } = await runCheckRdb(folder, ["--salvage", "out", "a"]);
    expect([status, output, read("out").toString()]).toEqual([1, "out exists already\n", "mine"]);
  });

  test("statistics", async () => {
    write("a", await strings(10));
    const { output } = await runCheckRdb(folder, ["--json", "--stats", "a"]);
    expect(JSON.parse(output)).toMatchObject({
      valid: true,
      rdb: { keys: 10, expires: 1 },
      statistics: { databases: { 3: { keys: 10, expires: 1, bytes: 600 } }, types: { string: 10 } },
    });
    expect((await runCheckRdb(folder, ["--stats", "a"])).output).toContain("  stored as string: 10\n");
  });
});

async function fill(client: Redis): Promise<void> {
  for (let i = 0; i < 40; i++) await client.set(`string:${i}`, "x".repeat(i * 7));
  await client.set("number", 12345);
  await client.set("binary", Buffer.from([0, 255, 13, 10, 128]));
  await client.set("expires", "v", "PX", 3_600_000);
  await client.rpush("list:small", "a", "1", "-5", "long".repeat(30));
  await client.rpush("list:large", ...Array.from({ length: 3000 }, (_, i) => `element ${i}`));
  await client.sadd("set:integers", 1, 2, 3, 70000);
  await client.sadd("set:large", ...Array.from({ length: 700 }, (_, i) => `member ${i}`));
  await client.hset("hash:small", { a: "1", b: "two" });
  await client.hset(
    "hash:large",
    Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`f${i}`, `v${i}`])),
  );
  await client.zadd("zset:small", 1, "a", "-1.5", "b", "inf", "c", "-inf", "d");
  for (let i = 0; i < 300; i++) await client.zadd("zset:large", i / 3, `member ${i}`);
  await client.select(2);
  await client.set("other database", "v");
  await client.select(0);
}

async function fillStreams(client: Redis): Promise<void> {
  for (let i = 1; i < 300; i++) await client.xadd("stream", `${i}-1`, "field", `value ${i}`, "n", i);
  await client.xdel("stream", "5-1", "77-1");
  await client.xgroup("CREATE", "stream", "group", "0");
  await client.xreadgroup("GROUP", "group", "consumer", "COUNT", 10, "STREAMS", "stream", ">");
  await client.xack("stream", "group", "2-1");
}

/** Without what the log says besides, lines of Redis's source, and the name of a type that redis-check-rdb 7.0 lacks.
 *  */
function comparable(output: string): string {
  const lines = output.replaceAll(/^[0-9]+:[A-Z] .*\n/gm, "").replaceAll("(stream-v2)", "(unknown)");
  return lines.replaceAll(
    /^(\[offset [0-9]+\]) (Internal error in RDB .*|Unexpected EOF .*)$/gm,
    "$1 cannot be read",
  );
}

describe.skipIf(!hasRedisServer)("with Redis", () => {
  let source: string;
  const debug = ["--enable-debug-command", "yes"];
  const digests: Record<string, string> = {};

  beforeAll(async () => {
    source = temporaryFolder();
    for (const name of ["plain", "streams"]) {
      await withRedisServer([...debug, "--dbfilename", `${name}.rdb`], source, async (client) => {
        await fill(client);
        if (name === "streams") await fillStreams(client);
        await client.save();
        digests[name] = (await client.call("DEBUG", "DIGEST")) as string;
      });
    }
  });

  afterAll(() => {
    removeFolder(source);
  });

  async function digestOf(args: string[]): Promise<string> {
    let digest = "";
    await withRedisServer([...debug, ...args], folder, async (client) => {
      digest = (await client.call("DEBUG", "DIGEST")) as string;
    });
    return digest;
  }

  test("says what redis-check-rdb says, of whole files and of damaged ones", async () => {
    const whole = readFileSync(join(source, "streams.rdb"));
    const samples = [whole, whole.subarray(0, -1), whole.subarray(0, 2000), whole.subarray(0, 5)];
    for (const at of [0, 7, whole.length - 4]) {
      const damaged = Buffer.from(whole);
      damaged[at] ^= 0xff;
      samples.push(damaged);
    }
    for (const sample of samples) {
      write("a.rdb", sample);
      const theirs = runRedisTool("redis-check-rdb", ["a.rdb"], "", folder);
      const ours = await runCheckRdb(folder, ["a.rdb"]);
      expect(comparable(ours.output)).toEqual(comparable(theirs.output));
      expect(ours.status).toBe(theirs.status);
    }
  });

  test.each([
    [12, "streams"],
    [11, "streams"],
    [10, "streams"],
    [9, "streams"],
    [8, "plain"],
    [7, "plain"],
    [6, "plain"],
  ])("version %i of its file has the same contents", async (version, name) => {
    write("a.rdb", readFileSync(join(source, `${name}.rdb`)));
    const done = await runCheckRdb(folder, ["--convert-to", String(version), "--output", "b.rdb", "a.rdb"]);
    expect(done.status).toBe(0);
    expect(read("b.rdb").toString("latin1", 0, 9)).toBe(`REDIS${String(version).padStart(4, "0")}`);
    expect((await runCheckRdb(folder, ["b.rdb"])).status).toBe(0);
    if (version <= 10) expect(await digestOf(["--dbfilename", "b.rdb"])).toBe(digests[name]);
    else {
      await runCheckRdb(folder, ["--convert-to", "10", "--output", "c.rdb", "b.rdb"]);
      expect(await digestOf(["--dbfilename", "c.rdb"])).toBe(digests[name]);
    }
  });

  test("--to-aof makes the same contents", async () => {
    write("a.rdb", readFileSync(join(source, "streams.rdb")));
    mkdirSync(join(folder, "appendonlydir"));
    const target = "appendonlydir/appendonly.aof.1.base.aof";
    expect((await runCheckRdb(folder, ["--to-aof", target, "a.rdb"])).status).toBe(0);
    write(
      "appendonlydir/appendonly.aof.manifest",
      Buffer.from("file appendonly.aof.1.base.aof seq 1 type b\n"),
    );
    expect(await digestOf(["--appendonly", "yes", "--dbfilename", "none"])).toBe(digests["streams"]);
  });

  test("salvage of its file with one bad byte: Redis loads what comes out", async () => {
    const whole = readFileSync(join(source, "streams.rdb"));
    for (const at of [200, 900, Math.floor(whole.length / 2), whole.length - 500]) {
      const damaged = Buffer.from(whole);
      damaged[at] ^= 0x55;
      write("a.rdb", damaged);
      removeFolder(join(folder, "b.rdb"));
      expect((await runCheckRdb(folder, ["--salvage", "b.rdb", "a.rdb"])).status).toBe(0);
      await withRedisServer(["--dbfilename", "b.rdb"], folder, async (client) => {
        expect(await client.dbsize()).toBeGreaterThanOrEqual(20);
      });
    }
  });
});

const built = fileURLToPath(new URL("../../dist/tools/check-rdb.js", import.meta.url));
if (!existsSync(built) && process.env["CI"] !== undefined) throw new Error("tools are not built");

test.skipIf(!existsSync(built))("the program itself (skipped where it is not built)", async () => {
  write("a.rdb", await strings(3));
  const checked = spawnSync(process.execPath, [built, "a.rdb"], { cwd: folder, encoding: "latin1" });
  expect([checked.status, checked.stderr]).toEqual([0, ""]);
  expect(checked.stdout).toContain("\\o/ RDB looks OK! \\o/");
  const version = spawnSync(process.execPath, [built, "--version"], { encoding: "latin1" });
  expect(version.stdout).toMatch(/^tsredis-check-rdb [0-9.]+\n$/);
});

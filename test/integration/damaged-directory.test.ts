/**
 * Goal: a data directory that is damaged, incomplete or in use is refused with a message that says what and where, and
 * its files stay as they were; put right again, it has all data. Method: one directory with hot and cold data, made by
 * the real program; each test starts the program on a damaged copy.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import { freePort } from "../support/free-port.ts";
import { RawClient } from "../support/raw-client.ts";
import { runServerProgram, startServerProcess } from "../support/server-process.ts";
import { runOurs } from "../tools/check-aof-harness.ts";

const KEYS = 6000;
const VALUE_BYTES = 1000;
const SMALL_MEMORY = ["--maxmemory", "6mb"];
const AOF = "appendonlydir";

const root = mkdtempSync(join(tmpdir(), "tsredis-damaged-"));
const original = join(root, "original");
let copies = 0;
afterAll(() => rmSync(root, { recursive: true }));

beforeAll(async () => {
  mkdirSync(original);
  const server = await startServerProcess(original, SMALL_MEMORY);
  const client = await RawClient.connect(server.port);
  const random = new SeededRandom(1);
  for (let i = 0; i < KEYS; i++) {
    const reply = await client.run("SET", `key${i}`, random.bytes(VALUE_BYTES));
    if (!reply.equals(Buffer.from("+OK\r\n"))) throw new Error(reply.toString());
  }
  const coldKeys = Number(/cold_keys:(\d+)/.exec(await client.text("INFO", "tier"))?.[1]);
  expect(coldKeys).toBeGreaterThan(100);
  await client.run("BGREWRITEAOF");
  while (!(await client.text("INFO", "persistence")).includes("aof_rewrite_in_progress:0"))
    await client.run("PING");
  // Synced one by one: what follows the first is then known to have been on the disk.
  for (const key of ["after1", "after2", "after3"]) {
    await client.run("SET", key, "x".repeat(50));
    await client.run("WAITAOF", "1", "0", "0");
  }
  client.close();
  expect(await server.stop()).toBe(0);
});

function copy(): string {
  const folder = join(root, String(++copies));
  cpSync(original, folder, { recursive: true });
  return folder;
}

/** The only file of the append-only directory whose name ends so. */
function fileOf(folder: string, ending: string): string {
  const names = readdirSync(join(folder, AOF)).filter((name) => name.endsWith(ending));
  expect(names).toHaveLength(1);
  return join(folder, AOF, names[0]);
}

function flipBit(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes[offset < 0 ? bytes.length + offset : offset] ^= 1;
  writeFileSync(path, bytes);
}

function logFiles(folder: string): Record<string, string> {
  const names = readdirSync(join(folder, AOF));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, AOF, name), "latin1")]));
}

async function refusal(folder: string, args: readonly string[] = SMALL_MEMORY): Promise<string> {
  const before = logFiles(folder);
  const { status, output } = await runServerProgram(
    ["--port", String(await freePort()), "--bind", "127.0.0.1", "--dir", folder, ...args],
    folder,
  );
  expect(status, output).toBe(1);
  expect(logFiles(folder)).toEqual(before);
  return output;
}

async function sizeOf(folder: string, args: readonly string[] = []): Promise<string> {
  const server = await startServerProcess(folder, [...SMALL_MEMORY, ...args]);
  const client = await RawClient.connect(server.port);
  const reply = await client.text("DBSIZE");
  client.close();
  await server.stop();
  return reply;
}

describe("is refused", () => {
  test("with a flipped bit in synced commands; the bit put right, all is there", async () => {
    const folder = copy();
    const path = fileOf(folder, ".incr.aof");
    flipBit(path, 100);
    expect(await refusal(folder)).toMatch(
      /Bad file format .*\.incr\.aof at offset \d+: Wrong checksum.*tsredis-check-aof --salvage/,
    );
    flipBit(path, 100);
    expect(await sizeOf(folder)).toContain(String(KEYS + 3));
  });

  test("with a flipped bit in the base file", async () => {
    const folder = copy();
    flipBit(fileOf(folder, ".base.rdb"), -500);
    expect(await refusal(folder)).toMatch(
      /The RDB part of the AOF file .*\.base\.rdb is damaged: .*: restore the data directory from a backup/,
    );
  });

  test("with an empty base file, or one whose head is damaged, whether it relies on a cold tier or not", async () => {
    const small = join(root, "small");
    mkdirSync(small);
    const server = await startServerProcess(small, ["--maxmemory", "64mb"]);
    const client = await RawClient.connect(server.port);
    await client.run("SET", "key", "value");
    await client.run("HSET", "hash", "field", "value");
    await client.run("BGREWRITEAOF");
    while (!(await client.text("INFO", "persistence")).includes("aof_rewrite_in_progress:0"))
      await client.run("PING");
    client.close();
    await server.stop();
    // A value that its type cannot read is met before the checksum at the end.
    const base = fileOf(small, ".base.rdb");
    const intact = readFileSync(base);
    const odd = Buffer.from(intact);
    odd[odd.indexOf("field") - 2] ^= 0xff;
    writeFileSync(base, odd);
    expect(await refusal(small)).toMatch(/\.base\.rdb is damaged: /);
    writeFileSync(base, intact);
    for (const folder of [copy(), small]) {
      const path = fileOf(folder, ".base.rdb");
      const bytes = readFileSync(path);
      for (const damaged of [Buffer.alloc(0), Buffer.concat([Buffer.alloc(9), bytes.subarray(9)])]) {
        writeFileSync(path, damaged);
        expect(await refusal(folder)).toMatch(/\.base\.rdb is damaged/);
      }
    }
  });

  test.each([".incr.aof", ".base.rdb"])("without the %s file that the manifest names", async (ending) => {
    const folder = copy();
    rmSync(fileOf(folder, ending));
    const advice = ending === ".base.rdb" ? "restore the data directory" : "use tsredis-check-aof --salvage";
    expect(await refusal(folder)).toMatch(
      new RegExp(`names the AOF file \\S+ but it doesn't exist: No such file or directory\\. .*${advice}`),
    );
  });

  test("with an emptied incr file, since a set with a cold tier has none; a salvage lets it start without what it held", async () => {
    const folder = copy();
    const path = fileOf(folder, ".incr.aof");
    for (const [length, what] of [
      [0, "is empty"],
      [10, "has only 10 bytes"],
    ] as const) {
      truncateSync(path, length);
      expect(await refusal(folder)).toMatch(
        new RegExp(
          `The AOF file \\S+\\.incr\\.aof ${what}, .* what it held is lost.*tsredis-check-aof --salvage`,
        ),
      );
    }
    // Cut at its beginning, it would be empty.
    for (const bytes of [Buffer.alloc(16), Buffer.from("#TSREDIS-AOF:2#!"), Buffer.alloc(5000)]) {
      writeFileSync(path, bytes);
      expect(await refusal(folder)).toMatch(
        /The first line of the AOF file \S+\.incr\.aof is damaged, .*tsredis-check-aof --salvage/,
      );
    }
    const manifest = join(folder, AOF, "appendonly.aof.manifest");
    expect((await runOurs(folder, [manifest])).status).toBe(1);
    expect((await runOurs(folder, ["--salvage", "--yes", manifest])).status).toBe(0);
    expect((await runOurs(folder, [manifest])).status).toBe(0);
    expect(await sizeOf(folder)).toContain(`:${KEYS}\r\n`);
  });

  test("without its manifest, or with one that cannot be read; put back, all is there", async () => {
    const folder = copy();
    const path = join(folder, AOF, "appendonly.aof.manifest");
    const manifest = readFileSync(path);
    rmSync(path);
    expect(await refusal(folder)).toMatch(
      / is missing, but its file \S+ is there.*tsredis-check-aof --salvage/,
    );
    writeFileSync(path, "file");
    expect(await refusal(folder)).toMatch(/The AOF manifest file contains too long line.*tsredis-check-aof/);
    writeFileSync(path, manifest);
    expect(await sizeOf(folder)).toContain(String(KEYS + 3));
  });

  test.each([
    ["the base file", /^.* type b$\n/m, /names no base file, but its file \S+\.base\.rdb is there/],
    ["the cold tier", /^.* type t$\n/m, /relies on a cold tier, but the manifest names none/],
    ["both", /^.* type [bt]$\n/gm, /names no base file, but its file \S+\.base\.rdb is there/],
  ])(
    "with a manifest that lacks the line of %s, before the tier's folder is taken for scratch; a salvage puts it back",
    async (_, line, text) => {
      const folder = copy();
      const manifest = join(folder, AOF, "appendonly.aof.manifest");
      const tables = (): string[] =>
        readdirSync(join(folder, "cold-tier")).filter((name) => name.endsWith(".ldb"));
      const before = tables();
      writeFileSync(manifest, readFileSync(manifest, "latin1").replace(line, ""));
      const output = await refusal(folder);
      expect(output).toMatch(text);
      expect(output).toContain("tsredis-check-aof --salvage");
      expect(tables()).toEqual(before);
      expect((await runOurs(folder, [manifest])).status).toBe(1);
      expect((await runOurs(folder, ["--salvage", "--yes", manifest])).status).toBe(0);
      expect((await runOurs(folder, [manifest])).status).toBe(0);
      expect(await sizeOf(folder)).toContain(String(KEYS + 3));
    },
  );

  test.each([
    [
      "number",
      /seq \d+ (?=type t$)/m,
      "seq 99 ",
      /names generation 99 of the cold tier, the base file \S+ \d/,
    ],
    ["folder", /^file \S+ (?=seq \d+ type t$)/m, "file cold-tiep ", /The cold tier is missing: .*cold-tiep/],
  ])(
    "with a manifest in whose line of the cold tier the %s is damaged; a salvage puts it right",
    async (_, part, damaged, text) => {
      const folder = copy();
      const manifest = join(folder, AOF, "appendonly.aof.manifest");
      writeFileSync(manifest, readFileSync(manifest, "latin1").replace(part, damaged));
      expect(await refusal(folder)).toMatch(text);
      expect((await runOurs(folder, ["--salvage", "--yes", manifest])).status).toBe(0);
      expect(await sizeOf(folder)).toContain(String(KEYS + 3));
    },
  );

  test("without the cold tier's folder, or with an empty one", async () => {
    const folder = copy();
    rmSync(join(folder, "cold-tier"), { recursive: true });
    expect(await refusal(folder)).toMatch(/The cold tier is missing: .*cold-tier/);
    mkdirSync(join(folder, "cold-tier"));
    expect(await refusal(folder)).toMatch(/The cold tier in .* cannot be used: .*there is none/);
  });

  test("without CURRENT, before LevelDB begins an empty store; put back, all is there", async () => {
    const folder = copy();
    const path = join(folder, "cold-tier", "CURRENT");
    const current = readFileSync(path);
    rmSync(path);
    expect(await refusal(folder)).toMatch(
      /The cold tier in .* cannot be used: .*CURRENT is missing, though there are tables .*tsredis-check-tier/,
    );
    // Nor does a start that needs no tier, and only looks whether anybody uses this one.
    expect(await sizeOf(folder, ["--appendonly", "no"])).toBe(":0\r\n");
    writeFileSync(path, current);
    expect(await sizeOf(folder)).toContain(String(KEYS + 3));
  });

  test.each(["index", "filter", "footer"])(
    "with a damaged %s of a table, before LevelDB reads it",
    async (what) => {
      const folder = copy();
      const tier = join(folder, "cold-tier");
      const tables = readdirSync(tier).filter((each) => each.endsWith(".ldb"));
      const [name] = tables.sort((a, b) => statSync(join(tier, b)).size - statSync(join(tier, a)).size);
      const path = join(tier, name);
      const table = readFileSync(path);
      const footer = table.length - 48;
      flipBit(path, what === "footer" ? -1 : what === "index" ? footer - 10 : table.indexOf("filter.") - 60);
      expect(await refusal(folder)).toMatch(
        new RegExp(
          `The cold tier in .* cannot be used: ${name} is damaged at offset \\d+: its ${what} block .*tsredis-check-tier`,
        ),
      );
      writeFileSync(path, table);
      expect(await sizeOf(folder)).toContain(String(KEYS + 3));
    },
  );

  test("with a cold tier that LevelDB does not open; what the repair tool is called is said", async () => {
    const folder = copy();
    writeFileSync(join(folder, "cold-tier", "CURRENT"), "MANIFEST-nowhere");
    expect(await refusal(folder)).toMatch(
      /The cold tier in .* cannot be used: .*CURRENT.*tsredis-check-tier/,
    );
  });

  test("with cold-tier no", async () => {
    expect(await refusal(copy(), ["--cold-tier", "no"])).toMatch(/does not start with 'cold-tier no'/);
  });

  test("while another server runs on it, whether it relies on its cold tier or not", async () => {
    const empty = join(root, "empty");
    mkdirSync(empty);
    for (const folder of [copy(), empty]) {
      const server = await startServerProcess(folder, SMALL_MEMORY);
      const client = await RawClient.connect(server.port);
      try {
        for (const args of [[], ["--appendonly", "no"]])
          expect(await refusal(folder, args)).toMatch(/Another server is running on this data directory/);
        expect(await client.text("SET", "still", "here")).toContain("OK");
      } finally {
        client.close();
        await server.stop();
      }
    }
  });
});

describe("after two ends soon after a start, which a damaged block may have brought about", () => {
  async function startAnd(end: "kill" | "stop", folder: string): Promise<void> {
    const server = await startServerProcess(folder, SMALL_MEMORY);
    await server[end]();
  }

  function damageData(folder: string): void {
    const tier = join(folder, "cold-tier");
    const tables = readdirSync(tier).filter((each) => each.endsWith(".ldb"));
    const [name] = tables.sort((a, b) => statSync(join(tier, b)).size - statSync(join(tier, a)).size);
    flipBit(join(tier, name), 1000);
  }

  test("all blocks are verified before LevelDB opens the store", async () => {
    const folder = copy();
    damageData(folder);
    await startAnd("kill", folder);
    await startAnd("kill", folder);
    const output = await refusal(folder);
    expect(output).toMatch(/has ended unexpectedly 2 times, each time soon after its start/);
    expect(output).toMatch(/\.ldb is damaged at offset 0: its data block .*tsredis-check-tier/);
  });

  test("they are not if one of them was asked for", async () => {
    const folder = copy();
    damageData(folder);
    for (const end of ["kill", "stop", "kill", "stop"] as const) await startAnd(end, folder);
    expect(await sizeOf(folder)).toContain(String(KEYS + 3));
  });
});

test("started under other names, it is as it was when it has its own again", async () => {
  const folder = copy();
  for (const args of [
    ["--appendfilename", "other.aof"],
    ["--appenddirname", "otherdir"],
    ["--cold-tier", "no", "--appendfilename", "other.aof"],
  ]) {
    expect(await sizeOf(folder, args)).toBe(":0\r\n");
  }
  expect(await sizeOf(folder)).toContain(String(KEYS + 3));
});

test("where every folder for a cold tier is relied on, the server does not start", async () => {
  const folder = copy();
  const manifest = join(folder, AOF, "appendonly.aof.manifest");
  const text = readFileSync(manifest, "latin1");
  writeFileSync(
    join(folder, AOF, "other.aof.manifest"),
    text.replace("file cold-tier ", "file cold-tier-2 "),
  );
  expect(await refusal(folder, [...SMALL_MEMORY, "--appendfilename", "third.aof"])).toMatch(
    /no room for a cold tier .*(appendonly|other)\.aof\.manifest, .*(appendonly|other)\.aof\.manifest/,
  );
});

test("an end in the middle of a command is cut off", async () => {
  const folder = copy();
  const path = fileOf(folder, ".incr.aof");
  const text = readFileSync(path, "latin1");
  truncateSync(path, text.indexOf("after3") + 2);
  expect(await sizeOf(folder)).toContain(String(KEYS + 2));
});

/**
 * RDB against the real Redis 7.0: it loads what we write, we read what it writes, and the value layouts that are
 * passed over end exactly where its own DUMP says.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RdbEntry, RdbReader } from "../../../src/persistence/rdb/reader.ts";
import { RdbWriter } from "../../../src/persistence/rdb/writer.ts";
import { hasRedisServer, runRedisTool, withRedisServer } from "../../support/redis-server.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";
import { memoryFile } from "../memory-file.ts";

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  removeFolder(folder);
});

/** Values of every form: integers around each width, texts around each length width, compressible or not, binary. */
function allForms(): Map<string, Buffer> {
  const forms = new Map<string, Buffer>();
  const numbers = [0, 1, -1, 127, 128, -128, -129, 32767, 32768, -32768, -32769, 2147483647, -2147483648];
  for (const number of numbers) forms.set(`n${number}`, Buffer.from(String(number)));
  for (const text of [
    "",
    "-0",
    "01",
    "+1",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "1.5",
    " 1",
  ]) {
    forms.set(`t${text}`, Buffer.from(text));
  }
  for (const length of [20, 21, 63, 64, 100, 16383, 16384, 300000]) {
    forms.set(`same${length}`, Buffer.alloc(length, "x"));
    forms.set(`words${length}`, Buffer.alloc(length, "the quick brown fox "));
    const noise = Buffer.alloc(length);
    for (let i = 0; i < length; i++) noise[i] = Math.imul(i + 1, 0x9e3779b1) >>> 13;
    forms.set(`noise${length}`, noise);
  }
  return forms;
}

async function readEntries(path: string, loadableTypes: number[] = []): Promise<RdbEntry[]> {
  const reader = await RdbReader.open(memoryFile(readFileSync(path)), {
    loadableTypes: new Set(loadableTypes),
    otherTypes: "skip",
    chunkBytes: 1000,
  });
  const entries: RdbEntry[] = [];
  for await (const record of reader) if (record.kind === "entry") entries.push(record);
  return entries;
}

/** Writes dump.rdb into the folder. */
async function writeDump(
  options: { compress: boolean; checksum: boolean },
  fill: (writer: RdbWriter) => void,
) {
  const chunks: Buffer[] = [];
  const writer = new RdbWriter(async (chunk) => {
    chunks.push(Buffer.from(chunk));
  }, options);
  writer.appendHeader();
  writer.appendAux("redis-ver", "7.0.15");
  writer.appendAux("tsredis-tier", '{"generation":1}');
  fill(writer);
  writer.appendEnd();
  await writer.drain();
  writeFileSync(join(folder, "dump.rdb"), Buffer.concat(chunks));
}

describe.skipIf(!hasRedisServer)("with the real Redis (skipped where redis-server is not installed)", () => {
  test.each([
    [true, true],
    [false, false],
  ])("loads what we write (compressed: %s, checksum: %s)", async (compress, checksum) => {
    const forms = allForms();
    const farAway = Date.now() + 1_000_000_123;
    await writeDump({ compress, checksum }, (writer) => {
      for (const db of [0, 7]) {
        writer.selectDb(db);
        writer.appendResizeDb(forms.size, 1);
        for (const [key, value] of forms) {
          if (db === 7) writer.appendExpire(farAway);
          if (key === "n1") writer.appendIdle(5000);
          writer.appendString(Buffer.from(key), 0, Buffer.byteLength(key), value, 0, value.length);
        }
      }
      writer.appendPayload(0, Buffer.from("packed"), 0, 6, Buffer.from([0xc0, 0x2a]));
    });
    const check = runRedisTool("redis-check-rdb", [join(folder, "dump.rdb")]);
    expect(check.output).toContain("\\o/ RDB looks OK! \\o/");
    expect(check.output).toContain(checksum ? "Checksum OK" : "checksum disabled");
    expect(check.output).toContain(`[info] ${forms.size * 2 + 1} keys read`);
    await withRedisServer(["--maxmemory-policy", "allkeys-lru"], folder, async (client) => {
      for (const db of [0, 7]) {
        await client.select(db);
        for (const [key, value] of forms) {
          expect((await client.getBuffer(key))?.equals(value), key).toBe(true);
          expect(await client.pexpiretime(key)).toBe(db === 7 ? farAway : -1);
        }
      }
      expect(await client.get("packed")).toBe("42");
      expect(await client.dbsize()).toBe(forms.size + 1);
    });
  });

  test.each(["yes", "no"])("reads what it writes (rdbcompression %s)", async (rdbcompression) => {
    const forms = allForms();
    const farAway = Date.now() + 1_000_000_123;
    await withRedisServer(
      ["--rdbcompression", rdbcompression, "--maxmemory-policy", "allkeys-lfu"],
      folder,
      async (client) => {
        for (const [key, value] of forms) await client.set(key, value);
        await client.select(5);
        for (const [key, value] of forms) await client.set(key, value, "PXAT", farAway);
        await client.call(
          "FUNCTION",
          "LOAD",
          "#!lua name=lib\nredis.register_function('f', function() return 1 end)",
        );
        await client.save();
      },
    );
    const entries = await readEntries(join(folder, "dump.rdb"));
    expect(entries).toHaveLength(forms.size * 2);
    for (const entry of entries) {
      const name = entry.key.toString();
      expect(entry.value!.equals(forms.get(name)!), name).toBe(true);
      expect(entry.expireMs).toBe(entry.db === 5 ? farAway : undefined);
      expect(entry.frequency).toBeGreaterThanOrEqual(0);
    }
  });

  test("idle times come with an LRU policy", async () => {
    await withRedisServer(["--maxmemory-policy", "volatile-lru"], folder, async (client) => {
      await client.call("RESTORE", "k", "0", await dumpOf(client, "v"), "IDLETIME", "1000");
      await client.save();
    });
    const entries = await readEntries(join(folder, "dump.rdb"));
    const restored = entries.find((entry) => entry.key.toString() === "k")!;
    expect(restored.idleSeconds).toBeGreaterThanOrEqual(1000);
    expect(restored.idleSeconds).toBeLessThan(1100);
  });

  test("every type is passed over exactly, and its payload is what DUMP gives", async () => {
    const dumps = new Map<string, Buffer>();
    await withRedisServer(["--list-max-listpack-size", "3"], folder, async (client) => {
      await createAllTypes(client);
      for (const key of await client.keys("*")) dumps.set(key, await client.dumpBuffer(key));
      await client.save();
    });
    const types = Array.from({ length: 26 }, (_, type) => type);
    const entries = await readEntries(join(folder, "dump.rdb"), types.slice(1));
    expect(entries).toHaveLength(dumps.size);
    for (const entry of entries) {
      if (entry.type === 0) continue;
      const dump = dumps.get(entry.key.toString())!;
      expect(dump[0]).toBe(entry.type);
      expect(entry.payload!.equals(dump.subarray(1, -10)), entry.key.toString()).toBe(true);
    }
    expect(new Set(entries.map((entry) => entry.type))).toEqual(new Set([0, 2, 4, 5, 11, 16, 17, 18, 19]));
    const passedOver = await readEntries(join(folder, "dump.rdb"));
    expect(passedOver.map((entry) => entry.endOffset)).toEqual(entries.map((entry) => entry.endOffset));
  });
});

async function dumpOf(client: Redis, value: string): Promise<Buffer> {
  await client.set("source", value);
  return client.dumpBuffer("source");
}

async function createAllTypes(client: Redis): Promise<void> {
  const numbers = Array.from({ length: 600 }, (_, i) => i);
  const long = (i: number) => `element ${i} `.repeat(20);
  await client.set("string", "text");
  await client.rpush("list", ...numbers.slice(0, 50), "x".repeat(10000));
  await client.sadd("intset", ...numbers.slice(0, 500));
  await client.sadd("set", ...numbers.map(long));
  await client.hset("small hash", "a", "1", "b", "some text");
  await client.hset("hash", ...numbers.map(long));
  await client.zadd("small zset", 1.5, "a", 2, "b");
  await client.zadd("zset", ...numbers.flatMap((i) => [i / 3, long(i)]), "+inf", "top", "-inf", "bottom");
  for (const i of numbers.slice(0, 250))
    await client.xadd("stream", `${i + 1}-1`, "field", `value ${i}`, "n", i);
  await client.xdel("stream", "5-1");
  await client.xgroup("CREATE", "stream", "group", "0");
  await client.xgroup("CREATE", "stream", "idle group", "$");
  await client.xreadgroup("GROUP", "group", "alice", "COUNT", 20, "STREAMS", "stream", ">");
  await client.xreadgroup("GROUP", "group", "bob", "COUNT", 3, "STREAMS", "stream", ">");
}

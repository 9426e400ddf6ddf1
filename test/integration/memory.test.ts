/**
 * The running server with more data than maxmemory allows: spilling, and refusing or evicting without a cold tier.
 */
import { describe, expect, test } from "vitest";
import type { RawClient } from "../support/raw-client.ts";
import { bulks, scan } from "./pair.ts";
import { expectFilled, fill, infoOf, POLL, useServer, valueOf } from "./server-fixture.ts";

const OUT_OF_MEMORY = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

const fixture = useServer();

/** Writes until a write is refused; resolves to the number of those that were not. */
async function fillUntilRefused(client: RawClient): Promise<number> {
  for (let count = 0; count < 3000; count++) {
    const reply = await client.text("SET", `k${count}`, valueOf(count, 4000));
    if (reply === "+OK\r\n") continue;
    expect(reply).toBe(OUT_OF_MEMORY);
    return count;
  }
  throw new Error("no write was refused");
}

describe("the server has little memory", () => {
  test("and spills at once when maxmemory is lowered", async () => {
    // Not before, in no mode of the suite.
    const client = await fixture.start("--maxmemory", "100mb", "--cold-tier-spill-all", "no");
    await fill(client, 0, 3000, 4000);
    expect(await infoOf(client, "cold_keys")).toBe("0");
    expect(await client.text("CONFIG", "SET", "maxmemory", "4mb")).toBe("+OK\r\n");
    await expect.poll(async () => Number(await infoOf(client, "cold_keys")), POLL).toBeGreaterThan(2000);
    await expect
      .poll(async () => Number(await infoOf(client, "used_memory")), POLL)
      .toBeLessThan(4 * 1024 * 1024);
    await expectFilled(client, 3000, 4000);
  });

  test("and knows without reading the disk which keys are not there, also after a restart", async () => {
    const client = await fixture.start("--maxmemory", "4mb");
    await fill(client, 0, 3000, 4000);
    const questions = Array.from({ length: 1000 }, (_, i) => ["EXISTS", `none${i}`]);
    const expectSpared = async (asking: RawClient, repeats: number) => {
      for (let i = 0; i < repeats; i++) {
        expect(new Set((await asking.runAll(questions)).map(String))).toEqual(new Set([":0\r\n"]));
      }
      expect(Number(await infoOf(asking, "tier_keys_absent_unread"))).toBeGreaterThanOrEqual(990 * repeats);
      expect(Number(await infoOf(asking, "tier_keys_absent"))).toBeLessThan(10 * repeats);
    };
    await expectSpared(client, 1);
    expect(await client.text("BGREWRITEAOF")).toContain("rewriting started");
    await expect.poll(() => infoOf(client, "aof_rewrite_in_progress"), POLL).toBe("0");
    await fixture.server.kill();
    const after = await fixture.start("--maxmemory", "4mb");
    await expectSpared(after, 2);
    await expectFilled(after, 3000, 4000);
    // A flushed database has no cold keys, and its successor learns of its own.
    await after.run("FLUSHALL");
    await fill(after, 0, 2000, 4000);
    await expectFilled(after, 2000, 4000);
  });

  test("and waits for what was flushed in the background, also at a start that repeats it", async () => {
    const client = await fixture.start("--maxmemory", "4mb");
    const writes = Array.from({ length: 1000 }, (_, i) => ["SET", `new${i}`, "x".repeat(100)]);
    for (let round = 0; round < 3; round++) {
      // One value that takes nearly all of the memory, and cannot move any more once it was flushed.
      expect(await client.text("SET", "large", "x".repeat(4_500_000))).toBe("+OK\r\n");
      const replies = await client.runAll([["FLUSHALL", "ASYNC"], ...writes]);
      expect(new Set(replies.map(String))).toEqual(new Set(["+OK\r\n"]));
    }
    await client.runAll([
      ["SET", "large", "x".repeat(4_500_000)],
      ["FLUSHALL", "ASYNC"],
    ]);
    await fixture.server.kill();
    const after = await fixture.start("--maxmemory", "4mb");
    expect(new Set((await after.runAll(writes)).map(String))).toEqual(new Set(["+OK\r\n"]));
    expect(await after.text("DBSIZE")).toBe(":1000\r\n");
  });

  test("and walks over the keys on disk: expired, long, deleted and overwritten ones", async () => {
    const client = await fixture.start("--maxmemory", "4mb");
    await fill(client, 0, 2000, 4000);
    const long = Array.from({ length: 20 }, (_, i) => `long${i}`.padEnd(1100 + i, "-"));
    for (const [i, key] of long.entries()) await client.run("SET", key, valueOf(i, 4000));
    for (let i = 0; i < 50; i++) await client.run("SET", `soon${i}`, valueOf(i, 4000), "PX", 50);
    for (let i = 0; i < 50; i++) await client.run("SET", `late${i}`, valueOf(i, 4000), "EX", 10_000);
    await fill(client, 2000, 3000, 4000);
    await client.run("DEL", "k5", "k2995", "late3", long[4]);
    await client.run("SET", "k6", "new");
    expect(Number(await infoOf(client, "cold_keys"))).toBeGreaterThan(2000);
    const gone = new Set(["k5", "k2995", "late3", long[4]]);
    const numbered = (name: string, count: number) => Array.from({ length: count }, (_, i) => name + i);
    const expected = [...numbered("k", 3000), ...long, ...numbered("late", 50)]
      .filter((key) => !gone.has(key))
      .sort();
    const walk = async (...options: string[]) => await scan(client, 100, ...options);
    await expect.poll(async () => await walk(), POLL).toEqual(expected);
    expect(bulks(await client.run("KEYS", "*")).sort()).toEqual(expected);
    expect(bulks(await client.run("KEYS", "*9"))).toHaveLength(
      expected.filter((key) => key.endsWith("9")).length,
    );
    expect(await walk("TYPE", "string")).toEqual(expected);
    expect(await walk("TYPE", "list")).toEqual([]);
    expect(await walk("MATCH", "l?*7*")).toEqual(expected.filter((key) => /^l.+7/.test(key)));
    for (let i = 0; i < 50; i++) expect(expected).toContain(bulks(await client.run("RANDOMKEY"))[0]);
  });

  test("and refuses writes without a cold tier, in Redis's words", async () => {
    const client = await fixture.start("--cold-tier", "no", "--maxmemory", "4mb");
    const count = await fillUntilRefused(client);
    await expectFilled(client, count, 4000);
    expect(await client.text("DEL", "k1", "k2", "k3")).toBe(":3\r\n");
    expect(await client.text("SET", "small", "x")).toBe("+OK\r\n");
    expect(await infoOf(client, "evicted_keys")).toBe("0");
  });

  test("and refuses scripts that need memory as it refuses commands, whatever else would forbid them", async () => {
    const client = await fixture.start("--cold-tier", "no");
    await client.run("CONFIG", "SET", "maxmemory", "1");
    const script = "#!lua\nreturn redis.call('SET', 'small', 'x')";
    expect(await client.text("EVAL", script, "0")).toBe(OUT_OF_MEMORY);
    expect(await client.text("EVAL_RO", script, "0")).toBe(OUT_OF_MEMORY);
    expect(await client.text("EVAL", "#!lua flags=no-writes\nreturn 1", "0")).toBe(":1\r\n");
    expect(await client.text("EVAL", script.replace("lua", "lua flags=allow-oom"), "0")).toBe("+OK\r\n");
  });

  test("and with no tier at all nobody is refused for memory that is being freed", async () => {
    const client = await fixture.start("--cold-tier", "no", "--maxmemory", "8mb");
    const elements = Array.from({ length: 1000 }, (_, i) => `${i} `.repeat(10));
    for (let round = 0; round < 5; round++) {
      let isFull = false;
      while (!isFull) isFull = (await client.text("RPUSH", "list", ...elements)).startsWith("-OOM");
      const how = round % 2 === 0 ? ["UNLINK", "list"] : ["FLUSHALL", "ASYNC"];
      const replies = await client.runAll([how, ["SET", "k", "x".repeat(4_000_000)], ["DEL", "k"]]);
      expect(replies[1].toString()).toBe("+OK\r\n");
    }
  });

  test("and what was refused once does not have writes refused that find room after it", async () => {
    const client = await fixture.start("--maxmemory", "3mb");
    let isFull = false;
    const pinned: string[] = [];
    while (!isFull) {
      const key = `pinned${pinned.length}`;
      isFull = (await client.text("SET", key, valueOf(pinned.length, 100_000))) === OUT_OF_MEMORY;
      pinned.push(key);
      await client.run("TIER", "PIN", key);
    }
    await client.run("DEL", ...pinned);
    // All of them arrive together, and together take more than there is.
    const writes = Array.from({ length: 40 }, (_, i) => ["SETRANGE", `large${i}`, "99999", "x"]);
    const replies = await client.runAll(writes);
    expect(replies.map(String)).toEqual(writes.map(() => ":100000\r\n"));
    // And what is pinned again, refuses again.
    await client.run("TIER", "PIN", "MATCH", "*");
    expect(await fillUntilRefused(client)).toBeLessThan(3000);
  });

  test("and what SORT has found in cold values leaves again when its client writes", async () => {
    const client = await fixture.start("--maxmemory", "3mb");
    const ids = Array.from({ length: 40 }, (_, i) => String(i));
    for (const id of ids) await client.run("SET", `weight${id}`, valueOf(Number(id), 100_000));
    await client.run("RPUSH", "ids", ...ids);
    const write = (kind: string) =>
      Array.from({ length: 40 }, (_, i) => ["SETRANGE", kind + i, "99999", "x"]);
    await client.runAll(write("before"));
    // In one packet: what the connection held would be let go of when the next one comes.
    const [sorted, ...replies] = await client.runAll([
      ["SORT", "ids", "BY", "nosort", "GET", "weight*"],
      ...write("after"),
    ]);
    expect(sorted.toString("latin1", 0, 5)).toBe(`*${ids.length}\r\n`);
    expect(replies.map(String)).toEqual(replies.map(() => ":100000\r\n"));
  });

  test("and collections of every type move to disk and back", async () => {
    const client = await fixture.start("--maxmemory", "3mb");
    const kinds = 6;
    const rounds = 40;
    const numbers = Array.from({ length: 400 }, (_, i) => i);
    for (let i = 0; i < rounds; i++) {
      const text = (n: number) => `${i}:${n} ${"value ".repeat(10)}`;
      const replies = await client.runAll([
        ["RPUSH", `list${i}`, ...numbers.map(text)],
        ["SADD", `set${i}`, ...numbers.map(text)],
        ["ZADD", `sorted${i}`, ...numbers.flatMap((n) => [n / 3, text(n)])],
        ["HSET", `hash${i}`, ...numbers.flatMap((n) => [`f${n}`, text(n)])],
        ["SADD", `integers${i}`, ...numbers.map((n) => n * i)],
        ...numbers.slice(0, 100).map((n) => ["XADD", `stream${i}`, `${n + 1}-1`, "f", text(n)]),
      ]);
      expect(replies.filter((reply) => reply.toString().startsWith("-"))).toEqual([]);
    }
    expect(await client.text("DBSIZE")).toBe(`:${rounds * kinds}\r\n`);
    expect(Number(await infoOf(client, "cold_keys"))).toBeGreaterThan(rounds * 2);
    for (let i = 0; i < rounds; i++) {
      const [last, members, rank, field, integers, entries] = await client.runAll([
        ["LINDEX", `list${i}`, -1],
        ["SCARD", `set${i}`],
        ["ZRANK", `sorted${i}`, `${i}:321 ${"value ".repeat(10)}`],
        ["HGET", `hash${i}`, "f77"],
        ["SCARD", `integers${i}`],
        ["XLEN", `stream${i}`],
      ]);
      expect(last.toString()).toContain(`\r\n${i}:399 value`);
      expect(members.toString()).toBe(":400\r\n");
      expect(rank.toString()).toBe(":321\r\n");
      expect(field.toString()).toContain(`\r\n${i}:77 value`);
      expect(integers.toString()).toBe(i === 0 ? ":1\r\n" : ":400\r\n");
      expect(entries.toString()).toBe(":100\r\n");
    }
  });

  test.each([
    ["allkeys-lru", false],
    ["allkeys-lfu", false],
    ["allkeys-random", false],
    ["volatile-lru", true],
    ["volatile-lfu", true],
    ["volatile-random", true],
    ["volatile-ttl", true],
  ])("and evicts without a cold tier by %s", async (policy, isVolatile) => {
    const client = await fixture.start(
      "--cold-tier",
      "no",
      "--maxmemory",
      "4mb",
      "--maxmemory-policy",
      policy,
    );
    for (let i = 0; i < 200; i++) await client.run("SET", `kept${i}`, valueOf(i, 2000));
    for (let i = 0; i < 3000; i++) {
      const expiry = i % 2 === 0 || isVolatile ? ["EX", 10_000 + i] : [];
      expect(await client.text("SET", `k${i}`, valueOf(i, 4000), ...expiry)).toBe("+OK\r\n");
    }
    expect(Number(await infoOf(client, "evicted_keys"))).toBeGreaterThan(1000);
    expect(Number(await infoOf(client, "used_memory"))).toBeLessThan(4.5 * 1024 * 1024);
    const kept = Array.from({ length: 200 }, (_, i) => `kept${i}`);
    if (isVolatile) expect(await client.text("EXISTS", ...kept)).toBe(":200\r\n");
    // What was evicted is gone after a restart, too.
    const size = await client.text("DBSIZE");
    await fixture.server.kill();
    const after = await fixture.start("--cold-tier", "no");
    expect(await after.text("DBSIZE")).toBe(size);
  });

  test("and refuses writes by a volatile policy when nothing has an expiry", async () => {
    const client = await fixture.start(
      "--cold-tier",
      "no",
      "--maxmemory",
      "4mb",
      "--maxmemory-policy",
      "volatile-lru",
    );
    await expectFilled(client, await fillUntilRefused(client), 4000);
  });
});

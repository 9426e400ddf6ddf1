/**
 * Transactions in the running server: cold keys, waiting clients, the append-only file, memory.
 */
import { describe, expect, it } from "vitest";
import type { RawClient } from "../support/raw-client.ts";
import { infoOf, POLL, useServer } from "./server-fixture.ts";

const server = useServer();
const QUEUED = "+QUEUED\r\n";

/** Runs a transaction in one pipeline; the reply of EXEC. */
async function transaction(client: RawClient, ...commands: string[]): Promise<string> {
  const requests = ["MULTI", ...commands, "EXEC"].map((command) => command.split(" "));
  const replies = (await client.runAll(requests)).map(String);
  expect(replies.slice(0, -1)).toEqual(["+OK\r\n", ...commands.map(() => QUEUED)]);
  return replies.at(-1)!;
}

/** Keys k0 to before `count`, each with its number, all of them on disk. */
async function startCold(count: number): Promise<RawClient> {
  const client = await server.start("--cold-tier-spill-all", "yes", "--save", "");
  await client.runAll(Array.from({ length: count }, (_, i) => ["SET", `k${i}`, i]));
  await allCold(client, count);
  return client;
}

async function allCold(client: RawClient, count: number): Promise<void> {
  await expect.poll(() => infoOf(client, "cold_keys"), POLL).toBe(String(count));
}

function bulk(text: string | number): string {
  return `$${String(text).length}\r\n${text}\r\n`;
}

function fieldOf(line: string, name: string): string | undefined {
  return new RegExp(` ${name}=(\\S*)`).exec(line)?.[1];
}

describe("cold keys in a transaction", () => {
  it("are there before it begins", async () => {
    const client = await startCold(50);
    const reply = await transaction(
      client,
      "MGET k1 k2",
      "INCR k3",
      "DEL k4",
      "GET k4",
      "GET none",
      "APPEND k5 x",
    );
    expect(reply).toBe(`*6\r\n*2\r\n${bulk(1)}${bulk(2)}:4\r\n:1\r\n$-1\r\n$-1\r\n:2\r\n`);
  });

  it("are found in the database that is selected when their command runs", async () => {
    const client = await startCold(10);
    expect(
      await transaction(client, "SELECT 1", "GET k1", "SWAPDB 0 1", "GET k1", "SELECT 0", "DBSIZE"),
    ).toBe(`*6\r\n+OK\r\n$-1\r\n+OK\r\n${bulk(1)}+OK\r\n:0\r\n`);
    await client.text("SELECT", "1");
    await allCold(client, 10);
    expect(await transaction(client, "MOVE k1 0", "COPY k2 k1", "SELECT 0", "MGET k1 k2")).toBe(
      `*4\r\n:1\r\n:1\r\n+OK\r\n*2\r\n${bulk(1)}$-1\r\n`,
    );
  });

  it("are walked over as they are at their place in it", async () => {
    const client = await startCold(20);
    const reply = await transaction(
      client,
      "DEL k1",
      "SET new v",
      "KEYS *",
      "KEYS k1?",
      "RANDOMKEY",
      "SCAN 0 COUNT 1000",
      "SCAN 0 COUNT 1000 TYPE list",
      "FLUSHDB",
      "KEYS *",
      "RANDOMKEY",
    );
    const names = [...reply.matchAll(/\r\n(k\d+|new)(?=\r\n)/g)].map(([, name]) => name);
    const expected = [
      "new",
      ...Array.from({ length: 20 }, (_, i) => `k${i}`).filter((name) => name !== "k1"),
    ].sort();
    expect(names.slice(0, 20).sort()).toEqual(expected);
    expect(names.slice(20, 30).sort()).toEqual(expected.filter((name) => /^k1\d/.test(name)));
    expect(expected).toContain(names[30]);
    expect(names.slice(31).sort()).toEqual(expected);
    expect(reply).toMatch(/\*2\r\n\$1\r\n0\r\n\*0\r\n\+OK\r\n\*0\r\n\$-1\r\n$/);
  });

  it("may leave memory again after a walk, and no walk is in the way of others", async () => {
    const client = await startCold(30);
    const other = await server.connect();
    const [walked] = await Promise.all([
      transaction(client, "KEYS *", "GET k1", "SCAN 0 COUNT 100"),
      other.runAll(Array.from({ length: 100 }, (_, i) => ["SET", `other${i}`, i])),
    ]);
    expect(walked.startsWith("*3\r\n*")).toBe(true);
    await allCold(client, 130);
  });

  it("are what SORT finds in values", async () => {
    const client = await server.start("--cold-tier-spill-all", "yes");
    await client.text("RPUSH", "list", "a", "b", "c");
    await client.text("MSET", "w_a", "3", "w_b", "1", "w_c", "2", "v_a", "A", "v_b", "B", "v_c", "C");
    await allCold(client, 7);
    expect(await transaction(client, "SORT list BY w_* GET v_*", "SET w_a 0", "SORT list BY w_*")).toBe(
      `*3\r\n*3\r\n${bulk("B")}${bulk("C")}${bulk("A")}+OK\r\n*3\r\n${bulk("a")}${bulk("b")}${bulk("c")}`,
    );
  });

  it("can be watched, and moving between memory and disk is no change", async () => {
    const client = await startCold(3);
    await client.text("WATCH", "k0", "k1");
    await client.text("GET", "k0");
    await allCold(client, 3);
    expect(await transaction(client, "PING")).toBe("*1\r\n+PONG\r\n");
    const other = await server.connect();
    for (const command of ["DEL k0", "FLUSHALL", "SWAPDB 0 1"]) {
      await client.text("SET", "k0", "v");
      await expect.poll(() => infoOf(client, "tier_records"), POLL).not.toBe("0");
      await client.text("WATCH", "k0");
      await other.text(...command.split(" "));
      expect(await transaction(client, "PING"), command).toBe("*-1\r\n");
    }
  });

  it("that are watched change when their time comes", async () => {
    const client = await server.start("--cold-tier-spill-all", "yes");
    // So long that it is watched before that, though the machine may stand still.
    await client.text("SET", "k", "v", "PX", "2000");
    await allCold(client, 1);
    await client.text("WATCH", "k");
    await allCold(client, 1);
    await expect.poll(() => client.text("DBSIZE"), POLL).toBe(":0\r\n");
    expect(await transaction(client, "PING")).toBe("*-1\r\n");
  });
});

describe("many clients at a time", () => {
  const ACCOUNTS = 40;
  const STEPS = 60;

  it.each([
    ["in memory", []],
    ["on disk", ["--cold-tier-spill-all", "yes"]],
  ])("move amounts about: nobody sees half of it, %s", async (_, args) => {
    const client = await server.start("--save", "", ...args);
    const keys = Array.from({ length: ACCOUNTS }, (_unused, i) => `account${i}`);
    await client.run("MSET", ...keys.flatMap((key) => [key, "100"]));
    const clients = await Promise.all(Array.from({ length: 6 }, () => server.connect()));
    const moves = clients.slice(1).map(async (mover, m) => {
      for (let i = 0; i < STEPS; i++) {
        const [from, to] = [keys[(i * 7 + m) % ACCOUNTS], keys[(i * 11 + 3 * m + 1) % ACCOUNTS]];
        if (i % 3 > 0) {
          await transaction(mover, `DECRBY ${from} 5`, `GET ${to}`, `INCRBY ${to} 5`);
          continue;
        }
        // What was read must still be true when it is written.
        await mover.run("WATCH", from, to);
        const replies = await mover.runAll([from, to].map((key) => ["GET", key]));
        const [a, b] = replies.map((reply) => Number(/\r\n(.*)\r\n/.exec(reply.toString())![1]));
        if (from === to) await mover.run("UNWATCH");
        else await transaction(mover, `SET ${from} ${a - 1}`, `SET ${to} ${b + 1}`);
      }
    });
    let isDone = false;
    const looking = (async () => {
      while (!isDone) {
        const reply = await transaction(clients[0], `MGET ${keys.join(" ")}`);
        const amounts = reply.split("\r\n").filter((line) => /^-?\d+$/.test(line));
        expect(amounts.map(Number).reduce((sum, amount) => sum + amount, 0)).toBe(100 * ACCOUNTS);
      }
    })();
    await Promise.all(moves);
    isDone = true;
    await looking;
  });
});

describe("what would wait elsewhere", () => {
  it("answers at once in a transaction", async () => {
    const client = await server.start();
    const reply = await transaction(
      client,
      "BLPOP l 0",
      "BLMOVE l m LEFT LEFT 0",
      "SET k v",
      "WAITAOF 0 1 0",
      "CONFIG SET port 1",
    );
    expect(reply).toMatch(
      /^\*5\r\n\*-1\r\n\$-1\r\n\+OK\r\n\*2\r\n:[01]\r\n:0\r\n-ERR This cannot be done inside a transaction\r\n$/,
    );
    expect(await client.text("CONFIG", "GET", "port")).toBe(
      `*2\r\n${bulk("port")}${bulk(server.server.port)}`,
    );
    expect(await client.text("MULTI")).toBe("+OK\r\n");
    expect(await client.text("SHUTDOWN")).toBe("-ERR Command not allowed inside a transaction\r\n");
    expect(await client.text("EXEC")).toMatch(/^-EXECABORT /);
  });

  it("goes to waiting clients when the transaction is over", async () => {
    const client = await server.start();
    const [first, second] = [await server.connect(), await server.connect()];
    const replies = [first.text("BLPOP", "a", "0"), second.text("BLMOVE", "a", "b", "LEFT", "LEFT", "0")];
    await expect.poll(() => infoOf(client, "blocked_clients"), POLL).toBe("2");
    expect(await transaction(client, "RPUSH a 1 2 3", "LLEN a", "LPOP a", "EXISTS b")).toBe(
      `*4\r\n:3\r\n:3\r\n${bulk(1)}:0\r\n`,
    );
    const served = await Promise.all(replies);
    expect(served.sort()).toEqual([`$1\r\n3\r\n`, `*2\r\n${bulk("a")}${bulk(2)}`]);
  });

  it("a rewrite of the log begins behind the transaction", async () => {
    const client = await server.start();
    const reply = await transaction(client, "SET a 1", "BGREWRITEAOF", "SET b 2");
    expect(reply).toBe("*3\r\n+OK\r\n+Background append only file rewriting scheduled\r\n+OK\r\n");
    await expect.poll(() => infoOf(client, "aof_rewrites"), POLL).not.toBe("0");
    await server.server.kill();
    const after = await server.start();
    expect(await after.text("MGET", "a", "b")).toBe(`*2\r\n${bulk(1)}${bulk(2)}`);
  });

  it("the log may be switched off in the middle", async () => {
    const client = await server.start();
    expect(await transaction(client, "SET a 1", "SET b 2", "CONFIG SET appendonly no", "SET c 3")).toBe(
      "*4\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
    );
    await expect.poll(() => infoOf(client, "aof_enabled"), POLL).toBe("0");
    expect(await transaction(client, "CONFIG SET appendonly yes", "SET d 4", "SET e 5")).toBe(
      "*3\r\n+OK\r\n+OK\r\n+OK\r\n",
    );
    await expect.poll(() => infoOf(client, "aof_rewrite_in_progress"), POLL).toBe("0");
    expect(await infoOf(client, "aof_enabled")).toBe("1");
    await server.server.kill();
    expect(await (await server.start()).text("DBSIZE")).toBe(":5\r\n");
  });
});

describe("a client in a transaction", () => {
  it("is shown with its queue, whose memory is its own", async () => {
    const client = await server.start();
    const other = await server.connect();
    await client.text("WATCH", "k");
    await client.text("MULTI");
    for (let i = 0; i < 3; i++) await client.text("SET", "k", "x".repeat(100_000));
    const line = async () => (await other.text("CLIENT", "LIST")).split("\n")[1];
    const queued = await line();
    expect(fieldOf(queued, "multi")).toBe("3");
    expect(fieldOf(queued, "flags")).toBe("x");
    expect(fieldOf(queued, "cmd")).toBe("set");
    expect(Number(fieldOf(queued, "multi-mem"))).toBeGreaterThan(300_000);
    expect(Number(fieldOf(queued, "tot-mem"))).toBeGreaterThan(300_000);
    await other.text("SET", "k", "v");
    expect(fieldOf(await line(), "flags")).toBe("xd");
    expect(await client.text("RESET")).toBe("+RESET\r\n");
    const reset = await line();
    expect([fieldOf(reset, "multi"), fieldOf(reset, "multi-mem"), fieldOf(reset, "flags")]).toEqual([
      "-1",
      "0",
      "N",
    ]);
    expect(await client.text("EXEC")).toBe("-ERR EXEC without MULTI\r\n");
  });

  it("may queue nothing while memory is full, and is told why EXEC fails", async () => {
    const client = await server.start("--cold-tier", "no", "--maxmemory-policy", "noeviction");
    const other = await server.connect();
    await client.text("MULTI");
    await client.text("SET", "k", "v");
    await other.text("CONFIG", "SET", "maxmemory", "1");
    const reason = "OOM command not allowed when used memory > 'maxmemory'.";
    expect(await client.text("EXEC")).toBe(`-EXECABORT Transaction discarded because of: ${reason}\r\n`);
    expect(await transactionOf(client, "GET k")).toEqual([
      "+OK\r\n",
      `-${reason}\r\n`,
      "-EXECABORT Transaction discarded because of previous errors.\r\n",
    ]);
    await other.text("CONFIG", "SET", "maxmemory", "0");
    await client.runAll([["MULTI"], ["GET", "k"]]);
    await other.text("CONFIG", "SET", "maxmemory", "1");
    expect(await client.text("EXEC")).toBe("*1\r\n$-1\r\n");
  });

  it("is forgotten with its connection", async () => {
    const client = await server.start();
    const other = await server.connect();
    await other.text("WATCH", "k");
    await other.runAll([["MULTI"], ["SET", "k", "v"]]);
    other.close();
    await expect.poll(() => infoOf(client, "connected_clients"), POLL).toBe("1");
    await client.text("SET", "k", "mine");
    expect(await client.text("GET", "k")).toBe(bulk("mine"));
  });
});

async function transactionOf(client: RawClient, ...commands: string[]): Promise<string[]> {
  return (await client.runAll(["MULTI", ...commands, "EXEC"].map((command) => command.split(" ")))).map(
    String,
  );
}

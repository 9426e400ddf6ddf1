/**
 * Clients that wait for keys, over real connections: who is served, by what, and what ends a wait.
 */
import { describe, expect, it } from "vitest";
import { encodeRequest, type RawClient } from "../support/raw-client.ts";
import { infoOf, POLL, useServer } from "./server-fixture.ts";

const server = useServer();
const NOTHING = "*-1\r\n";

/** The reply of BLPOP. */
function popped(key: string, value: string): string {
  return `*2\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n`;
}

/** Resolves when so many clients wait. */
async function waiting(client: RawClient, count: number): Promise<void> {
  await expect.poll(() => infoOf(client, "blocked_clients"), POLL).toBe(String(count));
}

/** Starts a server; a client, and others that wait for what `commands` say, in that order. */
async function startWaiting(...commands: string[]): Promise<[RawClient, Promise<string>[]]> {
  const client = await server.start();
  return [client, await wait(client, ...commands)];
}

async function wait(client: RawClient, ...commands: string[]): Promise<Promise<string>[]> {
  const before = Number(await infoOf(client, "blocked_clients"));
  const replies: Promise<string>[] = [];
  for (const [i, command] of commands.entries()) {
    const other = await server.connect();
    replies.push(other.text(...command.split(" ")));
    await waiting(client, before + i + 1);
  }
  return replies;
}

describe("who waits for a key", () => {
  it("is served in the order of coming, each with an element", async () => {
    const [client, replies] = await startWaiting("BLPOP a b 0", "BRPOP a 0", "BLPOP a 0");
    expect(await client.text("RPUSH", "a", "1", "2")).toBe(":2\r\n");
    expect(await replies[0]).toBe(popped("a", "1"));
    expect(await replies[1]).toBe(popped("a", "2"));
    await waiting(client, 1);
    expect(await client.text("EXISTS", "a")).toBe(":0\r\n");
    await client.text("RPUSH", "a", "3");
    expect(await replies[2]).toBe(popped("a", "3"));
  });

  it("is served with whichever of its keys comes first", async () => {
    const [client, [reply]] = await startWaiting("BLPOP a b c 0");
    await client.text("RPUSH", "c", "1");
    expect(await reply).toBe(popped("c", "1"));
    expect(await client.text("DBSIZE")).toBe(":0\r\n");
  });

  it("is served by the key that comes first after its database was emptied", async () => {
    const [client, replies] = await startWaiting("BLPOP a 0", "BLPOP b a 0");
    const commands = ["MULTI", "FLUSHALL", "RPUSH b 1", "RPUSH a 2 3", "EXEC"];
    await client.runAll(commands.map((command) => command.split(" ")));
    expect(await replies[1]).toBe(popped("b", "1"));
    expect(await replies[0]).toBe(popped("a", "2"));
    expect(await client.text("LLEN", "a")).toBe(":1\r\n");
  });

  it("is served by whatever brings the key", async () => {
    const [client, replies] = await startWaiting(...Array.from({ length: 5 }, () => "BLPOP k 0"));
    const payload = await dumpOf(client);
    await client.text("RPUSH", "other", "1");
    await client.text("RENAME", "other", "k");
    expect(await replies[0]).toBe(popped("k", "1"));
    await client.text("RPUSH", "other", "2");
    expect(await client.text("COPY", "other", "k")).toBe(":1\r\n");
    expect(await replies[1]).toBe(popped("k", "2"));
    expect((await client.run("RESTORE", "k", "0", payload)).toString()).toBe("+OK\r\n");
    expect(await replies[2]).toBe(popped("k", "dumped"));
    await client.text("SELECT", "1");
    await client.text("RPUSH", "k", "4");
    await client.text("MOVE", "k", "0");
    expect(await replies[3]).toBe(popped("k", "4"));
    await client.text("RPUSH", "k", "5");
    await client.text("SWAPDB", "0", "1");
    expect(await replies[4]).toBe(popped("k", "5"));
  });

  it("takes elements from sorted sets, whatever fills them", async () => {
    const [client, replies] = await startWaiting(
      "BZPOPMIN none k 0",
      "BZPOPMAX k 0",
      "BZMPOP 0 2 none k MAX COUNT 9",
      "BZMPOP 0 1 k MIN",
      "BZPOPMIN k 0",
      "BLPOP k 0",
    );
    await client.text("ZADD", "k", "1", "a", "2", "b");
    expect(await replies[0]).toBe("*3\r\n$1\r\nk\r\n$1\r\na\r\n$1\r\n1\r\n");
    expect(await replies[1]).toBe("*3\r\n$1\r\nk\r\n$1\r\nb\r\n$1\r\n2\r\n");
    await client.text("ZADD", "k", "1", "a", "2", "b");
    const pairs = ["b", "2", "a", "1"].map((text) => `$1\r\n${text}\r\n`);
    expect(await replies[2]).toBe(
      `*2\r\n$1\r\nk\r\n*2\r\n*2\r\n${pairs[0]}${pairs[1]}*2\r\n${pairs[2]}${pairs[3]}`,
    );
    await client.text("SADD", "set", "c");
    expect(await client.text("ZUNIONSTORE", "k", "1", "set")).toBe(":1\r\n");
    expect(await replies[3]).toBe("*2\r\n$1\r\nk\r\n*1\r\n*2\r\n$1\r\nc\r\n$1\r\n1\r\n");
    await client.text("GEOADD", "k", "0", "0", "d");
    expect(await replies[4]).toBe("*3\r\n$1\r\nk\r\n$1\r\nd\r\n$16\r\n3377699720527872\r\n");
    // Whoever waits for a list is let be.
    await waiting(client, 1);
    expect(await client.text("DBSIZE")).toBe(":1\r\n");
  });

  it("is served with a key that is on disk", async () => {
    const client = await server.start("--cold-tier-spill-all", "yes");
    await client.text("SELECT", "1");
    await client.text("RPUSH", "k", "1");
    await expect.poll(() => infoOf(client, "cold_keys"), POLL).toBe("1");
    const [reply] = await wait(client, "BLPOP k 0");
    await client.text("SWAPDB", "0", "1");
    expect(await reply).toBe(popped("k", "1"));
    expect(await client.text("DBSIZE")).toBe(":0\r\n");
  });

  it("does not take what is of another type, nor what is gone before the command ends", async () => {
    const [client, [reply]] = await startWaiting("BLPOP k 0");
    await client.text("SET", "k", "text");
    await client.text("DEL", "k");
    await client.text("RPUSH", "other", "1");
    expect(await client.text("HSET", "k", "f", "v")).toBe(":1\r\n");
    await client.text("RENAME", "other", "k");
    expect(await reply).toBe(popped("k", "1"));
  });

  it("moves elements on, from list to list", async () => {
    const [client, replies] = await startWaiting("BLMOVE a b LEFT RIGHT 0", "BRPOPLPUSH b c 0", "BLPOP c 0");
    await client.text("RPUSH", "a", "x");
    expect(await replies[0]).toBe("$1\r\nx\r\n");
    expect(await replies[1]).toBe("$1\r\nx\r\n");
    expect(await replies[2]).toBe(popped("c", "x"));
    expect(await client.text("DBSIZE")).toBe(":0\r\n");
  });

  it("gets an error if the destination cannot take the element, which stays", async () => {
    const [client, [reply]] = await startWaiting("BLMOVE a b LEFT RIGHT 0");
    await client.text("SET", "b", "text");
    await client.text("RPUSH", "a", "x");
    expect(await reply).toMatch(/^-WRONGTYPE /);
    expect(await client.text("LLEN", "a")).toBe(":1\r\n");
  });
});

/** The payload of a list with one element. */
async function dumpOf(client: RawClient): Promise<Buffer> {
  await client.text("RPUSH", "source", "dumped");
  const reply = await client.run("DUMP", "source");
  await client.text("DEL", "source");
  return Buffer.from(reply.subarray(reply.indexOf("\n") + 1, -2));
}

describe("a wait ends", () => {
  it("with its time, which may be a fraction of a second", async () => {
    const client = await server.start();
    expect(await client.text("BLPOP", "k", "0.05")).toBe(NOTHING);
    expect(await client.text("BLMOVE", "k", "l", "LEFT", "LEFT", "0.01")).toBe(NOTHING);
    expect(await infoOf(client, "blocked_clients")).toBe("0");
  });

  it("with CLIENT UNBLOCK, as if its time were over or with an error", async () => {
    const client = await server.start();
    const other = await server.connect();
    const id = (await other.text("CLIENT", "ID")).slice(1, -2);
    for (const [reason, expected] of [
      [[], NOTHING],
      [["TIMEOUT"], NOTHING],
      [["ERROR"], "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"],
    ] as const) {
      const reply = other.text("BLPOP", "k", "0");
      await waiting(client, 1);
      expect(await client.text("CLIENT", "LIST")).toMatch(new RegExp(`^id=${id} .* flags=b `, "m"));
      expect(await client.text("CLIENT", "UNBLOCK", id, ...reason)).toBe(":1\r\n");
      expect(await reply).toBe(expected);
    }
    expect(await client.text("CLIENT", "UNBLOCK", id)).toBe(":0\r\n");
    expect(await client.text("CLIENT", "UNBLOCK", "999999")).toBe(":0\r\n");
    expect(await client.text("CLIENT", "UNBLOCK", id, "NOW")).toBe(
      "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n",
    );
  });

  it("with the connection, and the next in the queue is served", async () => {
    const client = await server.start();
    const gone = await server.connect();
    void gone.text("BLPOP", "k", "0");
    await waiting(client, 1);
    const [reply] = await wait(client, "BLPOP k 0");
    gone.close();
    await waiting(client, 1);
    await client.text("RPUSH", "k", "1");
    expect(await reply).toBe(popped("k", "1"));
  });

  it("at once for a client that had gone before it could begin to wait", async () => {
    const client = await server.start();
    await client.text("CLIENT", "PAUSE", "1000000", "WRITE");
    const gone = await server.connect();
    gone.write(encodeRequest(["BLPOP", "k", "0"]));
    await waiting(client, 1);
    gone.endSending();
    await client.text("CLIENT", "UNPAUSE");
    await expect.poll(() => infoOf(client, "connected_clients"), POLL).toBe("1");
    await client.text("RPUSH", "k", "1");
    expect(await client.text("LLEN", "k")).toBe(":1\r\n");
  });

  it("before what follows it in the pipeline is executed", async () => {
    const client = await server.start();
    const other = await server.connect();
    const replies = other.runAll([
      ["SET", "s", "1"],
      ["BLPOP", "k", "0"],
      ["INCR", "s"],
      ["BLPOP", "k", "0"],
      ["INCR", "s"],
    ]);
    await waiting(client, 1);
    expect(await client.text("GET", "s")).toBe("$1\r\n1\r\n");
    await client.text("RPUSH", "k", "a", "b");
    expect((await replies).map(String)).toEqual([
      "+OK\r\n",
      popped("k", "a"),
      ":2\r\n",
      popped("k", "b"),
      ":3\r\n",
    ]);
  });
});

it("a call that waits in vain is in no histogram, one that is served is", async () => {
  const client = await server.start();
  const histograms = () => client.text("LATENCY", "HISTOGRAM", "blpop", "xread", "wait");
  await client.text("CONFIG", "RESETSTAT");
  expect(await client.text("BLPOP", "k", "0.01")).toBe(NOTHING);
  expect(await client.text("XREAD", "BLOCK", "1", "STREAMS", "s", "$")).toBe(NOTHING);
  expect(await client.text("WAIT", "1", "1")).toBe(":0\r\n");
  expect(await histograms()).toBe("*0\r\n");
  const [reply] = await wait(client, "BLPOP k 0");
  await client.text("RPUSH", "k", "v");
  expect(await reply).toBe(popped("k", "v"));
  expect(await histograms()).toMatch(/^\*2\r\n\$5\r\nblpop\r\n[^]*:1\r\n$/);
  expect(await client.text("INFO", "commandstats")).toMatch(/cmdstat_blpop:calls=2,/);
});

it("what was taken by waiting clients stays taken after kill -9", async () => {
  const [client, replies] = await startWaiting("BLPOP k 0", "BLMOVE l m LEFT RIGHT 0");
  await client.text("CONFIG", "SET", "appendfsync", "always");
  await client.text("RPUSH", "k", "1", "2");
  await client.text("RPUSH", "l", "3");
  await Promise.all(replies);
  await server.server.kill();
  const again = await server.start();
  expect(await again.text("LRANGE", "k", "0", "-1")).toBe("*1\r\n$1\r\n2\r\n");
  expect(await again.text("EXISTS", "l")).toBe(":0\r\n");
  expect(await again.text("LRANGE", "m", "0", "-1")).toBe("*1\r\n$1\r\n3\r\n");
});

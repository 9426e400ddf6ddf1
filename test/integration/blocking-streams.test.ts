/**
 * Clients that wait for entries of streams, over real connections: who gets what, and what ends a wait.
 */
import { describe, expect, it } from "vitest";
import type { RawClient } from "../support/raw-client.ts";
import { infoOf, POLL, useServer } from "./server-fixture.ts";

const server = useServer();
const NOTHING = "*-1\r\n";
const GONE = "-UNBLOCKED the stream key no longer exists\r\n";

/** The reply of XREAD with entries of one stream, each with one field f. */
function entries(key: string, ...ids: string[]): string {
  const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
  const each = ids.map((id) => `*2\r\n${bulk(id)}*2\r\n${bulk("f")}${bulk("v")}`);
  return `*1\r\n*2\r\n${bulk(key)}*${ids.length}\r\n${each.join("")}`;
}

const add = (client: RawClient, key: string, id: string) => client.text("XADD", key, id, "f", "v");

/** Starts a server with a stream "s" of one entry, 1-1, and a group "g" that has read it. */
async function start(...args: string[]): Promise<RawClient> {
  const client = await server.start(...args);
  await add(client, "s", "1-1");
  await client.text("XGROUP", "CREATE", "s", "g", "$");
  return client;
}

/** Others that wait for what `commands` say, in that order. */
async function wait(client: RawClient, ...commands: string[]): Promise<Promise<string>[]> {
  const before = Number(await infoOf(client, "blocked_clients"));
  const replies: Promise<string>[] = [];
  for (const [i, command] of commands.entries()) {
    const other = await server.connect();
    replies.push(other.text(...command.split(" ")));
    await expect.poll(() => infoOf(client, "blocked_clients"), POLL).toBe(String(before + i + 1));
  }
  return replies;
}

describe("XREAD", () => {
  it("gives each who waits what is after its id", async () => {
    const client = await start();
    const replies = await wait(
      client,
      "XREAD BLOCK 0 STREAMS s $",
      "XREAD BLOCK 0 STREAMS none s other 0 5-5 0",
      "XREAD COUNT 1 BLOCK 0 STREAMS s s 1-1 9-9",
    );
    expect(await client.text("XADD", "s", "2-2", "f", "v")).toBe("$3\r\n2-2\r\n");
    expect(await replies[0]).toBe(entries("s", "2-2"));
    expect(await replies[2]).toBe(entries("s", "2-2"));
    expect(await infoOf(client, "blocked_clients")).toBe("1");
    await add(client, "s", "5-6");
    expect(await replies[1]).toBe(entries("s", "5-6"));
  });

  it("is served with a key that comes by other ways, in the form of its protocol", async () => {
    const client = await start();
    const other = await server.connect();
    await other.text("HELLO", "3");
    const reply = other.text("XREAD", "BLOCK", "0", "STREAMS", "new", "0");
    await expect.poll(() => infoOf(client, "blocked_clients"), POLL).toBe("1");
    await client.text("RENAME", "s", "new");
    expect(await reply).toBe(entries("new", "1-1").replace("*1\r\n*2\r\n", "%1\r\n"));
  });

  it("waits on when the stream is gone, and does not mind another type", async () => {
    const client = await start();
    const [reply] = await wait(client, "XREAD BLOCK 0 STREAMS s $");
    await client.text("DEL", "s");
    await client.text("SET", "s", "text");
    await client.text("DEL", "s");
    // Not after the id that "$" stood for.
    await add(client, "s", "1-0");
    expect(await infoOf(client, "blocked_clients")).toBe("1");
    await add(client, "s", "1-2");
    expect(await reply).toBe(entries("s", "1-2"));
  });

  it("ends with its time", async () => {
    const client = await start();
    expect(await client.text("XREAD", "BLOCK", "10", "STREAMS", "s", "none", "$", "0")).toBe(NOTHING);
    expect(await client.text("XREADGROUP", "GROUP", "g", "c", "BLOCK", "10", "STREAMS", "s", ">")).toBe(
      NOTHING,
    );
    expect(await client.text("XINFO", "CONSUMERS", "s", "g")).toBe("*0\r\n");
  });
});

describe("XREADGROUP", () => {
  it("gives each entry to one consumer, in the order of their coming", async () => {
    const client = await start();
    const read = (consumer: string) => `XREADGROUP GROUP g ${consumer} BLOCK 0 STREAMS s >`;
    const replies = await wait(client, read("a"), read("b"), `${read("c").replace("BLOCK", "NOACK BLOCK")}`);
    for (const [i, id] of ["2-2", "3-3", "4-4"].entries()) {
      await add(client, "s", id);
      expect(await replies[i]).toBe(entries("s", id));
      expect(await infoOf(client, "blocked_clients")).toBe(String(2 - i));
    }
    expect(await client.text("XPENDING", "s", "g")).toBe(
      "*4\r\n:2\r\n$3\r\n2-2\r\n$3\r\n3-3\r\n*2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$1\r\nb\r\n$1\r\n1\r\n",
    );
  });

  it.each([
    ["DEL s", GONE],
    ["SET s text", GONE],
    ["FLUSHALL", GONE],
    ["SWAPDB 0 1", GONE],
    ["PEXPIRE s -1", GONE],
    ["XGROUP DESTROY s g", "-NOGROUP the consumer group this client was blocked on no longer exists\r\n"],
    ["RENAME other s", "-NOGROUP the consumer group this client was blocked on no longer exists\r\n"],
  ])("ends with an error after %s", async (command, error) => {
    const client = await start();
    await add(client, "other", "9-9");
    const [group, plain] = await wait(
      client,
      "XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
      "XREAD BLOCK 0 STREAMS s 100-0",
    );
    await client.text(...command.split(" "));
    expect(await group).toBe(error);
    expect(await infoOf(client, "blocked_clients")).toBe("1");
    await client.text("DEL", "s");
    await add(client, "s", "100-1");
    expect(await plain).toBe(entries("s", "100-1"));
  });

  it("is served from a stream that has gone to disk", async () => {
    const client = await start("--cold-tier-spill-all", "yes");
    const [reply] = await wait(client, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
    await expect.poll(() => infoOf(client, "cold_keys"), POLL).toBe("1");
    await add(client, "s", "2-2");
    expect(await reply).toBe(entries("s", "2-2"));
  });
});

it("what was delivered to waiting consumers is pending after kill -9", async () => {
  const client = await start("--appendfsync", "always");
  const [reply] = await wait(client, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  await add(client, "s", "2-2");
  await reply;
  const [noAck] = await wait(client, "XREADGROUP GROUP g d BLOCK 0 NOACK STREAMS s >");
  await add(client, "s", "3-3");
  await noAck;
  // The ids that it chose are in the log too.
  await client.text("XADD", "s", "MAXLEN", "~", "100", "*", "f", "v");
  const all = await client.text("XRANGE", "s", "-", "+");
  expect(all.startsWith("*4")).toBe(true);
  const groups = await client.text("XINFO", "GROUPS", "s");
  const pending = await client.text("XPENDING", "s", "g");
  expect(pending).toContain(":1\r\n$3\r\n2-2\r\n");
  await server.server.kill();
  const again = await server.start();
  expect(await again.text("XINFO", "GROUPS", "s")).toBe(groups);
  expect(await again.text("XPENDING", "s", "g")).toBe(pending);
  expect(await again.text("XRANGE", "s", "-", "+")).toBe(all);
});

/**
 * The stream that replicas get, command by command beside the real Redis's: after the same random commands of all
 * types, transactions and scripts, both must have said the same. And the words of SYNC, PSYNC and REPLCONF.
 */
import { afterEach, describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import type { Argument } from "../support/command-harness.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { ReplicaLink } from "../support/replica-link.ts";
import { usualSeed } from "../support/seed.ts";
import { POLL, useServer } from "./server-fixture.ts";
import { nextCommand } from "./transaction-traffic.ts";

const fixture = useServer();
const STEPS = 4000;
const END = ["PUBLISH", "the end", "of it"];
/** Both clocks have their own milliseconds. */
const MOMENT = /\b1[789]\d{11}\b/g;
/** Named in docs/compatibility.md: what it repeats is otherwise than Redis's. */
const UNLIKE = /^(BITFIELD|SWAPDB|RESET|SHUTDOWN)/i;

describe.skipIf(!hasRedisServer)("beside the real Redis (skipped where redis-server is missing)", () => {
  let redis: RedisServer | undefined;
  let links: ReplicaLink[] = [];
  let clients: RawClient[] = [];

  afterEach(async () => {
    for (const each of [...links, ...clients]) each.close();
    links = [];
    clients = [];
    await redis?.stop();
    redis = undefined;
  });

  /** Ports of both, the real one first. */
  async function startBoth(): Promise<readonly number[]> {
    await fixture.start("--save", "");
    redis = await startRedisServer([], fixture.folder);
    return [redis.port, fixture.server.port];
  }

  async function connect(port: number): Promise<RawClient> {
    const client = await RawClient.connect(port);
    clients.push(client);
    return client;
  }

  async function attach(port: number): Promise<ReplicaLink> {
    const link = await ReplicaLink.attach(port);
    links.push(link);
    return link;
  }

  test("random commands of all types are repeated alike", async () => {
    const random = new SeededRandom(usualSeed());
    const steps: Argument[][] = [];
    for (let inTransaction = false; steps.length < STEPS; ) {
      const command = nextCommand(random);
      if (UNLIKE.test(command[0])) continue;
      const kind = random.below(20);
      if (kind === 0) {
        steps.push([inTransaction ? "EXEC" : "MULTI"]);
        inTransaction = !inTransaction;
      } else if (kind === 1) {
        steps.push(["EVAL", "return redis.pcall(unpack(ARGV))", 0, ...command]);
      } else steps.push(command);
    }
    const streams = [];
    for (const port of await startBoth()) {
      const client = await connect(port);
      const link = await attach(port);
      for (let i = 0; i < steps.length; i += 100) await client.runAll(steps.slice(i, i + 100));
      await client.run("DISCARD");
      await client.run(...END);
      streams.push((await link.commandsUntil(...END)).map((command) => withoutTimes(command.join(" "))));
    }
    const [expected, actual] = streams;
    const place = expected.findIndex((command, i) => command !== actual[i]);
    const around = (stream: readonly string[]) => stream.slice(Math.max(0, place - 5), place + 3);
    expect(place === -1 ? [] : around(actual)).toEqual(place === -1 ? [] : around(expected));
    expect(actual.length).toBe(expected.length);
    expect(actual.length).toBeGreaterThan(STEPS / 8);
  });

  test("messages, expiry, eviction of nothing, and what changes nothing", async () => {
    const steps: Argument[][] = [
      ["GET", "nothing"],
      ["DEL", "nothing"],
      ["PUBLISH", "a", "b"],
      ["SPUBLISH", "c", "d"],
      ["SELECT", 3],
      ["SET", "short", "x", "PX", 1],
      ["SET", "other", "x"],
      ["MULTI"],
      ["PUBLISH", "a", "b"],
      ["EXEC"],
      ["MULTI"],
      ["PUBLISH", "a", "b"],
      ["INCR", "n"],
      ["EXEC"],
      ["EVAL", "redis.call('publish', 'a', 'b') redis.call('set', 'c', 1) return 1", 0],
      ["EVAL", "redis.set_repl(redis.REPL_AOF) redis.call('set', 'd', 1)", 0],
      ["EVAL", "redis.set_repl(redis.REPL_REPLICA) redis.call('set', 'e', 1)", 0],
      [
        "EVAL",
        "redis.set_repl(redis.REPL_NONE) redis.call('set', 'f', 1) redis.call('publish', 'a', 'b')",
        0,
      ],
      [
        "FUNCTION",
        "LOAD",
        "#!lua name=l\nredis.register_function('f', function() return redis.call('incr', 'n') end)",
      ],
      ["FCALL", "f", 0],
      ["FUNCTION", "FLUSH"],
      ["SCRIPT", "LOAD", "return 1"],
      ["SCRIPT", "FLUSH"],
      ["SWAPDB", 3, 4],
      ["FLUSHALL"],
    ];
    const streams: string[][] = [];
    for (const port of await startBoth()) {
      const client = await connect(port);
      const link = await attach(port);
      await client.runAll(steps.slice(0, 7));
      // Active expiry of both, whenever it comes.
      await expect.poll(() => client.text("DBSIZE"), POLL).toBe(":1\r\n");
      await client.runAll(steps.slice(7));
      await client.run(...END);
      streams.push((await link.commandsUntil(...END)).map((command) => withoutTimes(command.join(" "))));
    }
    expect(streams[1]).toEqual(streams[0]);
    expect(streams[1]).toContain("DEL short");
  });

  test("REPLCONF and PSYNC answer alike before there is a replica", async () => {
    const requests: Argument[][] = [
      ["REPLCONF"],
      ["REPLCONF", "capa"],
      ["REPLCONF", "capa", "eof", "capa", "psync2", "capa", "later"],
      ["REPLCONF", "listening-port", "x"],
      ["REPLCONF", "listening-port", "1234", "ip-address", "10.0.0.1"],
      ["REPLCONF", "ip-address", "a".repeat(255)],
      ["REPLCONF", "ip-address", "a".repeat(256)],
      ["REPLCONF", "rdb-only", "2"],
      ["REPLCONF", "rdb-only", "x"],
      ["REPLCONF", "rdb-only", "1", "RDB-ONLY", "0"],
      ["REPLCONF", "rdb-filter-only", "functions data"],
      ["REPLCONF", "rdb-filter-only", '"unbalanced'],
      ["REPLCONF", "nothing", "x"],
      ["SYNC", "x"],
      ["PSYNC", "?"],
      ["PSYNC", "?", "x"],
      ["PSYNC", "?", "-1", "FAILOVER"],
      ["PING"],
    ];
    const replies: string[][] = [];
    for (const port of await startBoth()) {
      const client = await connect(port);
      const answers = [];
      // One by one: SYNC needs a connection with nothing on its way.
      for (const request of requests) answers.push(await client.text(...request));
      answers.push(
        ...(
          await client.runAll([
            ["MULTI"],
            ["SYNC"],
            ["PSYNC", "?", "-1"],
            ["REPLCONF", "capa", "eof"],
            ["EXEC"],
          ])
        ).map(String),
      );
      answers.push(await client.text("EVAL", "return redis.pcall('sync')", 0));
      answers.push(await client.text("REPLCONF", "rdb-filter-only", ""));
      replies.push(answers);
      const filtered = await connect(port);
      answers.push(
        await filtered.text("REPLCONF", "rdb-filter-only", "functions"),
        await filtered.text("SYNC"),
      );
      const piped = await connect(port);
      answers.push((await piped.runAll([["PING"], ["SYNC"], ["PING"]])).join(""));
    }
    expect(replies[1]).toEqual(replies[0]);
  });

  test.each([
    ["a command that reads", "GET", "key"],
    ["one that writes", "SET", "key", "value"],
    ["one that is answered", "PING"],
    ["one that is none", "NOTHING"],
  ])("a replica that sends %s is disconnected", async (_what, ...request) => {
    for (const port of await startBoth()) {
      const link = await attach(port);
      link.send("REPLCONF", "GETACK", "*");
      link.send("SYNC");
      link.send("MONITOR");
      link.send(...request);
      await link.ended();
    }
  });

  test("a replica is shown as one", async () => {
    const shown: string[][] = [];
    for (const port of await startBoth()) {
      const client = await connect(port);
      const link = await ReplicaLink.connect(port);
      links.push(link);
      link.send("REPLCONF", "listening-port", 7777, "ip-address", "10.1.2.3", "capa", "psync2");
      await link.line();
      const { line, snapshot } = await link.sync("PSYNC", "?", -1);
      expect(line).toMatch(/^\+FULLRESYNC [0-9a-f]{40} 0$/);
      expect(snapshot!.toString("latin1", 0, 9)).toBe("REDIS0010");
      await expect.poll(() => client.text("INFO", "replication"), POLL).toContain("state=online");
      await client.run("SET", "a", "1");
      const [, offset] = /:(\d+)/.exec((await client.text("ROLE")).slice(15))!;
      link.send("REPLCONF", "ACK", offset, "FACK", 5);
      await expect.poll(() => client.text("ROLE"), POLL).toContain(`\r\n${offset}\r\n`);
      const info = await client.text("INFO", "replication");
      const list = await client.text("CLIENT", "LIST", "TYPE", "SLAVE");
      shown.push([
        await client.text("ROLE"),
        info.replace(/master_replid:.*/, ""),
        list.replace(/^[^]*?(?=flags=)/, "").replace(/ db=[^]*? cmd=/, " cmd="),
        (await client.text("CLIENT", "LIST", "TYPE", "NORMAL")).replace(/[^]*flags=(\w).*\n[^]*/, "$1"),
        await client.text("WAIT", 1, 0),
        await client.text("CLIENT", "KILL", "TYPE", "replica"),
      ]);
      await link.ended();
      await expect.poll(() => client.text("ROLE"), POLL).toContain("*0");
    }
    expect(shown[1].map(ownFields)).toEqual(shown[0].map(ownFields));
  });
});

/** Without what the real one does not have, or has otherwise: lib-name, and the user's name behind the command. */
function ownFields(text: string): string {
  return text
    .replace(/ user=[^]*/, "")
    .replace(/repl_backlog_size:.*/, "")
    .replace(/lag=\d/, "lag=n");
}

function withoutTimes(text: string): string {
  return text.replace(MOMENT, "(time)");
}

/**
 * The debugger of scripts on the real Redis and on tsredis: what sessions say, byte for byte (but for addresses), what
 * they leave behind, and what others see meanwhile.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DebugClient, debugTranscript } from "../support/debug-session.ts";
import { encodeRequest, RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { PRIVATE_SCENARIO, SCENARIOS } from "./debug-scenarios.ts";

describe.skipIf(!hasRedisServer)("sessions of the debugger as the real Redis's", () => {
  let folder: string;
  let redis: RedisServer;
  let own: ServerProcess;

  beforeAll(async () => {
    folder = temporaryFolder();
    redis = await startRedisServer([], folder);
    const data = join(folder, "data");
    mkdirSync(data);
    own = await startServerProcess(data, ["--save", ""]);
  });

  afterAll(async () => {
    await redis.stop();
    await own.stop();
    removeFolder(folder);
  });

  /** Does the same with both, and expects the same of it. */
  async function compare<T>(body: (port: number) => Promise<T>): Promise<T> {
    const [expected, actual] = [await body(redis.port), await body(own.port)];
    expect(actual).toEqual(expected);
    return actual;
  }

  async function withClient<T>(port: number, body: (client: RawClient) => Promise<T>): Promise<T> {
    const client = await RawClient.connect(port);
    return body(client).finally(() => client.close());
  }

  it.each(Object.entries(SCENARIOS))("%s", async (_name, scenario) => {
    const transcript = await compare((port) => debugTranscript(port, scenario));
    expect(transcript.at(-1)).toContain("<endsession>");
    await compare((port) => debugTranscript(port, { ...scenario, mode: "yes" }));
    await compare((port) => withClient(port, (client) => client.text("MGET", "k1", "b", "c", "k", "x")));
  });

  it("a script with private changes, while others go on", async () => {
    await compare(async (port) => {
      const seen: string[] = [];
      const [other, watcher, waiting, subscriber] = await Promise.all(
        [0, 1, 2, 3].map(() => RawClient.connect(port)),
      );
      const say = async (...words: string[]) => void seen.push(await other.text(...words));
      const look = async () => {
        for (const question of [
          "GET k",
          "LRANGE l 0 -1",
          "GET gone",
          "EXISTS new waited l2 sorted hll",
          "HGET big f1",
        ])
          await say(...question.split(" "));
        for (const question of ["OBJECT ENCODING big", "DBSIZE", "RANDOMKEY"])
          await other.run(...question.split(" "));
        await say("DBSIZE");
      };
      await say("FLUSHALL");
      await say("MSET", "k", "1", "gone", "1");
      await say("RPUSH", "l", "a", "b", "c");
      await say("SET", "vol", "x", "PX", "1000000");
      await say("HSET", "big", ...Array.from({ length: 600 }, (_, i) => `f${i}`));
      await watcher.run("WATCH", "k", "l", "new", "gone");
      await other.run("CONFIG", "SET", "notify-keyspace-events", "KEA");
      await subscriber.runAll([["PSUBSCRIBE", "*"]]);
      waiting.write(encodeRequest(["BLPOP", "waited", "0"]));
      await other.run("CLIENT", "LIST");
      const session = await DebugClient.connect(port);
      await session.begin(PRIVATE_SCENARIO);
      for (const [i, command] of PRIVATE_SCENARIO.commands.entries()) {
        await session.command(command);
        if (i % 6 === 5) await look();
        if (i === 8) {
          seen.push(await watcher.text("MULTI"), await watcher.text("EXEC"));
          await say("SET", "k", "other");
          await say("LPUSH", "l", "z");
          await say("INCR", "counter");
          await say("EVAL", "return redis.call('incr','counter')", "0");
        }
      }
      expect(session.isOver).toBe(true);
      await look();
      await say("RPUSH", "waited", "real");
      seen.push((await waiting.readReplies(1)).join(""));
      await other.run("CONFIG", "SET", "notify-keyspace-events", "");
      const events = await subscriber.collect();
      for (const client of [other, watcher, waiting, subscriber, session.client]) client.close();
      return {
        log: session.log,
        seen,
        events: events.map(String).filter((event) => !event.includes("client")),
      };
    });
  });

  it("what is no session", async () => {
    const sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
    const requests = [
      [["EVALSHA", sha, "0"], ["PING"]],
      [["EVALSHA", "x", "0"], ["PING"]],
      [["EVALSHA_RO", sha, "0"], ["PING"]],
      [["FCALL", "nosuch", "0"], ["PING"]],
      [["EVAL"], ["PING"]],
      [["SCRIPT", "DEBUG", "MAYBE"], ["PING"]],
      [["SCRIPT", "DEBUG"], ["PING"]],
      [["SCRIPT", "DEBUG", "YES", "x"], ["PING"]],
      [
        ["SCRIPT", "DEBUG", "NO"],
        ["EVAL", "return redis.breakpoint()", "0"],
        ["EVAL", "return redis.debug(1)", "0"],
      ],
      [["MULTI"], ["SCRIPT", "DEBUG", "YES"], ["EXEC"]],
    ];
    for (const [i, part] of requests.entries()) {
      await compare(async (port) =>
        withClient(port, async (client) => {
          const replies = [await client.text("SCRIPT", "DEBUG", "SYNC")];
          for (const request of part) replies.push(await client.text(...request));
          return [i, replies];
        }),
      );
    }
  });

  it("requests that fail before their script begins", async () => {
    const requests = [
      ["EVAL", "return 1", "x"],
      ["EVAL", "return 1", "5"],
      ["EVAL", "return 1", "-1"],
      ["EVAL", "#!lua flags=nosuch\nreturn 1", "0"],
      ["EVAL_RO", "#!lua\nreturn 1", "0"],
    ];
    for (const request of requests) {
      await compare(async (port) =>
        withClient(port, async (client) => {
          await client.run("SCRIPT", "DEBUG", "SYNC");
          client.write(encodeRequest(request));
          return (await client.readToEnd()).toString();
        }),
      );
    }
  });

  it("SCRIPT DEBUG within a pipeline, behind RESET, and YES behind SYNC", async () => {
    await compare(async (port) =>
      withClient(port, async (client) => {
        const piped = await client.runAll([["PING"], ["SCRIPT", "DEBUG", "SYNC"]]);
        await client.run("SCRIPT", "DEBUG", "SYNC");
        await client.run("SCRIPT", "DEBUG", "YES");
        await client.run("RESET");
        client.write(encodeRequest(["EVAL", "return redis.call('incr','counted')", "0"]));
        const [stopped] = await client.readReplies(1);
        client.write(encodeRequest(["c"]));
        const rest = await client.readToEnd();
        return [...piped, stopped, rest].join("");
      }),
    );
    await compare((port) => withClient(port, (client) => client.text("GET", "counted")));
  });

  it("a script that only reads, and an endless one", async () => {
    await compare(async (port) =>
      withClient(port, async (client) => {
        await client.run("SCRIPT", "DEBUG", "SYNC");
        client.write(encodeRequest(["EVAL_RO", "redis.call('set','a','b')", "0"]));
        const [stopped] = await client.readReplies(1);
        client.write(encodeRequest(["s"]));
        return stopped.toString() + (await client.readToEnd()).toString();
      }),
    );
    await compare(async (port) => {
      await withClient(port, (client) => client.run("CONFIG", "SET", "busy-reply-threshold", "100"));
      return debugTranscript(port, {
        script: "while true do\nend",
        commands: ["c", "s", "c", "p", "c", "a"],
      });
    });
    await compare((port) => debugTranscript(port, { script: "while true do\nend", commands: ["b 0"] }));
  });

  it("no replies are wanted", async () => {
    await compare(async (port) =>
      withClient(port, async (client) => {
        await client.run("SCRIPT", "DEBUG", "SYNC");
        client.write(encodeRequest(["CLIENT", "REPLY", "OFF"]));
        client.write(encodeRequest(["EVAL", "return 1", "0"]));
        const [stopped] = await client.readReplies(1);
        client.write(encodeRequest(["c"]));
        const [ended] = await client.readReplies(1);
        return stopped.toString() + ended.toString();
      }),
    );
  });

  it.each(["--ldb", "--ldb-sync-mode"])("redis-cli %s", async (option) => {
    const script = join(folder, "script.lua");
    writeFileSync(
      script,
      'local a = {1,2}\nredis.call("set",KEYS[1],ARGV[1])\nreturn {a,redis.call("get",KEYS[1])}\n',
    );
    await compare(async (port) => {
      const { stdout, stderr, status } = spawnSync(
        "redis-cli",
        ["-p", String(port), option, "--eval", script, "key", ",", "value"],
        { input: "s\np\ns\np a\nlist\nb 3\nrestart\nc\nnext\nnext\nquit\n", encoding: "latin1" },
      );
      const left = await withClient(port, (client) => client.text("GETDEL", "key"));
      return { stdout, stderr, status, left };
    });
  });
});

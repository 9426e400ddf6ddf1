/**
 * Everything that CONFIG GET, CONFIG SET and a wrong configuration file say, compared with a stock redis-server.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { globMatch } from "../../../src/base/glob.ts";
import { Config } from "../../../src/server/config/config.ts";
import { ConfigError, ConfigSetError } from "../../../src/server/config/config-error.ts";
import { loadConfig } from "../../../src/server/config/parser.ts";
import type { Setting } from "../../../src/server/config/setting.ts";
import { type SettingName, settingNames, settings } from "../../../src/server/config/settings.ts";
import {
  connectRedis,
  hasRedisServer,
  type RedisServer,
  startPlainRedisServer,
} from "../../support/redis-server.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder();
afterAll(() => removeFolder(folder));

const OURS_ONLY = [
  "cold-tier",
  "cold-tier-cache-size",
  "cold-tier-compression",
  "cold-tier-spill-all",
  "save-max-bytes-per-second",
  "scrub-bytes-per-second",
];
/** Where the default differs on purpose, or by how the servers are started here. */
const OTHER_DEFAULT = [
  "appendonly",
  "aof-timestamp-enabled",
  "auto-aof-rewrite-percentage",
  "maxmemory",
  "dir",
  "port",
  "bind",
];
/** Setting these opens or closes something, or depends on the machine: their parsing has tests of its own. */
const WITH_EFFECTS =
  /^(port|bind|tls-.*|appendonly|dir|maxclients|requirepass|oom-score-adj.*|watchdog-period|proc-title-template)$/;

function configOf(argv: readonly string[]): Config {
  const loaded = loadConfig(argv);
  if (loaded.kind !== "run") throw new Error(`unexpected ${loaded.kind}`);
  return loaded.config;
}

/** Texts that Redis makes something else of, and that are refused here. */
function isReadOtherwise(name: SettingName, value: string): boolean {
  // An empty number of changes counts as 0 there.
  if (name === "save") return value === "5 ";
  if (name === "latency-tracking-info-percentiles") return value === "0x5";
  // Negative after wrapping around, and therefore a percentage.
  return name === "maxmemory-clients" && value === "9223372036854775808";
}

function pairsOf(flat: unknown): Record<string, string> {
  const list = flat as string[];
  return Object.fromEntries(
    list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] as string]] : [])),
  );
}

function ourReply(config: Config, pairs: [string, string][]): string {
  try {
    config.set(pairs);
    return "OK";
  } catch (error) {
    if (error instanceof ConfigSetError) return error.message;
    throw error;
  }
}

function ourGet(config: Config, ...patterns: string[]): Record<string, string> {
  return Object.fromEntries(config.get(patterns).map(([name, text]) => [name, text.toString()]));
}

/** The real server's reply, or its error's text. */
async function ask(client: Redis, command: string, ...args: (string | Buffer)[]): Promise<unknown> {
  try {
    return await client.call(command, ...args);
  } catch (error) {
    return (error as Error).message;
  }
}

describe.skipIf(!hasRedisServer)("compared with redis-server", () => {
  let server: RedisServer;
  let real: Redis;
  let config: Config;

  beforeAll(async () => {
    const argv = ["--bind", "127.0.0.1", "--maxmemory", "1gb", "--dir", folder];
    server = await startPlainRedisServer(argv, folder);
    real = await connectRedis(server.port);
    // Limits on client memory, which are tried too, must not close this connection.
    await ask(real, "CLIENT", "NO-EVICT", "ON");
    config = configOf(argv);
  });
  afterAll(async () => {
    real.disconnect();
    await server.kill();
  });

  async function compareSet(...flat: string[]): Promise<void> {
    const pairs = flat.flatMap((name, at): [string, string][] =>
      at % 2 === 0 ? [[name, flat[at + 1] as string]] : [],
    );
    expect(ourReply(config, pairs), flat.join(" ")).toBe(await ask(real, "CONFIG", "SET", ...flat));
    for (const [name] of pairs) {
      expect(ourGet(config, name), flat.join(" ")).toEqual(pairsOf(await ask(real, "CONFIG", "GET", name)));
    }
  }

  it("has the same directives with the same defaults", async () => {
    const theirs = pairsOf(await ask(real, "CONFIG", "GET", "*"));
    const ours = ourGet(new Config(), "*");
    for (const name of OURS_ONLY) {
      expect(ours, name).toHaveProperty([name]);
      delete ours[name];
    }
    for (const name of OTHER_DEFAULT) {
      expect(theirs, name).toHaveProperty([name]);
      delete ours[name];
      delete theirs[name];
    }
    expect(ours).toEqual(theirs);
    expect(Object.keys(ours).length).toBeGreaterThan(180);
  });

  const shared = settingNames.filter((name) => !OURS_ONLY.includes(name) && !WITH_EFFECTS.test(name));
  const tried = [
    "yes",
    "NO",
    "0",
    "1",
    "-1",
    "7",
    "05",
    "+5",
    " 5",
    "5 ",
    "0x5",
    "100",
    "1k",
    "1Kb",
    "3gb",
    "1x",
    "10%",
    "0%",
    "101%",
  ];
  const more = [
    "-2147483649",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "a b",
    "a/b",
    "é",
  ];

  it.each(shared)("answers CONFIG SET %s alike", async (name) => {
    const setting: Setting<unknown> = settings[name as SettingName];
    const initial = config.text(name);
    if (OTHER_DEFAULT.includes(name)) await ask(real, "CONFIG", "SET", name, initial);
    const words = setting.kind.startsWith("word")
      ? ["", ...(setting.range ?? "").toUpperCase().split(", ")]
      : [];
    for (const value of [...tried, ...more, ...words]) {
      if (!isReadOtherwise(name, value)) await compareSet(name, value);
    }
    if (setting.immutable !== true && setting.protected !== true) await compareSet(name, initial);
  });

  it.each([
    ["foo", "1"],
    ["hz", "x", "Foo", "1"],
    ["Timeout", "5", "FOO", "1"],
    ["timeout", "5", "TIMEOUT", "6"],
    ["slave-priority", "5", "replica-priority", "6"],
    ["replica-priority", "5", "slave-priority", "6"],
    ["Slave-Priority", "x"],
    ["tcp-keepalive", "9", "maxmemory", "x"],
    ["hz", "1000"],
    ["hz", "0"],
    ["save", "900 1 300 10"],
    ["save", "900 1  300 10"],
    ["save", "900"],
    ["save", "0 1"],
    ["save", "1 -1"],
    ["save", ""],
    ["client-output-buffer-limit", "normal 0 0"],
    ["client-output-buffer-limit", "master 0 0 0"],
    ["client-output-buffer-limit", "replica 1mb 0 x"],
    ["client-output-buffer-limit", "replica 1mb 0 -1"],
    ["client-output-buffer-limit", "replica 1mb 0 2147483647"],
    ["client-output-buffer-limit", "replica 1mb 0 2147483648"],
    ["client-output-buffer-limit", "Slave 1mb 2k 5 PUBSUB 1 2 3"],
    ["client-output-buffer-limit", "pubsub 1x 2 3"],
    ["client-output-buffer-limit", ""],
    ["notify-keyspace-events", "KEA"],
    ["notify-keyspace-events", "nKm$lA"],
    ["notify-keyspace-events", "xngE"],
    ["notify-keyspace-events", "Kq"],
    ["notify-keyspace-events", "g$lshzxetd"],
    ["notify-keyspace-events", ""],
    ["shutdown-on-sigint", "save nosave"],
    ["shutdown-on-sigint", "FORCE default save"],
    ["shutdown-on-sigint", "default"],
    ["latency-tracking-info-percentiles", "50 99.123456789 1e1 .5"],
    ["latency-tracking-info-percentiles", "50 101"],
    ["latency-tracking-info-percentiles", ""],
    ["cluster-announce-hostname", "a_b"],
    ["cluster-announce-hostname", "a-b.c"],
    ["cluster-announce-hostname", "x".repeat(256)],
    ["masterauth", "a\nb"],
    ["maxmemory-clients", "50%"],
    ["maxmemory", "18446744073709551615"],
    ["dir", "/"],
    ["dbfilename", "x.rdb"],
    ["replicaof", "a 1"],
    ["bind", Array.from({ length: 17 }, () => "127.0.0.1").join(" ")],
  ])("answers CONFIG SET %s %s alike", async (...pairs) => {
    await compareSet(...pairs);
  });

  it.each([
    ["Timeout", "time*"],
    ["time*", "TIMEOUT"],
    ["*slave*"],
    ["[r-s]ave"],
    ["SA?E", "save"],
    ["key-load-*"],
    [""],
    ["x", "*"],
  ])("answers CONFIG GET %s alike", async (...patterns) => {
    const names = (reply: Record<string, string>): string[] =>
      Object.keys(reply)
        .filter((name) => !OURS_ONLY.includes(name))
        .sort();
    expect(names(ourGet(config, ...patterns))).toEqual(
      names(pairsOf(await ask(real, "CONFIG", "GET", ...patterns))),
    );
  });

  it("matches glob patterns alike", async () => {
    const pick = generator(7);
    const alphabet = Buffer.from("aab[]-^\\*?\xff\x80A", "latin1");
    const word = (length: number): Buffer =>
      Buffer.from(Array.from({ length }, () => alphabet[pick(alphabet.length)] as number));
    const texts = new Map(
      Array.from({ length: 300 }, () => word(1 + pick(5))).map((text) => [text.toString("hex"), text]),
    );
    await ask(real, "SADD", "texts", ...texts.values());
    for (let round = 0; round < 1500; round++) {
      const pattern = word(1 + pick(7));
      const [, found] = (await real.callBuffer(
        "SSCAN",
        "texts",
        "0",
        "MATCH",
        pattern,
        "COUNT",
        "100000",
      )) as [Buffer, Buffer[]];
      const ours = [...texts.values()].filter((text) => globMatch(pattern, text));
      const hex = (list: Buffer[]): string[] => list.map((text) => text.toString("hex")).sort();
      expect(hex(ours), pattern.toString("latin1")).toEqual(hex(found));
    }
  });
});

/** A small repeatable generator of whole numbers below a bound. */
function generator(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % bound;
  };
}

describe.skipIf(!hasRedisServer)("start-up compared with redis-server", () => {
  function ourError(argv: string[]): string {
    try {
      loadConfig(argv, () => Buffer.alloc(0));
    } catch (error) {
      if (error instanceof ConfigError) return error.report("7.0.15");
      throw error;
    }
    return "";
  }

  function compareError(argv: string[]): void {
    const { status, stderr } = spawnSync("redis-server", argv, {
      cwd: folder,
      encoding: "utf8",
      input: "",
      timeout: 20_000,
    });
    expect(status, argv.join(" ")).toBe(1);
    const ours = ourError(argv)
      .replace("(tsredis ", "(Redis ")
      .replace(/^\(from .*\n/m, "");
    expect(ours).toBe(stderr);
  }

  it.each([
    "port",
    "port 1 2",
    "PORT  abc  ",
    "\n# x\n\n\tport 70000\r\n",
    "nothing here",
    'logfile "a',
    'logfile "a"b',
    "logfile 'a'b",
    "save 900",
    "save a b",
    'save "900 1 300"',
    "appendonly maybe",
    "maxmemory 5x",
    "maxmemory-policy lru",
    "dbfilename a/b",
    'appendfilename ""',
    "appenddirname a/b",
    "dir /etc/passwd",
    "dir a b",
    "oom-score-adj-values 1 2",
    "oom-score-adj-values 1 2 3000",
    "unixsocketperm 999",
    "unixsocketperm 1777",
    "client-output-buffer-limit normal 1 2",
    "replicaof a",
    "replicaof a 99999",
    "slaveof no 1x",
    "list-max-ziplist-entries",
    "include",
    "rename-command a",
    "sentinel monitor x",
    "shutdown-on-sigterm save nosave",
    "logfile /dev/null/log",
    "cluster-enabled yes\nreplicaof 127.0.0.1 1",
  ])("reports %j alike", (text) => {
    const file = join(folder, "bad.conf");
    writeFileSync(file, text);
    compareError([file]);
  });

  it.each([
    [["--port", "abc"]],
    [["--port"]],
    [["--port", "--timeout", "5"]],
    [["--foo", "a b", 'c"d']],
    [["--port", "1", "--hz 5", "--timeout", "x"]],
    [["-", "--port", "x"]],
  ])("reports the arguments %j alike", (argv) => {
    compareError(argv);
  });

  it("counts lines of options after those of the file", () => {
    const file = join(folder, "good.conf");
    writeFileSync(file, "port 7\n\nhz 5\n");
    compareError([file, "--timeout", "x"]);
    compareError([file, "--hz", "7", "--timeout", "x"]);
  });

  it.each([
    [["--save", "900", "1", "--save", "300", "10"]],
    [["--save", "900 1 300 10"]],
    [["--save"]],
    [["--save", "--hz", "20"]],
    [["--save", ""]],
    [["--hz 20", "--timeout", "7", "--masterauth", "--x"]],
    [["--MAXMEMORY", "2Gb", "--client-output-buffer-limit", "pubsub 1 2 3"]],
    [["--masterauth", 'a "b" \\ \t c\'', "--shutdown-on-sigterm", "save", "now"]],
    [["--hz", "9999", "--oom-score-adj", "no", "--latency-tracking-info-percentiles", "1 2"]],
  ])("understands %j alike", async (argv) => {
    const names = [
      "save",
      "hz",
      "timeout",
      "masterauth",
      "client-output-buffer-limit",
      "shutdown-on-sigterm",
    ];
    const patterns = [...names, "latency-tracking-info-percentiles"];
    const server = await startPlainRedisServer(argv, folder);
    const real = await connectRedis(server.port);
    try {
      expect(ourGet(configOf(argv), ...patterns)).toEqual(
        pairsOf(await ask(real, "CONFIG", "GET", ...patterns)),
      );
    } finally {
      real.disconnect();
      await server.kill();
    }
  });
});

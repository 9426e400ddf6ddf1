/**
 * Keyspace notifications of the real Redis and of tsredis: both execute the same random commands on values of all
 * types, some within transactions and scripts; a subscriber of each must get the same events in the same order.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Random, SeededRandom } from "../../src/base/random.ts";
import { BitmapCommandGenerator } from "../commands/bitmaps/generator.ts";
import { GeoCommandGenerator } from "../commands/geo/generator.ts";
import { HashCommandGenerator } from "../commands/hashes/generator.ts";
import { HyperLogLogCommandGenerator } from "../commands/hyperloglog/generator.ts";
import { KeyCommandGenerator } from "../commands/keys/generator.ts";
import { ListCommandGenerator } from "../commands/lists/generator.ts";
import { SetCommandGenerator } from "../commands/sets/generator.ts";
import { SortedSetCommandGenerator } from "../commands/sorted-sets/generator.ts";
import { StreamCommandGenerator } from "../commands/streams/generator.ts";
import { StringCommandGenerator } from "../commands/strings/generator.ts";
import type { Argument } from "../support/command-harness.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { usualSeed } from "../support/seed.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { POLL } from "./server-fixture.ts";

const STEPS = Number(process.env["NOTIFICATION_STEPS"] ?? 600);
const FIRST_SEED = Number(process.env["NOTIFICATION_SEED"] ?? usualSeed());
const SHOWN = 8;
const WAITS = /^(b[lrz]|wait)/i;
const SELECTS = /^(select|swapdb|flushall|flushdb|multi|exec)$/i;
/** Keys that other commands must leave alone: what stock Redis makes of damaged HyperLogLogs, and what chance does to
 * sets with several members. */
const OWN_KEYS = /^(hll:|set:(single|rare))/;

type Command = Argument[];

interface Generator {
  readonly keys: readonly string[];
  next(): Command;
}

class Commands {
  private readonly random: Random;
  private readonly generators: readonly (readonly [name: string, generator: Generator])[];
  private readonly keyCommands: KeyCommandGenerator;
  private readonly keys: readonly string[];

  constructor(random: Random) {
    this.random = random;
    this.generators = [
      ["string", new StringCommandGenerator(random)],
      ["bitmap", new BitmapCommandGenerator(random, { limitBits: 20_000 })],
      ["hll", new HyperLogLogCommandGenerator(random)],
      ["list", new ListCommandGenerator(random)],
      ["set", new SetCommandGenerator(random, { range: 12 })],
      ["hash", new HashCommandGenerator(random, { fields: 12, maxListpackValue: 64 })],
      ["zset", new SortedSetCommandGenerator(random, { isSmall: true })],
      ["geo", new GeoCommandGenerator(random)],
      ["stream", new StreamCommandGenerator(random)],
    ];
    this.keyCommands = new KeyCommandGenerator(random, true);
    const all = this.generators.flatMap(([name, { keys }]) => keys.map((key) => `${name}:${key}`));
    this.keys = all.filter((key) => !OWN_KEYS.test(key));
  }

  next(): Command {
    for (;;) {
      const command = this.any();
      const name = String(command[0]);
      const mayWait = WAITS.test(name) || command.some((argument) => /^block$/i.test(String(argument)));
      if (!mayWait && !SELECTS.test(name)) return command;
    }
  }

  private any(): Command {
    const { random } = this;
    if (random.below(5) === 0) {
      const { keys } = this.keyCommands;
      const names = new Map(keys.map((key) => [key, this.keys[random.below(this.keys.length)]]));
      return this.keyCommands.next().map((argument) => names.get(String(argument)) ?? argument);
    }
    const [name, generator] = this.generators[random.below(this.generators.length)];
    const isKey = (argument: Argument, i: number) => i > 0 && generator.keys.includes(String(argument));
    return generator
      .next()
      .map((argument, i) => (isKey(argument, i) ? `${name}:${String(argument)}` : argument));
  }
}

/** Commands whose events depend on what was there before, one after the other. */
const DIRECTED =
  `RPUSH l 3 1 2 a;SORT l ALPHA STORE d;SORT l ALPHA STORE d;SET str x;SORT l ALPHA STORE str;SORT none STORE str
SORT none STORE none2;SORT l BY w_* ALPHA GET v_*;SORT l BY w_*->f GET # ALPHA;SORT l BY nosort GET v_*->x
ZADD z1 1 a 2 b;ZADD z2 2 b 3 c;ZUNIONSTORE u 2 z1 z2;ZUNIONSTORE u 2 z1 z2;ZINTERSTORE i 2 z1 z2;ZDIFFSTORE df 2 z1 z2
ZINTERSTORE u 2 z1 nope;SET t 1;ZUNIONSTORE t 1 z1;ZRANGESTORE r z1 0 -1;ZRANGESTORE r z1 5 6;ZREMRANGEBYRANK z1 0 0
ZREMRANGEBYRANK z1 0 -1;ZREMRANGEBYLEX z2 - +;ZADD zi XX 1 a;ZADD zi INCR 1 a;ZINCRBY zi 0 a;ZADD zi CH 2 a;ZPOPMAX zi
SET e 1;GETEX e EX 100;GETEX e PERSIST;GETEX e PXAT 1;GETEX e;SETEX e 10 x;PSETEX e 10000 x;SET e x EX 10;SET e x KEEPTTL
SET e y XX GET;GETSET e z;SETNX e2 1;MSETNX e2 1 e3 1;MSETNX e4 1 e5 1 e4 2;MSET e4 1 e6 2;GETDEL e;SET none3 y GET
APPEND ap x;APPEND ap y;SETRANGE ap 5 z;SETRANGE new 3 q;INCRBYFLOAT f 1.5;SETBIT bb 5 1;SETBIT bb 5 1;BITFIELD bf SET u8 0 5
BITFIELD bf SET u8 0 5;BITFIELD bn OVERFLOW FAIL INCRBY u2 0 5;BITOP AND l bb bf;BITOP AND l none none;PFADD h a;PFADD h a
PFADD h2;PFMERGE h3 h h2 none;PFMERGE h3 h;PFCOUNT none h;LPUSH l a b c;LMOVE l l LEFT RIGHT;LMOVE l m LEFT LEFT;LTRIM l 0 -1
LTRIM l 5 6;LREM m 0 zz;LREM m 0 c;RPUSH one x;LMOVE one one LEFT LEFT;RPOPLPUSH one two;LMPOP 1 two LEFT COUNT 5;LPOP one
SADD s a b c;SMOVE s s2 a;SMOVE s s2 zz;SADD s2 b;SMOVE s s2 b;SMOVE s s2 c;SPOP s2 0;SPOP s2 10;SADD a1 a b;SADD a2 b c
SINTERSTORE x a1 a2;SINTERSTORE x a1 none;SUNIONSTORE x a1 a2;SDIFFSTORE x a1 a1;SUNIONSTORE str a1;SINTERCARD 2 a1 none
GEOADD geo 13.36 38.11 P 15.08 37.5 C;GEOSEARCHSTORE gd geo FROMLONLAT 15 37 BYRADIUS 200 km;GEORADIUS geo 15 37 200 km STORE gd
GEORADIUS none 15 37 200 km STORE gd;GEORADIUSBYMEMBER geo P 200 km STOREDIST gd;GEOSEARCHSTORE gd none FROMLONLAT 15 37 BYRADIUS 1 m
XGROUP CREATE xs g 0 MKSTREAM;XADD xs 1-1 f v;XADD xs MAXLEN 1 2-1 f v;XREADGROUP GROUP g c STREAMS xs >;XAUTOCLAIM xs g c6 0 0
XCLAIM xs g c5 0 2-1;XGROUP DELCONSUMER xs g c;XGROUP DELCONSUMER xs g c;XSETID xs 9-9;XGROUP DESTROY xs g;XTRIM xs MAXLEN 0
SET c1 1;COPY c1 c2;COPY c1 c2;COPY c1 c2 REPLACE;COPY c1 c3 DB 3;MOVE c1 4;RENAME c2 c5;SET c6 x;RENAME c5 c6;RENAMENX c6 c7
TTL none;TYPE none;EXISTS none none;TOUCH none;OBJECT ENCODING none;MEMORY USAGE none;DUMP none;XINFO STREAM none;LCS none c7
SWAPDB 0 1;SWAPDB 0 1;EXPIRE c7 100;PERSIST c7;PEXPIREAT c7 1;FLUSHDB;FLUSHALL`
    .split(/[;\n]/)
    .map((line) => line.split(" "));

/** What a second client waits for, and what then brings it. */
const SERVED: readonly (readonly [waiting: string, bringing: string])[] = [
  ["BLPOP b 0", "RPUSH b 1 2"],
  ["BRPOP none c 0", "LPUSH c 1"],
  ["BLMPOP 0 1 d LEFT COUNT 5", "RPUSH d 1 2 3"],
  ["BLMOVE e f LEFT RIGHT 0", "RPUSH e 1"],
  ["BRPOPLPUSH e f 0", "RPUSH e 1 2"],
  ["BZPOPMIN z 0", "ZADD z 1 a 2 b"],
  ["BZMPOP 0 1 y MAX COUNT 5", "ZADD y 1 a 2 b"],
];

/** One command, or several in a transaction, or one in a script. */
function nextStep(commands: Commands, random: Random): Command[] {
  const command = commands.next();
  switch (random.below(12)) {
    case 0:
      return [["MULTI"], command, commands.next(), commands.next(), ["EXEC"]];
    case 1:
      return [["EVAL", "return redis.pcall(unpack(ARGV))", 0, ...command]];
    default:
      return [command];
  }
}

describe.skipIf(!hasRedisServer)("keyspace notifications as the real Redis's", () => {
  let folder: string;
  let redis: RedisServer;
  let own: ServerProcess;
  let data: string;
  let clients: readonly RawClient[] = [];
  let subscribers: readonly RawClient[] = [];

  beforeAll(async () => {
    folder = temporaryFolder();
    redis = await startRedisServer(["--enable-debug-command", "yes"], folder);
  });

  afterAll(async () => {
    await redis.stop();
    removeFolder(folder);
  });

  beforeEach(async () => {
    const client = await RawClient.connect(redis.port);
    await client.runAll([["FLUSHALL"], ["DEBUG", "SET-ACTIVE-EXPIRE", 0]]);
    client.close();
  });

  afterEach(async () => {
    for (const client of [...clients, ...subscribers]) client.close();
    await own.kill();
    removeFolder(data);
  });

  async function start(events: string, ...args: string[]): Promise<void> {
    const fixed = ["--save", "", "--enable-debug-command", "yes", "--notify-keyspace-events", events];
    data = temporaryFolder();
    own = await startServerProcess(data, [...fixed, ...args]);
    const ports = [redis.port, own.port];
    clients = await Promise.all(ports.map((port) => RawClient.connect(port)));
    subscribers = await Promise.all(ports.map((port) => RawClient.connect(port)));
    await Promise.all(
      clients.map((client) =>
        client.runAll([
          ["CONFIG", "SET", "notify-keyspace-events", events],
          ["DEBUG", "SET-ACTIVE-EXPIRE", 0],
        ]),
      ),
    );
    await Promise.all(subscribers.map((client) => client.run("PSUBSCRIBE", "__key*")));
  }

  async function eventsOf(steps: readonly Command[]): Promise<readonly string[][]> {
    await Promise.all(clients.map((client) => client.runAll(steps)));
    const frames = await Promise.all(subscribers.map((client) => client.collect()));
    return frames.map((all) => all.map(readable));
  }

  test.each([
    ["in memory", []],
    ["on disk", ["--cold-tier-spill-all", "yes"]],
  ] as const)("random commands, %s", async (_name, args) => {
    await start("KEAnm", ...args);
    const random = new SeededRandom(FIRST_SEED);
    const commands = new Commands(random);
    const history: string[] = [];
    for (let i = 0; i < STEPS; i++) {
      const step = nextStep(commands, random);
      history.push(step.map((command) => command.map(String).join(" ").slice(0, 200)).join("; "));
      const [expected, actual] = await eventsOf(step);
      expect(actual, `seed ${FIRST_SEED}, after\n${history.slice(-SHOWN).join("\n")}`).toEqual(expected);
    }
  });

  test.each(["KEAnm", "Eg$lshz", "Ktnm"])("chosen commands, classes %s", async (classes) => {
    await start(classes);
    for (const command of DIRECTED) {
      const [expected, actual] = await eventsOf([command]);
      expect(actual, command.join(" ")).toEqual(expected);
    }
  });

  test("clients that wait for a key", async () => {
    await start("KEAnm");
    for (const [waiting, bringing] of SERVED) {
      const waiters = await Promise.all([redis.port, own.port].map((port) => RawClient.connect(port)));
      const replies = waiters.map((client) => client.run(...waiting.split(" ")));
      await Promise.all(clients.map(whenBlocked));
      const [expected, actual] = await eventsOf([bringing.split(" ")]);
      expect(actual, waiting).toEqual(expected);
      await Promise.all(replies);
      for (const client of waiters) client.close();
    }
  });
});

/** Some client of the server waits. */
async function whenBlocked(client: RawClient): Promise<void> {
  await expect.poll(() => client.text("INFO", "clients"), POLL).toMatch(/blocked_clients:1\r/);
}

/** `<channel> <message>`. */
function readable(frame: Buffer): string {
  const lines = frame.toString("latin1").split("\r\n");
  return lines.filter((_, i) => i === 6 || i === 8).join(" ");
}

/**
 * Keyspace notifications of the real Redis and of tsredis: both execute the same random commands on values of all types,
 * some within transactions and scripts; a subscriber of each must get the same events in the same order.
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

const STEPS = Number(process.env["NOTIFICATION_STEPS"] ?? 2500);
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
    return generator.next().map((argument, i) => (isKey(argument, i) ? `${name}:${argument}` : argument));
  }
}

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
  });

  async function start(events: string, ...args: string[]): Promise<void> {
    const fixed = ["--save", "", "--enable-debug-command", "yes", "--notify-keyspace-events", events];
    own = await startServerProcess(temporaryFolderIn(), [...fixed, ...args]);
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

  function temporaryFolderIn(): string {
    return temporaryFolder();
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
    const seen = new Set<string>();
    for (let i = 0; i < STEPS; i++) {
      const step = nextStep(commands, random);
      history.push(step.map((command) => command.map(String).join(" ").slice(0, 200)).join("; "));
      const [expected, actual] = await eventsOf(step);
      for (const event of expected) seen.add(/^__keyspace.* (\S+)$/s.exec(event)?.[1] ?? "");
      expect(actual, `seed ${FIRST_SEED}, after\n${history.slice(-SHOWN).join("\n")}`).toEqual(expected);
    }
    process.stderr.write([...seen].sort().join(" ") + "\n");
  });
});

/** `<channel> <message>`. */
function readable(frame: Buffer): string {
  const lines = frame.toString("latin1").split("\r\n");
  return lines.filter((_, i) => i === 6 || i === 8).join(" ");
}

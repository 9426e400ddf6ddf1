/**
 * Strings' commands against the real Redis 7: random sequences, the same for both, must get the same replies byte for
 * byte (errors included), leave the same strings with the same encodings and expiries, and propagate the same
 * commands to the append-only file. The seed is printed with a failure.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { keyRangeOf } from "../../../src/commands/key-positions.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { type Argument, CommandHarness } from "../../support/command-harness.ts";
import { comparePropagated, compareReplies, compareStrings } from "../../support/comparison.ts";
import { addListKey } from "../../support/list-key.ts";
import type { RawClient } from "../../support/raw-client.ts";
import { RedisOracle } from "../../support/redis-oracle.ts";
import { hasRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { StringCommandGenerator } from "./generator.ts";

/** The smallest limit that Redis accepts, so that tests can reach it. */
const MAX_BULK_BYTES = 1024 * 1024;
const SEQUENCES = 40;
const COMMANDS_PER_SEQUENCE = 250;

function newHarness(resp: 2 | 3): CommandHarness {
  const harness = new CommandHarness({
    commands: stringCommands,
    config: { protoMaxBulkLength: MAX_BULK_BYTES },
    startMs: Date.now(),
  });
  harness.client.resp = resp;
  addListKey(harness);
  return harness;
}

describe.skipIf(!hasRedisServer)(
  "strings as in the real Redis (skipped where redis-server is missing)",
  () => {
    let oracle: RedisOracle;
    let redis: RawClient;

    beforeAll(async () => {
      oracle = await RedisOracle.start("--proto-max-bulk-len", String(MAX_BULK_BYTES));
      redis = oracle.client;
    });

    afterAll(() => oracle.stop());

    test.each([2, 3] as const)("random sequences in RESP%i", async (resp) => {
      await redis.run("HELLO", resp);
      const firstSeed = usualSeed();
      for (let seed = firstSeed; seed < firstSeed + SEQUENCES; seed++) {
        const label = `seed ${seed}, RESP${resp}`;
        await redis.runAll([["FLUSHALL"], ["RPUSH", "list", "a"]]);
        const harness = newHarness(resp);
        const generator = new StringCommandGenerator(new SeededRandom(seed));
        const requests = Array.from({ length: COMMANDS_PER_SEQUENCE }, () => generator.next());
        await compareReplies(redis, harness, requests, label);
        const effects = [...harness.effects];
        await compareStrings(redis, harness, generator.keys, label);
        const log = oracle.propagated();
        comparePropagated(sinceLastFlush(log).slice(0, effects.length), effects, label);
        replay(effects, harness, generator.keys, label);
      }
    });

    test("INCRBYFLOAT to the last digit", async () => {
      const seed = usualSeed();
      const random = new SeededRandom(seed);
      const generator = new StringCommandGenerator(random);
      const harness = newHarness(2);
      await redis.run("HELLO", 2);
      const requests: Argument[][] = [];
      for (let i = 0; i < 4000; i++) {
        requests.push(["SET", "k", generator.longDouble()], ["INCRBYFLOAT", "k", generator.longDouble()]);
      }
      await compareReplies(redis, harness, requests, `seed ${seed}`);
    });

    test("the same number of arguments is wrong for each command", async () => {
      await redis.run("HELLO", 2);
      await redis.run("FLUSHALL");
      const requests: Argument[][] = [];
      for (const command of stringCommands) {
        for (let extra = 0; extra < 5; extra++)
          requests.push([command.name, ...Array<string>(extra).fill("5")]);
      }
      await compareReplies(redis, newHarness(2), requests, "arity");
    });

    test("COMMAND INFO says what the declarations say", async () => {
      await redis.run("HELLO", 2);
      for (const command of stringCommands) {
        const info = await redis.text("COMMAND", "INFO", command.name);
        const words = info.split("\r\n").filter((line) => !/^[*$]/.test(line));
        const plain = words.map((word) => word.replace(/^[+:]/, ""));
        for (const word of [command.name, String(command.arity), ...command.flags])
          expect(plain).toContain(word);
        for (const category of command.categories) expect(plain).toContain(`@${category}`);
        for (const tip of command.tips ?? []) expect(plain).toContain(tip);
        const [key] = command.keys;
        for (const flag of key.flags) expect(plain).toContain(flag);
        const range = /:(-?\d+)\r\n:(-?\d+)\r\n:(-?\d+)\r\n\*\d+\r\n\+@/.exec(info);
        expect(range?.slice(1).map(Number)).toEqual(Object.values(keyRangeOf(command)));
        const flags = plain.filter((word) =>
          ["write", "readonly", "denyoom", "fast", "movablekeys"].includes(word),
        );
        expect([...flags].sort()).toEqual([...command.flags].sort());
        const keyFlags = ["RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "variable_flags"];
        expect(plain.filter((word) => keyFlags.includes(word))).toEqual([...key.flags]);
        expect(plain.filter((word) => /policy:/.test(word))).toEqual([...(command.tips ?? [])]);
        if (key.notes !== undefined) expect(plain).toContain(key.notes);
      }
    });
  },
);

/** What was propagated after the last FLUSHALL and the RPUSH that follows it, without the brackets of transactions. */
function sinceLastFlush(log: Buffer[][]): Buffer[][] {
  const name = (command: Buffer[]) => command[0].toString("latin1").toUpperCase();
  const start = log.findLastIndex((command) => name(command) === "FLUSHALL");
  return log.slice(start + 2).filter((command) => !["MULTI", "EXEC", "SELECT"].includes(name(command)));
}

/** What was propagated makes the same strings, when it is run on an empty server. */
function replay(
  effects: readonly Buffer[][],
  original: CommandHarness,
  keys: readonly string[],
  label: string,
): void {
  const copy = newHarness(2);
  copy.keyspace.expiring = false;
  for (const effect of effects) {
    const [name, key, time] = effect.map((arg) => arg.toString("latin1"));
    const bytes = Buffer.from(key);
    const address = copy.db.peek(bytes, 0, bytes.length);
    if (name === "DEL") copy.db.delete(address);
    else if (name === "PEXPIREAT") copy.db.setExpiry(address, Number(time));
    else if (name === "PERSIST") copy.db.setExpiry(address, 0);
    else expect(copy.text(...effect)).not.toMatch(/^-/);
  }
  copy.keyspace.expiring = true;
  expect(contents(copy, keys), label).toEqual(contents(original, keys));
}

function contents(harness: CommandHarness, keys: readonly string[]): unknown[] {
  const { entries } = harness.keyspace;
  return keys.map((key) => {
    const bytes = Buffer.from(key);
    const address = harness.db.peek(bytes, 0, bytes.length);
    return address === 0 ? undefined : [entries.value(address).toString("latin1"), entries.expireMs(address)];
  });
}

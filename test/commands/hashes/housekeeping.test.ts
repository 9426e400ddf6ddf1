/**
 * What every write owes the layers below: a snapshot under way gets the old state, an entry that changed is marked as
 * differing from its record, and what changes a value is propagated. And COMMAND INFO says what the declarations say.
 */
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { hashCommands } from "../../../src/commands/hashes/index.ts";
import { DIRTY } from "../../../src/memory/entries.ts";
import type { Argument } from "../../support/command-harness.ts";
import {
  addressesOf,
  contents,
  describeEntry,
  expectExactSnapshot,
  markAllClean,
} from "../../support/entry-contents.ts";
import { RedisOracle } from "../../support/redis-oracle.ts";
import { hasRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { HashCommandGenerator } from "./generator.ts";
import { newHashHarness } from "./harness.ts";

const SEEDS = 20;
const COMMANDS = 100;
const SIZES = [
  { entries: 512, value: 64 },
  { entries: 6, value: 12 },
];
const SHOWN_FLAGS = ["write", "readonly", "denyoom", "fast", "movablekeys", "blocking"];
const KEY_FLAGS = ["RO", "RW", "OW", "RM", "access", "update", "insert", "delete"];

/** Commands on fields that expire are among the others. */
class Requests {
  private readonly generator: HashCommandGenerator;
  private readonly random: SeededRandom;

  constructor(seed: number, maxListpackValue: number) {
    this.random = new SeededRandom(seed);
    this.generator = new HashCommandGenerator(this.random, { fields: 20, maxListpackValue });
  }

  next(): Argument[] {
    const { random } = this;
    if (random.below(6) > 0) return this.generator.next();
    const key = ["first", "second", "third"][random.below(3)];
    const fields = ["FIELDS", "3", "field:4", "field:5", "7"];
    switch (random.below(4)) {
      case 0:
        return ["HPERSIST", key, ...fields];
      case 1:
        return ["HPEXPIREAT", key, "1", ...fields];
      default:
        return ["HEXPIRE", key, String(1000 + random.below(1000)), ...fields];
    }
  }
}

test("a snapshot shows the hashes of its beginning, whatever is written meanwhile", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const size = SIZES[seed % SIZES.length];
    const requests = new Requests(seed, size.value);
    expectExactSnapshot(newHashHarness(size), () => requests.next(), COMMANDS, `seed ${seed}`);
  }
});

test("an entry that changes is dirty, and whatever changes a value is propagated", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const size = SIZES[seed % SIZES.length];
    const harness = newHashHarness(size);
    const { entries } = harness.keyspace;
    const requests = new Requests(seed, size.value);
    for (let i = 0; i < COMMANDS; i++) {
      markAllClean(harness);
      harness.takeEffects();
      const before = contents(harness);
      const request = requests.next();
      harness.run(...request);
      const label = `seed ${seed}: ${request.join(" ")}`;
      if (harness.takeEffects().length === 0) expect(contents(harness), label).toEqual(before);
      for (const address of addressesOf(harness)) {
        if ((entries.head(address) & DIRTY) === 0)
          expect(before, label).toContain(describeEntry(harness, address));
      }
    }
  }
});

describe.skipIf(!hasRedisServer)("beside the real Redis (skipped where redis-server is missing)", () => {
  test("COMMAND INFO says what the declarations say", async () => {
    const oracle = await RedisOracle.start();
    try {
      for (const command of hashCommands.filter(({ since }) => since !== "7.4.0")) {
        const info = await oracle.client.text("COMMAND", "INFO", command.name);
        const words = info
          .split("\r\n")
          .filter((line) => !/^[*$]/.test(line))
          .map((line) => line.replace(/^[+:]/, ""));
        expect(words).toContain(String(command.arity));
        expect(words.filter((word) => SHOWN_FLAGS.includes(word)).sort()).toEqual([...command.flags].sort());
        expect(words.filter((word) => KEY_FLAGS.includes(word))).toEqual([...command.keys[0].flags]);
        expect(words).toContain("@hash");
        expect(words.filter((word) => word.startsWith("nondeterministic"))).toEqual([
          ...(command.tips ?? []),
        ]);
        const range = /:(-?\d+)\r\n:(-?\d+)\r\n:(-?\d+)\r\n\*\d+\r\n\+@/.exec(info);
        const [{ first, last, step }] = command.keys as readonly {
          first: number;
          last: number;
          step: number;
        }[];
        expect(range?.slice(1).map(Number)).toEqual([first, last, step]);
      }
    } finally {
      await oracle.stop();
    }
  });
});

/**
 * What every write owes the layers below: a snapshot under way gets the old state, and a changed entry is marked as
 * differing from its record. And that nothing takes memory that is no longer needed.
 */
import { expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { finishSteps } from "../../../src/types/packed-parts.ts";
import { SORTED_SET } from "../../../src/types/sorted-set/sorted-set.ts";
import { sortedSetType } from "../../../src/types/sorted-set/sorted-set-type.ts";
import {
  addressesOf,
  expectDirtyIfPropagated,
  expectExactSnapshot,
  keyOf,
} from "../../support/entry-contents.ts";
import { usualSeed } from "../../support/seed.ts";
import { SortedSetCommandGenerator } from "./generator.ts";
import { newSortedSetHarness } from "./harness.ts";

const SEEDS = 6;
const COMMANDS = 150;
/** zset-max-listpack-entries. */
const LIMITS = [0, 4, 128];

test("a snapshot shows the sorted sets of its beginning, whatever is written meanwhile", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newSortedSetHarness(LIMITS[seed % LIMITS.length]);
    const generator = new SortedSetCommandGenerator(new SeededRandom(seed), { isSmall: false });
    expectExactSnapshot(harness, () => generator.next(), COMMANDS, `seed ${seed}`);
  }
});

test("an entry is dirty exactly if something was propagated for it", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newSortedSetHarness(LIMITS[seed % LIMITS.length]);
    const generator = new SortedSetCommandGenerator(new SeededRandom(seed), { isSmall: false });
    expectDirtyIfPropagated(harness, () => generator.next(), COMMANDS, `seed ${seed}`);
  }
});

test("the commands of a rewritten log make the same sorted sets", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const limit = LIMITS[seed % LIMITS.length];
    const harness = newSortedSetHarness(limit);
    const copy = newSortedSetHarness(limit);
    const generator = new SortedSetCommandGenerator(new SeededRandom(seed), { isSmall: false });
    for (let i = 0; i < COMMANDS; i++) harness.run(...generator.next());
    for (let i = 0; i < 200; i++) harness.run("ZADD", "many", i % 7, `member${i}`);
    const { entries, memory } = harness.keyspace;
    let commands = 0;
    for (const address of addressesOf(harness)) {
      if (entries.type(address) !== SORTED_SET) continue;
      const key = keyOf(harness, address);
      const steps = sortedSetType.rewrite(memory, address, Buffer.from(key), (...args) => {
        expect(args.length).toBeLessThanOrEqual(2 + 2 * 64);
        expect(copy.text(...args)).toBe(`:${args.length / 2 - 1}\r\n`);
        commands++;
      });
      finishSteps(steps);
      const all = ["ZRANGE", key, 0, -1, "WITHSCORES"];
      // What ends as a large set begins as a listpack, where -0 becomes 0: as in Redis.
      const [made, original] = [copy, harness].map((each) =>
        each.text(...all).replaceAll("$2\r\n-0\r\n", "$1\r\n0\r\n"),
      );
      expect(made, `seed ${seed}`).toBe(original);
    }
    expect(commands).toBeGreaterThan(4);
  }
});

test("what commands compute, and what they delete, takes no memory in the end", () => {
  const seed = usualSeed();
  const harness = newSortedSetHarness(4);
  const { keyspace } = harness;
  const before = keyspace.entries.allocatedBytes;
  const generator = new SortedSetCommandGenerator(new SeededRandom(seed), { isSmall: false });
  for (let i = 0; i < 2000; i++) harness.run(...generator.next());
  expect(keyspace.entries.allocatedBytes).toBeGreaterThan(before);
  keyspace.flush(0, false);
  while (keyspace.freeRetired(1000));
  // The table of keys has a first segment of its own.
  harness.run("SET", "key", "value");
  const rest = keyspace.entries.allocatedBytes;
  const fresh = newSortedSetHarness(4);
  fresh.run("SET", "key", "value");
  expect(rest, `seed ${seed}`).toBe(fresh.keyspace.entries.allocatedBytes);
});

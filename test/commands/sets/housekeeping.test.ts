/**
 * What every write owes the layers below: a snapshot under way gets the old state, and a changed entry is marked as
 * differing from its record; and what large values leave behind is freed.
 */
import { expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { expectDirtyIfPropagated, expectExactSnapshot } from "../../support/entry-contents.ts";
import { usualSeed } from "../../support/seed.ts";
import { SetCommandGenerator } from "./generator.ts";
import { newSetHarness } from "./harness.ts";

const SEEDS = 20;
const COMMANDS = 150;
const LIMITS = [512, 8, 0];

test("a snapshot shows the sets of its beginning, whatever is written meanwhile", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newSetHarness(LIMITS[seed % LIMITS.length]);
    const generator = new SetCommandGenerator(new SeededRandom(seed), { range: 40 });
    expectExactSnapshot(harness, () => generator.next(), COMMANDS, `seed ${seed}`);
  }
});

test("an entry is dirty exactly if something was propagated for it", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newSetHarness(LIMITS[seed % LIMITS.length]);
    const generator = new SetCommandGenerator(new SeededRandom(seed), { range: 40 });
    expectDirtyIfPropagated(harness, () => generator.next(), COMMANDS, `seed ${seed}`);
  }
});

test("no memory is left when all keys are gone", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newSetHarness(LIMITS[seed % LIMITS.length]);
    const { keyspace } = harness;
    const generator = new SetCommandGenerator(new SeededRandom(seed), { range: 400 });
    const before = keyspace.entries.allocatedBytes;
    for (let i = 0; i < COMMANDS; i++) harness.run(...generator.next());
    harness.run("SADD", "large", ...Array.from({ length: 5000 }, (_, i) => `member ${i}`));
    harness.run("SUNIONSTORE", "rare", "large", "first");
    harness.run("SPOP", "rare", 4900);
    harness.run("DEL", "large", ...generator.keys);
    while (keyspace.freeRetired(1000));
    expect(keyspace.entries.allocatedBytes, `seed ${seed}`).toBe(before);
  }
});

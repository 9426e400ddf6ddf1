/**
 * What every write owes the layers below: a snapshot under way gets the old state, and an entry that changed is marked
 * as differing from its record.
 */
import { expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { DIRTY } from "../../../src/memory/entries.ts";
import {
  addressesOf,
  contents,
  describeEntry,
  expectExactSnapshot,
  markAllClean,
} from "../../support/entry-contents.ts";
import { usualSeed } from "../../support/seed.ts";
import { HyperLogLogCommandGenerator } from "./generator.ts";
import { newHyperLogLogHarness } from "./harness.ts";

const SEEDS = 20;
const COMMANDS = 100;

test("a snapshot shows the HyperLogLogs of its beginning, whatever is written meanwhile", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newHyperLogLogHarness(400);
    const generator = new HyperLogLogCommandGenerator(new SeededRandom(seed));
    expectExactSnapshot(harness, () => generator.next(), COMMANDS, `seed ${seed}`);
  }
});

test("an entry that changes is dirty, and whatever changes a value is propagated", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newHyperLogLogHarness(400);
    const { entries } = harness.keyspace;
    const generator = new HyperLogLogCommandGenerator(new SeededRandom(seed));
    for (let i = 0; i < COMMANDS; i++) {
      markAllClean(harness);
      harness.takeEffects();
      const before = contents(harness);
      const request = generator.next();
      harness.run(...request);
      const label = `seed ${seed}: ${request.join(" ")}`;
      // The encoding alone is no reason: nobody needs to repeat that a string is "raw" from now on.
      const values = (lines: readonly string[]) => lines.map((line) => line.replace(/\|\d+\|\d+$/, ""));
      if (harness.takeEffects().length === 0)
        expect(values(contents(harness)), label).toEqual(values(before));
      for (const address of addressesOf(harness)) {
        if ((entries.head(address) & DIRTY) === 0)
          expect(before, label).toContain(describeEntry(harness, address));
      }
    }
  }
});

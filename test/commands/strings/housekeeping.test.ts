/**
 * What every write owes the layers below: a snapshot under way gets the old state, and a changed entry is marked as
 * differing from its record.
 */
import { expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { DIRTY } from "../../../src/memory/entries.ts";
import { CommandHarness } from "../../support/command-harness.ts";
import {
  addressesOf,
  contents,
  describeEntry,
  expectExactSnapshot,
  keyOf,
  markAllClean,
} from "../../support/entry-contents.ts";
import { usualSeed } from "../../support/seed.ts";
import { StringCommandGenerator } from "./generator.ts";

const SEEDS = 20;
const COMMANDS = 150;

function newHarness(): CommandHarness {
  return new CommandHarness({ commands: stringCommands, config: { protoMaxBulkLength: 1 << 20 } });
}

test("a snapshot shows the strings of its beginning, whatever is written meanwhile", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newHarness();
    const generator = new StringCommandGenerator(new SeededRandom(seed));
    expectExactSnapshot(harness, () => generator.next(), COMMANDS, `seed ${seed}`);
  }
});

test("an entry is dirty exactly if something was propagated for it", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newHarness();
    const { entries } = harness.keyspace;
    const generator = new StringCommandGenerator(new SeededRandom(seed));
    for (let i = 0; i < COMMANDS; i++) {
      markAllClean(harness);
      harness.takeEffects();
      const before = contents(harness);
      const request = generator.next();
      harness.run(...request);
      const label = `seed ${seed}: ${request.join(" ")}`;
      const effects = harness.takeEffects();
      if (effects.length === 0) expect(contents(harness), label).toEqual(before);
      for (const address of addressesOf(harness)) {
        if ((entries.head(address) & DIRTY) === 0)
          expect(before, label).toContain(describeEntry(harness, address));
        else expect(effects.join("\n"), label).toContain(keyOf(harness, address));
      }
    }
  }
});

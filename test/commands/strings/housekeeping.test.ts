/**
 * What every write owes the layers below: a snapshot under way gets the old state, and a changed entry is marked as
 * differing from its record.
 */
import { test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { CommandHarness } from "../../support/command-harness.ts";
import { expectDirtyIfPropagated, expectExactSnapshot } from "../../support/entry-contents.ts";
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
    const generator = new StringCommandGenerator(new SeededRandom(seed));
    expectDirtyIfPropagated(harness, () => generator.next(), COMMANDS, `seed ${seed}`);
  }
});

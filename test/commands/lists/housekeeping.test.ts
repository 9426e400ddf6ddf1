/**
 * What every write owes the layers below: a snapshot under way gets the old state, and a changed entry is marked as
 * differing from its record. And that nothing takes memory that is no longer needed.
 */
import { expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { expectDirtyIfPropagated, expectExactSnapshot } from "../../support/entry-contents.ts";
import { usualSeed } from "../../support/seed.ts";
import { ListCommandGenerator } from "./generator.ts";
import { newListHarness } from "./harness.ts";

const SEEDS = 8;
const COMMANDS = 200;
/** list-max-listpack-size. */
const FILLS = [-2, -1, 3, 1];

test("a snapshot shows the lists of its beginning, whatever is written meanwhile", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newListHarness(FILLS[seed % FILLS.length]);
    const generator = new ListCommandGenerator(new SeededRandom(seed));
    expectExactSnapshot(harness, () => generator.next(), COMMANDS, `seed ${seed}`);
  }
});

test("an entry is dirty exactly if something was propagated for it", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newListHarness(FILLS[seed % FILLS.length]);
    const generator = new ListCommandGenerator(new SeededRandom(seed));
    expectDirtyIfPropagated(harness, () => generator.next(), COMMANDS, `seed ${seed}`);
  }
});

test("what commands take away takes no memory in the end", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newListHarness(FILLS[seed % FILLS.length]);
    const { entries, discarded } = harness.keyspace;
    harness.run("SET", "string", "a");
    const before = entries.allocatedBytes;
    const generator = new ListCommandGenerator(new SeededRandom(seed));
    for (let i = 0; i < 1000; i++) harness.run(...generator.next());
    for (const key of generator.keys) {
      while (harness.text("LLEN", key).startsWith(":") && harness.text("EXISTS", key) === ":1\r\n")
        harness.run(seed % 2 === 0 ? "LPOP" : "RPOP", key, "7");
      // What is left is no list.
      harness.run("DEL", key);
    }
    while (discarded.count > 0) discarded.freeStep(100);
    harness.run("SET", "string", "a");
    expect(entries.allocatedBytes, `seed ${seed}`).toBe(before);
  }
});

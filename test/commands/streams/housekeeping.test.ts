/**
 * What every write owes the layers below: a snapshot under way gets the old state, an entry that changed is marked as
 * differing from its record, and the log is told.
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
import { StreamCommandGenerator } from "./generator.ts";
import { newStreamHarness } from "./harness.ts";

const SEEDS = 10;
const COMMANDS = 200;
const NODES = { bytes: 200, entries: 3 };

test("a snapshot shows the streams of its beginning, whatever is written meanwhile", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newStreamHarness(NODES);
    const generator = new StreamCommandGenerator(new SeededRandom(seed));
    expectExactSnapshot(harness, () => generator.next(), COMMANDS, `seed ${seed}`);
  }
});

test("an entry that changes is dirty, and whatever changes a value is propagated", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newStreamHarness(NODES);
    const { entries } = harness.keyspace;
    const generator = new StreamCommandGenerator(new SeededRandom(seed));
    for (let i = 0; i < COMMANDS; i++) {
      markAllClean(harness);
      harness.takeEffects();
      harness.clock.advance(1);
      const before = contents(harness);
      const request = generator.next();
      harness.run(...request);
      const label = `seed ${seed}: ${request.join(" ")}`;
      const effects = harness.takeEffects();
      // What XREADGROUP notes of entries that it delivers once more, or of consumers that get none, it does not tell.
      const tells = effects.length > 0 || request[0] === "XREADGROUP";
      if (!tells) expect(contents(harness), label).toEqual(before);
      for (const address of addressesOf(harness)) {
        if ((entries.head(address) & DIRTY) === 0)
          expect(before, label).toContain(describeEntry(harness, address));
      }
    }
  }
});

test("nothing stays in memory of streams that are gone", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newStreamHarness(NODES);
    const { entries, memory } = harness.keyspace;
    const generator = new StreamCommandGenerator(new SeededRandom(seed));
    for (let i = 0; i < COMMANDS; i++) harness.run(...generator.next());
    for (const key of [...generator.keys, "plain", "none"]) harness.run("DEL", key);
    while (harness.keyspace.freeRetired(1));
    // The hash table is as large as it was.
    expect(entries.allocatedBytes, `seed ${seed}`).toBe(newTableBytes());
    expect(memory.blocks.slabs.allocatedBytes).toBe(entries.allocatedBytes);
  }
});

/** What a keyspace takes that has had a key. */
function newTableBytes(): number {
  const harness = newStreamHarness();
  harness.run("SET", "plain", "text");
  harness.run("DEL", "plain");
  return harness.keyspace.entries.allocatedBytes;
}

/**
 * What every write owes the layers below: a snapshot under way gets the old state, and an entry that changed is marked
 * as differing from its record.
 */
import { expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { DIRTY } from "../../../src/memory/entries.ts";
import type { CommandHarness } from "../../support/command-harness.ts";
import { usualSeed } from "../../support/seed.ts";
import { HyperLogLogCommandGenerator } from "./generator.ts";
import { newHyperLogLogHarness } from "./harness.ts";

const SEEDS = 20;
const COMMANDS = 100;

function addressesOf(harness: CommandHarness): number[] {
  const addresses: number[] = [];
  harness.db.table.collect(0, 0x1_0000_0000, 1000, addresses);
  return addresses;
}

/** Key, value, encoding and expiry. */
function describeEntry(harness: CommandHarness, address: number): string {
  const { entries } = harness.keyspace;
  const [key, value] = [entries.key(address).toString(), entries.value(address).toString("latin1")];
  return [key, value, entries.encoding(address), entries.expireMs(address)].join("|");
}

function contents(harness: CommandHarness): string[] {
  return addressesOf(harness)
    .map((address) => describeEntry(harness, address))
    .sort();
}

test("a snapshot shows the HyperLogLogs of its beginning, whatever is written meanwhile", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newHyperLogLogHarness(400);
    const generator = new HyperLogLogCommandGenerator(new SeededRandom(seed));
    for (let i = 0; i < COMMANDS; i++) harness.run(...generator.next());
    const before = contents(harness);
    const seen: string[] = [];
    harness.keyspace.snapshots.start({
      entry: (_index, _database, address) => seen.push(describeEntry(harness, address)),
    });
    for (let i = 0; i < COMMANDS; i++) harness.run(...generator.next());
    while (!harness.keyspace.snapshots.step(2));
    expect(seen.sort(), `seed ${seed}`).toEqual(before);
  }
});

test("an entry that changes is dirty, and whatever changes a value is propagated", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newHyperLogLogHarness(400);
    const { entries } = harness.keyspace;
    const generator = new HyperLogLogCommandGenerator(new SeededRandom(seed));
    for (let i = 0; i < COMMANDS; i++) {
      for (const address of addressesOf(harness)) entries.mark(address, 0, DIRTY);
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

/**
 * What every write owes the layers below: a snapshot under way gets the old state, and a changed entry is marked as
 * differing from its record.
 */
import { expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { DIRTY } from "../../../src/memory/entries.ts";
import { CommandHarness } from "../../support/command-harness.ts";
import { usualSeed } from "../../support/seed.ts";
import { StringCommandGenerator } from "./generator.ts";

const SEEDS = 20;
const COMMANDS = 150;

function newHarness(): CommandHarness {
  return new CommandHarness({ commands: stringCommands, config: { protoMaxBulkLength: 1 << 20 } });
}

function addressesOf(harness: CommandHarness): number[] {
  const addresses: number[] = [];
  harness.db.table.collect(0, 0x1_0000_0000, 1000, addresses);
  return addresses;
}

function keyOf(harness: CommandHarness, address: number): string {
  return harness.keyspace.entries.key(address).toString();
}

/** Key, value, encoding and expiry. */
function describeEntry(harness: CommandHarness, address: number): string {
  const { entries } = harness.keyspace;
  const value = entries.value(address).toString("latin1");
  return [keyOf(harness, address), value, entries.encoding(address), entries.expireMs(address)].join("|");
}

function contents(harness: CommandHarness): string[] {
  return addressesOf(harness)
    .map((address) => describeEntry(harness, address))
    .sort();
}

test("a snapshot shows the strings of its beginning, whatever is written meanwhile", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newHarness();
    const generator = new StringCommandGenerator(new SeededRandom(seed));
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

test("an entry is dirty exactly if something was propagated for it", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newHarness();
    const { entries } = harness.keyspace;
    const generator = new StringCommandGenerator(new SeededRandom(seed));
    for (let i = 0; i < COMMANDS; i++) {
      for (const address of addressesOf(harness)) entries.mark(address, 0, DIRTY);
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

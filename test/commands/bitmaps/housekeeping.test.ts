/**
 * What bitmap commands owe the layers below: a snapshot under way gets the old state, a changed entry is marked as
 * differing from its record, nothing is written for a value that stays, and long strings are changed where they lie.
 */
import { expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { DIRTY } from "../../../src/memory/entries.ts";
import type { CommandHarness } from "../../support/command-harness.ts";
import {
  addressesOf,
  contents,
  expectExactSnapshot,
  keyOf,
  markAllClean,
} from "../../support/entry-contents.ts";
import { usualSeed } from "../../support/seed.ts";
import { BitmapCommandGenerator } from "./generator.ts";
import { newBitmapHarness } from "./harness.ts";

const SEEDS = 30;
const COMMANDS = 200;

/** Key, value and expiry. */
function describeValue(harness: CommandHarness, address: number): string {
  const { entries } = harness.keyspace;
  const value = entries.value(address).toString("latin1");
  return [keyOf(harness, address), value, entries.expireMs(address)].join("|");
}

function addressOf(harness: CommandHarness, key: string): number {
  return harness.db.peek(Buffer.from(key), 0, key.length);
}

test("a snapshot shows the strings of its beginning, whatever is written meanwhile", () => {
  const firstSeed = usualSeed();
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newBitmapHarness();
    const generator = new BitmapCommandGenerator(new SeededRandom(seed));
    expectExactSnapshot(harness, () => generator.next(), COMMANDS, `seed ${seed}`);
  }
});

test("an entry that changes is dirty and something is propagated, one that stays is not and nothing is", () => {
  const firstSeed = usualSeed();
  let changes = 0;
  for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
    const harness = newBitmapHarness();
    const { entries } = harness.keyspace;
    const generator = new BitmapCommandGenerator(new SeededRandom(seed));
    for (let i = 0; i < COMMANDS; i++) {
      markAllClean(harness);
      harness.takeEffects();
      const encodings = new Map(
        addressesOf(harness).map((address) => [keyOf(harness, address), entries.encoding(address)]),
      );
      const before = contents(harness, describeValue);
      const request = generator.next();
      harness.run(...request);
      const label = `seed ${seed}: ${request.join(" ")}`;
      const effects = harness.takeEffects();
      const isPlain = /^set$/i.test(String(request[0]));
      const isChanged = before.join() !== contents(harness, describeValue).join();
      // BITOP writes its result, be it the same or not, and an operation of BITFIELD may take back what another did.
      if (!isPlain && (isChanged || !/^bit(op|field)$/i.test(String(request[0]))))
        expect(effects.length, label).toBe(isChanged ? 1 : 0);
      changes += effects.length;
      for (const address of addressesOf(harness)) {
        const key = keyOf(harness, address);
        const isDirty = (entries.head(address) & DIRTY) !== 0;
        if (!isDirty) expect(before, label).toContain(describeValue(harness, address));
        else if (effects.length === 0) expect(entries.encoding(address), label).not.toBe(encodings.get(key));
        else expect(effects.join("\n"), label).toContain(key);
      }
    }
  }
  expect(changes).toBeGreaterThan(SEEDS * 20);
});

test("a long string is changed where it lies, and BITOP's result takes the place of a source", () => {
  const harness = newBitmapHarness();
  harness.staysInMemoryBecause = "where it lies there is what is looked at";
  const { entries } = harness.keyspace;
  harness.run("SETBIT", "k", 8_388_607, 1);
  const address = addressOf(harness, "k");
  const buffer = entries.valueBuffer(address);
  expect(buffer.length).toBe(2 ** 20);
  const isInPlace = () => addressOf(harness, "k") === address && entries.valueBuffer(address) === buffer;
  expect(harness.text("SETBIT", "k", 5000, 1)).toBe(":0\r\n");
  expect(harness.text("BITFIELD", "k", "SET", "u16", "#77", "40000", "INCRBY", "i64", 4_000_000, "-1")).toBe(
    "*2\r\n:0\r\n:-1\r\n",
  );
  expect(isInPlace()).toBe(true);
  harness.run("SET", "mask", "\0\0\0");
  expect(harness.text("BITOP", "OR", "k", "mask", "k")).toBe(":1048576\r\n");
  expect(harness.text("BITOP", "NOT", "k", "k")).toBe(":1048576\r\n");
  expect(isInPlace()).toBe(true);
  // What were the ones before: the last bit, bit 5000, the five of 40000, the 64 of -1.
  expect(harness.text("BITCOUNT", "k")).toBe(`:${8_388_608 - 2 - 5 - 64}\r\n`);
});

/**
 * What the entries of a harness's database hold, as lines of text, and the promise that a snapshot makes about them.
 */
import { expect } from "vitest";
import { DIRTY } from "../../src/memory/entries.ts";
import { dataTypeOf } from "../../src/types/registry.ts";
import { isRooted } from "../../src/types/rooted.ts";
import { ValueDigest } from "../../src/types/value-digest.ts";
import type { Argument, CommandHarness } from "./command-harness.ts";
import { WHOLE_ENTRIES } from "./whole-entries.ts";

/** More than any of these tests has. */
const MAX_ENTRIES = 1000;

export function addressesOf(harness: CommandHarness): number[] {
  const addresses: number[] = [];
  harness.db.table.collect(0, 0x1_0000_0000, MAX_ENTRIES, addresses);
  return addresses;
}

export function keyOf(harness: CommandHarness, address: number): string {
  return harness.keyspace.entries.key(address).toString();
}

/** Key, value (or a digest of it, if it does not lie in the entry), encoding and expiry. */
export function describeEntry(harness: CommandHarness, address: number): string {
  const { entries } = harness.keyspace;
  const isOutside = isRooted(entries.head(address));
  const value = isOutside ? digestOf(harness, address) : entries.value(address).toString("latin1");
  return [keyOf(harness, address), value, entries.encoding(address), entries.expireMs(address)].join("|");
}

function digestOf({ keyspace: { entries, memory } }: CommandHarness, address: number): string {
  const digest = new ValueDigest();
  dataTypeOf(entries.type(address)).digest(memory, address, digest);
  return digest.bytes.toString("hex");
}

/** All entries, sorted; `describe` says how. */
export function contents(harness: CommandHarness, describe = describeEntry): string[] {
  return addressesOf(harness)
    .map((address) => describe(harness, address))
    .sort();
}

/** Marks all entries as unchanged, for a test that then looks at which of them a command marks as changed. */
export function markAllClean(harness: CommandHarness): void {
  harness.looksAtDirt = true;
  for (const address of addressesOf(harness)) harness.keyspace.entries.mark(address, 0, DIRTY);
}

/** Runs commands, begins a snapshot, runs more, and expects the snapshot to show what was there when it began. */
export function expectExactSnapshot(
  harness: CommandHarness,
  next: () => readonly Argument[],
  commands: number,
  label: string,
): void {
  for (let i = 0; i < commands; i++) harness.run(...next());
  const before = contents(harness);
  const seen: string[] = [];
  harness.keyspace.snapshots.start({
    entry(_index, _database, address) {
      seen.push(describeEntry(harness, address));
      return false;
    },
    ...WHOLE_ENTRIES,
  });
  for (let i = 0; i < commands; i++) harness.run(...next());
  while (!harness.keyspace.snapshots.step(2));
  expect(seen.sort(), label).toEqual(before);
}

/** Runs commands, and expects each to leave just those entries dirty for which it propagates something; what propagates
 * nothing must change nothing. */
export function expectDirtyIfPropagated(
  harness: CommandHarness,
  next: () => readonly Argument[],
  commands: number,
  label: string,
): void {
  const { entries } = harness.keyspace;
  for (let i = 0; i < commands; i++) {
    markAllClean(harness);
    harness.takeEffects();
    const before = contents(harness);
    const request = next();
    harness.run(...request);
    const place = `${label}: ${request.join(" ").slice(0, 200)}`;
    const effects = harness.takeEffects();
    if (effects.length === 0) expect(contents(harness), place).toEqual(before);
    for (const address of addressesOf(harness)) {
      if ((entries.head(address) & DIRTY) === 0)
        expect(before, place).toContain(describeEntry(harness, address));
      else expect(effects.join("\n"), place).toContain(keyOf(harness, address));
    }
  }
}

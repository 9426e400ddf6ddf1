/**
 * Reading the set of an entry, for code that only reads: packing, digests, rewrites. Commands have theirs (SetEntry): a
 * snapshot may pack a set that a command is working on.
 */
import { StoredCollection } from "../stored-collection.ts";
import type { ValueMemory } from "../value-memory.ts";
import { SetMembers } from "./set-members.ts";

const stored = new StoredCollection();
let members: SetMembers | undefined;

/** The members of the set at `address`, until the next call. They must not be changed. */
export function readSet(memory: ValueMemory, address: number): SetMembers {
  return membersOf(memory).open(stored.open(memory.entries, address));
}

/** As `readSet`, for callers that go on reading while other sets are read. */
export function openSet(memory: ValueMemory, address: number): SetMembers {
  return new SetMembers(memory).open(new StoredCollection().open(memory.entries, address));
}

/** What works on sets in that memory, for code that reads or makes one outside of commands. */
export function membersOf(memory: ValueMemory): SetMembers {
  if (members?.memory !== memory) members = new SetMembers(memory);
  return members;
}

/**
 * Reading the set of an entry, for who only reads: packing, digests, rewrites. Commands have theirs (SetEntry): a
 * snapshot may pack a set that a command is working on.
 */
import type { Entries } from "../../memory/entries.ts";
import { rootOf } from "../rooted.ts";
import type { ValueMemory } from "../value-memory.ts";
import { type SetHolder, SetMembers } from "./set-members.ts";

/** The value of an entry as it is. */
class StoredSet implements SetHolder {
  buffer!: Buffer;
  start = 0;
  length = 0;
  encoding = 0;
  private entries!: Entries;
  private address = 0;

  open(entries: Entries, address: number): this {
    this.entries = entries;
    this.address = address;
    this.buffer = entries.valueBuffer(address);
    this.start = entries.valueStart(address);
    this.length = entries.valueLength(address);
    this.encoding = entries.encoding(address);
    return this;
  }

  get root(): number {
    return rootOf(this.entries, this.address);
  }

  resize(): never {
    throw new Error("this set is only read");
  }

  becomeRooted(): never {
    throw new Error("this set is only read");
  }
}

const stored = new StoredSet();
let members: SetMembers | undefined;

/** The members of the set at `address`, until the next call. They must not be changed. */
export function readSet(memory: ValueMemory, address: number): SetMembers {
  return membersOf(memory).open(stored.open(memory.entries, address));
}

/** As `readSet`, for who goes on reading while other sets are read. */
export function openSet(memory: ValueMemory, address: number): SetMembers {
  return new SetMembers(memory).open(new StoredSet().open(memory.entries, address));
}

/** What works on sets in that memory, for who reads or makes one outside of commands. */
export function membersOf(memory: ValueMemory): SetMembers {
  if (members?.memory !== memory) members = new SetMembers(memory);
  return members;
}

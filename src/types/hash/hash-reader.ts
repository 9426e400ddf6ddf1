/**
 * Reading the hash of an entry, for who only reads: packing, digests, rewrites. Commands have theirs (HashEntry): a
 * snapshot may pack a hash that a command is working on.
 */
import type { Entries } from "../../memory/entries.ts";
import { rootOf } from "../rooted.ts";
import type { ValueMemory } from "../value-memory.ts";
import { HashFields, type HashHolder } from "./hash-fields.ts";

/** The value of an entry as it is. */
class StoredHash implements HashHolder {
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
    throw new Error("this hash is only read");
  }

  becomeRooted(): never {
    throw new Error("this hash is only read");
  }
}

const stored = new StoredHash();
let fields: HashFields | undefined;

/** The fields of the hash at `address`, until the next call. They must not be changed. */
export function readHash(memory: ValueMemory, address: number): HashFields {
  fields = fieldsOf(memory);
  return fields.open(stored.open(memory.entries, address));
}

/** As `readHash`, for who goes on reading while other hashes are read. */
export function openHash(memory: ValueMemory, address: number): HashFields {
  return new HashFields(memory).open(new StoredHash().open(memory.entries, address));
}

/** What works on hashes in that memory, for who reads or makes one outside of commands. */
export function fieldsOf(memory: ValueMemory): HashFields {
  if (fields?.memory !== memory) fields = new HashFields(memory);
  return fields;
}

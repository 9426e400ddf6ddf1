/**
 * What the patterns of SORT name: the string that a key holds, or a field of the hash.
 */
import { HashEntry } from "../../keyspace/hash-entry.ts";
import { HASH } from "../../types/hash/hash-encoding.ts";
import { STRING } from "../../types/string/string-value.ts";
import type { CommandContext } from "../context.ts";
import type { SortPattern } from "./sort-pattern.ts";

/** One for all lookups: to make it takes longer than they do. */
let shared: HashEntry | undefined;

export class PatternValue {
  /** The bytes that were found; valid until the next search. */
  buffer!: Buffer;
  start = 0;
  length = 0;
  private readonly ctx: CommandContext;

  constructor(ctx: CommandContext) {
    this.ctx = ctx;
  }

  /** Looks up the name that the pattern has made. False if there is nothing of the type that it asks for. */
  find({ field, name }: SortPattern): boolean {
    const { db, keyspace } = this.ctx;
    const { entries } = keyspace;
    const address = db.lookupRead(name.buffer, 0, name.length);
    if (address === 0) return false;
    if (field !== undefined) return entries.type(address) === HASH && this.findField(address, field);
    if (entries.type(address) !== STRING) return false;
    this.buffer = entries.valueBuffer(address);
    this.start = entries.valueStart(address);
    this.length = entries.valueLength(address);
    return true;
  }

  private findField(address: number, field: Buffer): boolean {
    const { db, keyspace } = this.ctx;
    if (shared?.keyspace !== keyspace) shared = new HashEntry(keyspace);
    if (!shared.open(db, address).find(field, 0, field.length)) return false;
    const { value } = shared.fields;
    this.buffer = value.buffer;
    this.start = value.start;
    this.length = value.length;
    return true;
  }
}

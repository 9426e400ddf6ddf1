/**
 * What the patterns of SORT name: the string that a key holds, or a field of the hash.
 */
import { HASH } from "../../types/hash/hash-encoding.ts";
import { STRING } from "../../types/string/string-value.ts";
import type { CommandContext } from "../context.ts";
import { hashEntry } from "../hash-access.ts";
import type { SortPattern } from "./sort-pattern.ts";

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
    const hash = hashEntry(keyspace).open(db, address);
    if (!hash.find(field, 0, field.length)) return false;
    const { value } = hash.fields;
    this.buffer = value.buffer;
    this.start = value.start;
    this.length = value.length;
    return true;
  }
}

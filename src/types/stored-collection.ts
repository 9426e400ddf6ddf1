/**
 * Where a hash or set lies that is packed while small, and made of blocks when large: the bytes and the encoding of the
 * value, or its root. Entries of commands, values being made and values that are only read differ in how it is changed.
 */
import type { Entries } from "../memory/entries.ts";
import type { PackedBytes } from "./packed-bytes.ts";
import { rootOf } from "./rooted.ts";

/** The value of a collection, for code that works on its elements. */
export interface CollectionHolder extends PackedBytes {
  encoding: number;
  readonly root: number;
  becomeRooted(encoding: number, root: number): void;
}

/** The value of an entry as it is: it cannot be changed. */
export class StoredCollection implements CollectionHolder {
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
    throw new Error("this collection is only read");
  }

  becomeRooted(): never {
    throw new Error("this collection is only read");
  }
}

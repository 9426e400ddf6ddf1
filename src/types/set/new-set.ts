/**
 * A set that is being made, outside of any entry: an intset in a buffer, or a table. `begin` must come first, and
 * somebody must take over or free the table (`takeRoot`).
 */
import { createIntset } from "../intset/intset.ts";
import { GrowingBytes } from "../packed-bytes.ts";
import type { CollectionHolder } from "../stored-collection.ts";
import { INTSET } from "./set-encoding.ts";

export class NewSet extends GrowingBytes implements CollectionHolder {
  encoding: number = INTSET;
  /** The table's root; 0 if there is none. */
  root = 0;

  /** Becomes an empty intset. */
  begin(): this {
    this.encoding = INTSET;
    this.root = 0;
    createIntset(this);
    return this;
  }

  becomeRooted(encoding: number, root: number): void {
    this.encoding = encoding;
    this.root = root;
  }

  /** Gives the table away: its root, or 0. */
  takeRoot(): number {
    const { root } = this;
    this.root = 0;
    return root;
  }
}

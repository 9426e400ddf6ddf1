/**
 * Reading the entries of a node, one after the other, forward or backward. What is read stands in the fields; nothing
 * is allocated. The node may be opened again in between (if its block has moved), but not be changed.
 *
 *     const entries = new NodeEntries(node);                    of whatever `node` is opened to
 *     for (let found = entries.first(); found; found = entries.next())
 *       entries.id, entries.isDeleted
 *       entries.beginFields();
 *       for (let i = 0; i < entries.pairs; i++) { entries.readPair(); entries.field, entries.value }
 */
import { ElementView } from "../listpack/element-view.ts";
import { END } from "../listpack/encoding.ts";
import { endOffset, previousElement } from "../listpack/listpack.ts";
import { StreamId } from "./stream-id.ts";
import { DELETED, SAME_FIELDS, type StreamNode } from "./stream-node.ts";

export class NodeEntries {
  /** The entry's offset, its id, and how many fields it has. */
  at = 0;
  readonly id: StreamId = new StreamId();
  pairs = 0;
  isDeleted = false;
  /** After `readPair`. Valid until the next one, or until memory changes. */
  readonly field: ElementView = new ElementView();
  readonly value: ElementView = new ElementView();
  private readonly node: StreamNode;
  private readonly nodeId = new StreamId();
  private hasSameFields = false;
  /** Offsets of the first element behind the entry's head, and of what `readPair` reads next. */
  private bodyAt = 0;
  private fieldAt = 0;
  private valueAt = 0;

  constructor(node: StreamNode) {
    this.node = node;
  }

  /** Goes to the node's first entry, be it deleted; there is always one. Reads the master. */
  first(): boolean {
    const { node } = this;
    node.readMaster();
    node.readId(this.nodeId);
    return this.read(node.entriesAt);
  }

  /** Goes to the next one; false if there is none. */
  next(): boolean {
    const { node } = this;
    return this.read(node.skip(this.bodyAt, this.hasSameFields ? this.pairs + 1 : 2 * this.pairs + 1));
  }

  /** Goes to the node's last entry. Reads the master. */
  last(): boolean {
    const { node } = this;
    node.readMaster();
    node.readId(this.nodeId);
    return this.readBefore(endOffset(node.buffer, node.start));
  }

  /** Goes to the one before; false if there is none. */
  previous(): boolean {
    return this.readBefore(this.at);
  }

  /** Before the first `readPair`. */
  beginFields(): void {
    this.fieldAt = this.hasSameFields ? this.node.fieldsAt : this.bodyAt;
    this.valueAt = this.bodyAt;
  }

  /** Reads the next field and its value. */
  readPair(): void {
    const { node, field, value } = this;
    field.read(node.buffer, node.start, this.fieldAt);
    if (this.hasSameFields) this.fieldAt = field.end;
    else this.valueAt = field.end;
    value.read(node.buffer, node.start, this.valueAt);
    this.valueAt = value.end;
    if (!this.hasSameFields) this.fieldAt = value.end;
  }

  /** Reads the entry that ends before the offset `end`: its last element says where it begins. */
  private readBefore(end: number): boolean {
    const { node } = this;
    let at = previousElement(node.buffer, node.start, end);
    node.readInteger(at);
    // Before the first entry stands the 0 that ends the master.
    if (node.low === 0) return false;
    for (let left = node.low; left > 0; left--) at = previousElement(node.buffer, node.start, at);
    return this.read(at);
  }

  private read(at: number): boolean {
    const { node, nodeId, id } = this;
    if (node.buffer[node.start + at] === END) return false;
    this.at = at;
    let next = node.readInteger(at);
    this.isDeleted = (node.low & DELETED) !== 0;
    this.hasSameFields = (node.low & SAME_FIELDS) !== 0;
    next = node.readInteger(next);
    id.msLow = (nodeId.msLow + node.low) | 0;
    id.msHigh = (nodeId.msHigh + node.high + carry(nodeId.msLow, node.low)) | 0;
    next = node.readInteger(next);
    id.seqLow = (nodeId.seqLow + node.low) | 0;
    id.seqHigh = (nodeId.seqHigh + node.high + carry(nodeId.seqLow, node.low)) | 0;
    if (this.hasSameFields) {
      this.pairs = node.fields;
    } else {
      next = node.readInteger(next);
      this.pairs = node.low;
    }
    this.bodyAt = next;
    return true;
  }
}

/** What the sum of two words, taken without sign, adds to the next one. */
function carry(a: number, b: number): number {
  return (a >>> 0) + (b >>> 0) > 0xffff_ffff ? 1 : 0;
}

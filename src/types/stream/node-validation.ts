/**
 * Nodes of streams from outside (files, RESTORE): nothing else here looks whether bytes are one. The layout is in
 * stream-node.ts.
 */
import { ElementView } from "../listpack/element-view.ts";
import { END } from "../listpack/encoding.ts";
import { HEADER_BYTES } from "../listpack/listpack.ts";
import { checkListpack } from "../listpack/validation.ts";
import { StreamId } from "./stream-id.ts";
import { DELETED, SAME_FIELDS } from "./stream-node.ts";

/** Flags, and the two parts of the id. */
const FIXED_ELEMENTS = 3;

/** Checks nodes, one after the other, and tells what is in them. */
export class NodeCheck {
  /** Of the node checked last, if it was right: how many entries, and the ids of the first and the last live one. */
  live = 0;
  deleted = 0;
  readonly firstLiveId: StreamId = new StreamId();
  readonly lastLiveId: StreamId = new StreamId();
  private readonly view = new ElementView();
  private readonly id = new StreamId();
  private bytes!: Buffer;
  /** Offset of the next element. */
  private at = 0;
  /** The last integer that was read. */
  private integer = 0;

  /**
   * Whether the bytes are the listpack of a node with this id: a listpack; as many live and deleted entries as its
   * master says, each of as many elements as it says; flags and numbers in the form in which they are written; live
   * entries in the order of their ids.
   */
  check(bytes: Buffer, nodeId: StreamId): boolean {
    if (checkListpack(bytes, 0, bytes.length, true) < 0) return false;
    this.bytes = bytes;
    this.at = HEADER_BYTES;
    if (!this.readNumber()) return false;
    const live = this.integer;
    if (!this.readNumber()) return false;
    const deleted = this.integer;
    if (!this.readNumber() || this.integer === 0) return false;
    const fields = this.integer;
    if (!this.skip(fields) || !this.readNumber() || this.integer !== 0) return false;
    this.live = 0;
    this.deleted = 0;
    while (this.bytes[this.at] !== END) if (!this.checkEntry(nodeId, fields)) return false;
    return this.live === live && this.deleted === deleted && live + deleted > 0;
  }

  private checkEntry(nodeId: StreamId, masterFields: number): boolean {
    if (!this.readNumber() || this.integer > (DELETED | SAME_FIELDS)) return false;
    const flags = this.integer;
    const { id, view } = this;
    if (!this.readElement()) return false;
    addWords(nodeId.msHigh, nodeId.msLow, view.integer.high, view.integer.low);
    id.msHigh = sumHigh;
    id.msLow = sumLow;
    if (!this.readElement()) return false;
    addWords(nodeId.seqHigh, nodeId.seqLow, view.integer.high, view.integer.low);
    id.seqHigh = sumHigh;
    id.seqLow = sumLow;
    let elements = masterFields;
    if ((flags & SAME_FIELDS) === 0) {
      if (!this.readNumber() || this.integer === 0) return false;
      elements = 2 * this.integer;
    }
    if (!this.skip(elements) || !this.readNumber()) return false;
    if (this.integer !== elements + FIXED_ELEMENTS + ((flags & SAME_FIELDS) === 0 ? 1 : 0)) return false;
    return (flags & DELETED) === 0 ? this.addLive() : this.addDeleted();
  }

  private addLive(): boolean {
    const { id } = this;
    if (id.isZero || (this.live > 0 && id.compare(this.lastLiveId) <= 0)) return false;
    if (this.live === 0) this.firstLiveId.set(id);
    this.lastLiveId.set(id);
    this.live++;
    return true;
  }

  private addDeleted(): boolean {
    this.deleted++;
    return true;
  }

  /** Reads an element, which must be stored as an integer. */
  private readElement(): boolean {
    if (this.bytes[this.at] === END) return false;
    this.view.readValue(this.bytes, 0, this.at);
    this.at = this.view.end;
    return this.view.isInteger;
  }

  /** Reads an integer that is not negative and not absurd into `integer`. */
  private readNumber(): boolean {
    if (!this.readElement() || !this.view.integer.isSafe) return false;
    this.integer = this.view.integer.toNumber();
    return this.integer >= 0;
  }

  private skip(count: number): boolean {
    for (let i = 0; i < count; i++) {
      if (this.bytes[this.at] === END) return false;
      this.view.readValue(this.bytes, 0, this.at);
      this.at = this.view.end;
    }
    return true;
  }
}

let sumHigh = 0;
let sumLow = 0;

/** Adds two integers of 64 bits, whose sum wraps around. */
function addWords(high: number, low: number, otherHigh: number, otherLow: number): void {
  const sum = (low >>> 0) + (otherLow >>> 0);
  sumHigh = (high + otherHigh + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  sumLow = sum | 0;
}

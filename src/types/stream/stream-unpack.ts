/**
 * Streams out of RDB's form. First everything is checked, without touching slab memory; then the stream is built of
 * what is known to be right. (The form itself is read twice; stream-parse.ts.)
 */
import type { Int64 } from "../../base/int64.ts";
import type { Blocks } from "../../memory/blocks.ts";
import { ChunkTree } from "../chunk-tree/chunk-tree.ts";
import {
  ACTIVE_TIME,
  ConsumerGroup,
  GROUP_BYTES,
  SEEN_TIME,
  UNKNOWN_ENTRIES_READ,
  writeConsumerTime,
} from "./consumer-group.ts";
import { NodeCheck } from "./node-validation.ts";
import { createStream, Stream } from "./stream.ts";
import { ID_BYTES, ID_WORDS, StreamId } from "./stream-id.ts";
import { StreamNode, writeNodeId } from "./stream-node.ts";
import { parseStream, refuse, type StreamTotals, type StreamVisitor } from "./stream-parse.ts";

const FIRST_PENDING_CAPACITY = 16;

// Tools that one stream at a time is checked and built with.
const nodes = new NodeCheck();
const tree = new ChunkTree();
const openNode = new StreamNode();
const stream = new Stream();
const openGroup = new ConsumerGroup();

/** The pending entries of a group that is checked: their ids in ascending order, and for each the number of its
 * consumer, counted from 1, or 0. */
class PendingOwners {
  count = 0;
  owners: Int32Array = new Int32Array(FIRST_PENDING_CAPACITY);
  private ids = new Int32Array(FIRST_PENDING_CAPACITY * ID_WORDS);

  /** Adds an id; false if it is not greater than those before. */
  add(id: StreamId): boolean {
    if (this.count > 0 && this.compare(id, this.count - 1) <= 0) return false;
    if (this.count === this.owners.length) this.grow();
    id.writeWords(this.ids, this.count * ID_WORDS);
    this.count++;
    return true;
  }

  /** Gives an entry to a consumer; false if there is none with this id, or it has one. */
  own(id: StreamId, consumer: number): boolean {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(id, middle) > 0) low = middle + 1;
      else high = middle;
    }
    if (low === this.count || this.compare(id, low) !== 0 || this.owners[low] !== 0) return false;
    this.owners[low] = consumer;
    return true;
  }

  get allHaveOwners(): boolean {
    for (let i = 0; i < this.count; i++) if (this.owners[i] === 0) return false;
    return true;
  }

  private compare(id: StreamId, index: number): number {
    const { ids } = this;
    const at = index * ID_WORDS;
    return id.compareWords(ids[at], ids[at + 1], ids[at + 2], ids[at + 3]);
  }

  private grow(): void {
    const owners = new Int32Array(this.count * 2);
    owners.set(this.owners);
    this.owners = owners;
    const ids = new Int32Array(this.count * 2 * ID_WORDS);
    ids.set(this.ids);
    this.ids = ids;
  }
}

/** Refuses what no stream can be, or Redis never writes. */
class StreamCheck implements StreamVisitor {
  /** For each group, the number of the consumer of each pending entry, counted from 1. */
  readonly owners: Int32Array[] = [];
  /** The first live entry's id; 0-0 if there is none. */
  readonly firstLiveId: StreamId = new StreamId();
  private readonly lastNodeId = new StreamId();
  private readonly lastLiveId = new StreamId();
  private nodeCount = 0;
  private live = 0;
  private groupName: Buffer | undefined;
  private consumerName: Buffer | undefined;
  private consumers = 0;
  private pendingOwners = new PendingOwners();
  private readonly lastOwned = new StreamId();

  node(id: StreamId, listpack: Buffer): void {
    if (this.nodeCount > 0 && id.compare(this.lastNodeId) <= 0) refuse("has nodes in the wrong order");
    this.lastNodeId.set(id);
    this.nodeCount++;
    if (!nodes.check(listpack, id)) refuse("has a damaged node");
    if (nodes.live === 0) return;
    if (this.live === 0) this.firstLiveId.set(nodes.firstLiveId);
    if (nodes.lastLiveId.compare(this.lastLiveId) > 0) this.lastLiveId.set(nodes.lastLiveId);
    this.live += nodes.live;
  }

  totals({ length, lastId }: StreamTotals): void {
    if (length.toNumber() !== this.live) refuse("has another number of entries than it says");
    if (lastId.compare(this.lastLiveId) < 0) refuse("has an entry beyond the last id");
  }

  group(name: Buffer): void {
    if (this.groupName !== undefined && name.compare(this.groupName) <= 0)
      refuse("has groups in the wrong order");
    this.groupName = name;
    this.consumerName = undefined;
    this.consumers = 0;
    this.pendingOwners = new PendingOwners();
  }

  pending(id: StreamId): void {
    if (!this.pendingOwners.add(id)) refuse("has pending entries in the wrong order");
  }

  consumer(name: Buffer): void {
    if (this.consumerName !== undefined && name.compare(this.consumerName) <= 0)
      refuse("has consumers in the wrong order");
    this.consumerName = name;
    this.consumers++;
    this.lastOwned.setMin();
  }

  owned(id: StreamId): void {
    if (id.compare(this.lastOwned) < 0) refuse("has a consumer's entries in the wrong order");
    this.lastOwned.set(id);
    if (!this.pendingOwners.own(id, this.consumers))
      refuse("has a consumer with an entry that is not pending, or another's");
  }

  endGroup(): void {
    if (!this.pendingOwners.allHaveOwners) refuse("has a pending entry without a consumer");
    this.owners.push(this.pendingOwners.owners.subarray(0, this.pendingOwners.count));
  }
}

/** Builds a stream of what was checked. */
class StreamBuilder implements StreamVisitor {
  readonly root: number;
  private readonly blocks: Blocks;
  private readonly checked: StreamCheck;
  private groups = 0;
  /** Addresses of the group's consumers. */
  private consumers: number[] = [];

  constructor(blocks: Blocks, checked: StreamCheck) {
    this.blocks = blocks;
    this.checked = checked;
    this.root = createStream(blocks.slabs);
    tree.open(blocks.slabs, this.root);
  }

  node(id: StreamId, listpack: Buffer): void {
    const { blocks } = this;
    const leaf = blocks.allocate(ID_BYTES + listpack.length);
    const start = blocks.start(leaf);
    writeNodeId(blocks.buffer(leaf), start, id);
    listpack.copy(blocks.buffer(leaf), start + ID_BYTES);
    openNode.open(blocks, leaf).readMaster();
    tree.append(leaf, openNode.live + openNode.deleted);
  }

  totals(totals: StreamTotals): void {
    stream.open(this.blocks, this.root);
    stream.length = totals.length.toNumber();
    stream.lastId.set(totals.lastId);
    if (totals.isKnown) {
      const { entriesAdded } = totals;
      stream.firstId.set(totals.firstId);
      stream.maxDeletedId.set(totals.maxDeletedId);
      stream.entriesAdded.setWords(entriesAdded.high, entriesAdded.low);
    } else {
      // As Redis has it: what came before is as if it had never been.
      stream.entriesAdded.setNumber(stream.length);
      if (stream.length > 0) stream.firstId.set(this.checked.firstLiveId);
      else stream.firstId.setMax();
    }
    stream.store();
  }

  group(name: Buffer, lastId: StreamId, entriesRead: Int64 | undefined): void {
    const { blocks } = this;
    openGroup.openNew(blocks, stream.openOrCreateGroups().add(name, 0, name.length, GROUP_BYTES));
    openGroup.lastId.set(lastId);
    if (entriesRead !== undefined) openGroup.entriesRead.setWords(entriesRead.high, entriesRead.low);
    else if (!stream.countEntriesTo(lastId, openGroup.entriesRead))
      openGroup.entriesRead.setNumber(UNKNOWN_ENTRIES_READ);
    openGroup.store();
    this.consumers = [];
  }

  pending(id: StreamId, time: Int64, count: Int64): void {
    const { pending } = openGroup;
    pending.append(id);
    pending.writeTime(time);
    pending.writeCount(count);
  }

  consumer(name: Buffer, seen: Int64, active: Int64): void {
    const { blocks } = this;
    const address = openGroup.addConsumer(name, 0, name.length, 0);
    writeConsumerTime(blocks, address, SEEN_TIME, seen);
    writeConsumerTime(blocks, address, ACTIVE_TIME, active);
    openGroup.openOwned(address);
    this.consumers.push(address);
  }

  owned(id: StreamId): void {
    openGroup.owned.append(id);
  }

  endGroup(): void {
    const { pending } = openGroup;
    const owners = this.checked.owners[this.groups++];
    let i = 0;
    for (let found = pending.first(); found; found = pending.next())
      pending.consumer = this.consumers[owners[i++] - 1];
  }
}

/** Checks a stream in RDB's form of this type; what comes back builds it, and returns its root. Throws a StorageError
 * "corrupt". */
export function unpackStream(packed: Buffer, rdbType: number): (blocks: Blocks) => number {
  const checked = new StreamCheck();
  parseStream(packed, rdbType, checked);
  return (blocks) => {
    const builder = new StreamBuilder(blocks, checked);
    parseStream(packed, rdbType, builder);
    return builder.root;
  };
}

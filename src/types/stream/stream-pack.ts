/**
 * Streams in RDB's form, type 19 (RDB_TYPE_STREAM_LISTPACKS_2), as Redis 7.0 writes it:
 *
 *     number of nodes, each: id as a string of 16 bytes, listpack as a string
 *     entries, last id, first id, greatest deleted id, entries added
 *     number of groups, each: name, last id, entries read,
 *         number of pending entries, each: [id: 16][delivery time: 8]times delivered
 *         number of consumers, each: name, [seen: 8], number of its pending entries, each: [id: 16]
 *
 * Numbers are lengths (../rdb-encoding.ts) of up to 64 bits, ids two of them, but where a size stands: there they are
 * big-endian, times little-endian.
 */
import type { ByteArena } from "../../base/byte-arena.ts";
import { Int64 } from "../../base/int64.ts";
import { writeInt32 } from "../../base/little-endian.ts";
import type { Blocks } from "../../memory/blocks.ts";
import { ChunkTree } from "../chunk-tree/chunk-tree.ts";
import type { PartSink } from "../data-type.ts";
import { PartMeter } from "../packed-parts.ts";
import { encodeLength, encodeLength64, encodeString, STRING_OVERHEAD_BYTES } from "../rdb-encoding.ts";
import { ConsumerGroup, pendingCount, readConsumerTime, SEEN_TIME } from "./consumer-group.ts";
import { nameOf } from "./named-objects.ts";
import { Stream } from "./stream.ts";
import { ID_BYTES, StreamId } from "./stream-id.ts";
import { readNodeId } from "./stream-node.ts";

/** Of no stream. */
const NOTHING: Buffer = Buffer.alloc(0);
const nodeId = new StreamId();
const idBytes: Buffer = Buffer.alloc(ID_BYTES);
// For callers that only compute sizes.
const sized = new Stream();
const sizedGroup = new ConsumerGroup();
const sizedTree = new ChunkTree();

/** Streams of fewer nodes and pending entries are packed at once. */
const FEW_NODES = 10;
const FEW_PENDING = 1000;
/** What follows the nodes is handed over in parts of about this size: a few tenths of a millisecond of work. */
const PART_BYTES = 16 * 1024;
/** In the buffer for that, a record and a name of usual length have room behind them. */
const PART_BUFFER_BYTES: number = PART_BYTES + 1024;
const TIME_BYTES = 8;
const LENGTH_MAX_BYTES = 9;
/** Eight numbers, and how many nodes and groups there are. */
const TOTALS_MAX_BYTES: number = 10 * LENGTH_MAX_BYTES;

/** Writes a stream where it is told to. */
class StreamPacker {
  target: Buffer = NOTHING;
  end = 0;
  private partBytes = Number.POSITIVE_INFINITY;
  private blocks!: Blocks;
  private compress = false;
  private readonly tree = new ChunkTree();
  private readonly stream = new Stream();
  private readonly group = new ConsumerGroup();
  private readonly id = new StreamId();
  private readonly integer = new Int64();

  /** Packs all of it; the target must have room for it. Returns its length. */
  pack(blocks: Blocks, root: number, target: Buffer, compress: boolean): number {
    this.begin(blocks, target, compress);
    this.packNodes(root);
    this.packTail(root).next();
    return this.finish();
  }

  /** The same with all but the nodes. */
  packAllOfTail(blocks: Blocks, root: number, target: Buffer): number {
    this.begin(blocks, target, false);
    this.packTail(root).next();
    return this.finish();
  }

  private begin(blocks: Blocks, target: Buffer, compress: boolean): void {
    this.blocks = blocks;
    this.target = target;
    this.end = 0;
    this.compress = compress;
    this.partBytes = Number.POSITIVE_INFINITY;
  }

  private finish(): number {
    // Nobody else's bytes are kept in memory.
    this.target = NOTHING;
    return this.end;
  }

  /** All but the nodes, in parts, each of which is in `target` up to `end`, the last one too. */
  *packTailInParts(blocks: Blocks, root: number): Generator<void, void> {
    this.begin(blocks, Buffer.allocUnsafeSlow(PART_BUFFER_BYTES), false);
    this.partBytes = PART_BYTES;
    yield* this.packTail(root);
    yield;
  }

  /** Yields only after each part, whose bytes are taken then. */
  private *packTail(root: number): Generator<void, void> {
    const { stream } = this;
    stream.open(this.blocks, root);
    this.length(stream.length);
    this.streamId(stream.lastId);
    this.streamId(stream.firstId);
    this.streamId(stream.maxDeletedId);
    this.integer64(stream.entriesAdded);
    const groups = stream.openGroups();
    this.length(groups?.size ?? 0);
    for (let found = groups?.first() ?? false; found; found = groups!.next())
      yield* this.packGroup(groups!.address);
  }

  private packNodes(root: number): void {
    const { blocks, id, tree } = this;
    tree.open(blocks.slabs, root);
    this.length(tree.leaves);
    for (let leaf = tree.seekFirst(); leaf !== 0; leaf = tree.next()) {
      const bytes = blocks.buffer(leaf);
      const start = blocks.start(leaf);
      readNodeId(bytes, start, id);
      this.length(ID_BYTES);
      this.end = id.writeBytes(this.target, this.end);
      this.string(bytes, start + ID_BYTES, blocks.length(leaf) - ID_BYTES);
    }
  }

  private *packGroup(address: number): Generator<void, void> {
    const { group, id, integer } = this;
    group.open(this.blocks, address);
    this.name(address);
    this.streamId(group.lastId);
    this.integer64(group.entriesRead);
    const { pending, consumers } = group;
    this.length(pending.size);
    for (let found = pending.first(); found; found = pending.next()) {
      this.end = pending.readId(id).writeBytes(this.target, this.end);
      this.time(pending.readTime(integer));
      this.integer64(pending.readCount(integer));
      if (this.end >= this.partBytes) yield* this.handOver();
    }
    this.length(consumers.size);
    for (let found = consumers.first(); found; found = consumers.next())
      yield* this.packConsumer(consumers.address);
  }

  private *packConsumer(address: number): Generator<void, void> {
    const { group, id } = this;
    this.name(address);
    this.time(readConsumerTime(this.blocks, address, SEEN_TIME, this.integer));
    const owned = group.openOwned(address);
    this.length(owned.size);
    if (this.end >= this.partBytes) yield* this.handOver();
    for (let found = owned.first(); found; found = owned.next()) {
      this.end = owned.readId(id).writeBytes(this.target, this.end);
      if (this.end >= this.partBytes) yield* this.handOver();
    }
  }

  private *handOver(): Generator<void, void> {
    yield;
    this.end = 0;
  }

  private length(value: number): void {
    this.end = encodeLength(this.target, this.end, value);
  }

  private integer64(value: Int64): void {
    this.end = encodeLength64(this.target, this.end, value.high, value.low);
  }

  private streamId(value: StreamId): void {
    this.end = encodeLength64(this.target, this.end, value.msHigh, value.msLow);
    this.end = encodeLength64(this.target, this.end, value.seqHigh, value.seqLow);
  }

  private time(value: Int64): void {
    writeInt32(this.target, this.end, value.low);
    writeInt32(this.target, this.end + 4, value.high);
    this.end += TIME_BYTES;
  }

  private name(address: number): void {
    const { blocks } = this;
    const name = nameOf(blocks, address);
    const length = blocks.length(name);
    if (this.partBytes !== Number.POSITIVE_INFINITY) this.makeRoom(length + PART_BUFFER_BYTES - PART_BYTES);
    this.string(blocks.buffer(name), blocks.start(name), length);
  }

  /** In a buffer for parts, should a name be a very long one. */
  private makeRoom(bytes: number): void {
    if (this.end + bytes <= this.target.length) return;
    const larger = Buffer.allocUnsafeSlow(this.end + bytes);
    this.target.copy(larger, 0, 0, this.end);
    this.target = larger;
  }

  private string(bytes: Buffer, start: number, length: number): void {
    this.end = encodeString(this.target, this.end, bytes, start, length, this.compress);
  }
}

const packer = new StreamPacker();

/** The stream in RDB's form, in a piece of the arena. */
export function packStream(blocks: Blocks, root: number, arena: ByteArena, compress: boolean): Buffer {
  const target = arena.take(maxPackedBytes(blocks, root));
  return target.subarray(0, packer.pack(blocks, root, target, compress));
}

/** All that follows the nodes. */
export function packStreamTail(blocks: Blocks, root: number): Buffer {
  const target = Buffer.allocUnsafeSlow(maxTailBytes(blocks, root));
  return target.subarray(0, packer.packAllOfTail(blocks, root, target));
}

/** Whether there is so little of the stream that it is packed at once. */
export function isSmallStream(blocks: Blocks, root: number): boolean {
  sizedTree.open(blocks.slabs, root);
  return sizedTree.leaves <= FEW_NODES && allPending(blocks, root) <= FEW_PENDING;
}

/** See DataType.packInParts. */
export function packStreamInParts(
  blocks: Blocks,
  root: number,
  sink: PartSink,
): Iterator<void, void> | undefined {
  return isSmallStream(blocks, root) ? undefined : packInParts(blocks, root, sink);
}

/** A node's id and listpack, as part of the packed form; the block's bytes begin at `start`. */
export function packNode(sink: PartSink, bytes: Buffer, start: number, length: number): void {
  readNodeId(bytes, start, nodeId);
  nodeId.writeBytes(idBytes, 0);
  sink.appendLength(ID_BYTES);
  sink.appendBytes(idBytes, 0, ID_BYTES);
  sink.appendText(bytes, start + ID_BYTES, length - ID_BYTES);
}

function* packInParts(blocks: Blocks, root: number, sink: PartSink): Generator<void, void> {
  const meter = new PartMeter();
  const nodes = new ChunkTree().open(blocks.slabs, root);
  sink.appendLength(nodes.leaves);
  for (let leaf = nodes.seekFirst(); leaf !== 0; leaf = nodes.next()) {
    const length = blocks.length(leaf);
    packNode(sink, blocks.buffer(leaf), blocks.start(leaf), length);
    if (meter.isFull(length)) yield;
  }
  // Of its own: other streams may be packed between two parts.
  const tail = new StreamPacker();
  for (const part of tail.packTailInParts(blocks, root)) {
    sink.appendBytes(tail.target, 0, tail.end);
    yield part;
  }
}

/** Pending entries of all groups. */
function allPending(blocks: Blocks, root: number): number {
  let pending = 0;
  const groups = sized.open(blocks, root).openGroups();
  for (let found = groups?.first() ?? false; found; found = groups!.next())
    pending += pendingCount(blocks, groups!.address);
  return pending;
}

/** No fewer bytes than the packed form takes. */
function maxPackedBytes(blocks: Blocks, root: number): number {
  let bytes = maxTailBytes(blocks, root);
  sizedTree.open(blocks.slabs, root);
  for (let leaf = sizedTree.seekFirst(); leaf !== 0; leaf = sizedTree.next())
    bytes += 1 + blocks.length(leaf) + STRING_OVERHEAD_BYTES;
  return bytes;
}

/** The same of what follows the nodes. */
function maxTailBytes(blocks: Blocks, root: number): number {
  let bytes = TOTALS_MAX_BYTES;
  const groups = sized.open(blocks, root).openGroups();
  for (let found = groups?.first() ?? false; found; found = groups!.next()) {
    const { address } = groups!;
    bytes += nameBytes(blocks, address) + 5 * LENGTH_MAX_BYTES;
    bytes += pendingCount(blocks, address) * (ID_BYTES + TIME_BYTES + LENGTH_MAX_BYTES);
    const { consumers } = sizedGroup.open(blocks, address);
    for (let more = consumers.first(); more; more = consumers.next()) {
      bytes += nameBytes(blocks, consumers.address) + TIME_BYTES + LENGTH_MAX_BYTES;
      bytes += pendingCount(blocks, consumers.address) * ID_BYTES;
    }
  }
  return bytes;
}

function nameBytes(blocks: Blocks, address: number): number {
  return blocks.length(nameOf(blocks, address)) + STRING_OVERHEAD_BYTES;
}

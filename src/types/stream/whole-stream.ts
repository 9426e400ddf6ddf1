/**
 * Streams as wholes: freeing them bit by bit, copying, measuring.
 */
import { Int64 } from "../../base/int64.ts";
import type { Blocks } from "../../memory/blocks.ts";
import { SLAB_MASK, SLAB_SHIFT } from "../../memory/slabs.ts";
import { ChunkTree } from "../chunk-tree/chunk-tree.ts";
import { ROOT_WORDS } from "../chunk-tree/layout.ts";
import { copyTree, createTree, disposeStep, treeBytes } from "../chunk-tree/whole-tree.ts";
import {
  ACTIVE_TIME,
  ConsumerGroup,
  consumersOf,
  GROUP_BYTES,
  readConsumerTime,
  SEEN_TIME,
  writeConsumerTime,
} from "./consumer-group.ts";
import { NamedObjects, nameOf } from "./named-objects.ts";
import { clearRecords, copyRecords } from "./ordered-records.ts";
import { OwnedEntries, PendingEntries } from "./pending-entries.ts";
import { createStream, groupsOf, STREAM_WORDS, setGroups } from "./stream.ts";

const tree = new ChunkTree();
const groups = new NamedObjects();
const consumers = new NamedObjects();
const copiedGroups = new NamedObjects();
const copiedGroup = new ConsumerGroup();
const pending = new PendingEntries();
const owned = new OwnedEntries();
const time = new Int64();

/** Frees about `limit` nodes, leaves and consumers of a stream; true when all is freed, the root too. */
export function disposeStream(blocks: Blocks, root: number, limit: number): boolean {
  const { slabs } = blocks;
  if (!disposeStep(slabs, root, limit, (leaf) => blocks.free(leaf))) return false;
  const groupsRoot = groupsOf(slabs, root);
  if (groupsRoot !== 0) {
    groups.openIn(blocks, groupsRoot);
    let left = limit;
    while (groups.last()) {
      left = disposeGroup(blocks, groups.address, left);
      if (left <= 0) return false;
      groups.removeObject();
    }
    slabs.free(groupsRoot);
  }
  slabs.free(root);
  return true;
}

/** Frees what a group has, but for the object itself. Returns what of the limit is left: 0 if that was too little. */
function disposeGroup(blocks: Blocks, group: number, limit: number): number {
  const { slabs } = blocks;
  if (!clearRecords(slabs, group, limit)) return 0;
  const consumersRoot = consumersOf(blocks, group);
  consumers.openIn(blocks, consumersRoot);
  let left = limit;
  while (consumers.last()) {
    if (left <= 0 || !clearRecords(slabs, consumers.address, left)) return 0;
    consumers.removeObject();
    left--;
  }
  if (left > 0) slabs.free(consumersRoot);
  return left;
}

/** Takes the present group out of a stream's groups: returns the root of a stream that has nothing else, to be freed.
 */
export function detachGroup(blocks: Blocks, from: NamedObjects): number {
  const { slabs } = blocks;
  const { address } = from;
  from.remove();
  const root = createStream(slabs);
  const groupsRoot = createTree(slabs);
  setGroups(slabs, root, groupsRoot);
  groups.openIn(blocks, groupsRoot).appendObject(address);
  return root;
}

/** The root of a copy. */
export function copyStream(blocks: Blocks, from: number): number {
  const { slabs } = blocks;
  const root = createStream(slabs);
  copyTree(slabs, from, root, (leaf) => copyBlock(blocks, leaf));
  const source = slabs.words[from >>> SLAB_SHIFT];
  const target = slabs.words[root >>> SLAB_SHIFT];
  const at = (from & SLAB_MASK) << 2;
  const to = (root & SLAB_MASK) << 2;
  for (let i = ROOT_WORDS; i < STREAM_WORDS; i++) target[to + i] = source[at + i];
  const groupsRoot = groupsOf(slabs, from);
  if (groupsRoot === 0) return root;
  setGroups(slabs, root, createTree(slabs));
  groups.openIn(blocks, groupsRoot);
  copiedGroups.openIn(blocks, groupsOf(slabs, root));
  for (let found = groups.first(); found; found = groups.next()) {
    const name = nameBytes(blocks, groups.address);
    copyGroup(blocks, groups.address, copiedGroups.add(name, 0, name.length, GROUP_BYTES));
  }
  return root;
}

function copyGroup(blocks: Blocks, from: number, to: number): void {
  const { slabs } = blocks;
  copiedGroup.open(blocks, from);
  const { lastId, entriesRead } = copiedGroup;
  const group = new ConsumerGroup().openNew(blocks, to);
  group.lastId.set(lastId);
  group.entriesRead.setWords(entriesRead.high, entriesRead.low);
  group.store();
  copyRecords(slabs, from, to);
  const copies = new Map<number, number>();
  consumers.openIn(blocks, consumersOf(blocks, from));
  for (let found = consumers.first(); found; found = consumers.next()) {
    const { address } = consumers;
    const name = nameBytes(blocks, address);
    const copy = group.addConsumer(name, 0, name.length, 0);
    for (const which of [SEEN_TIME, ACTIVE_TIME])
      writeConsumerTime(blocks, copy, which, readConsumerTime(blocks, address, which, time));
    copyRecords(slabs, address, copy);
    copies.set(address, copy);
  }
  pending.open(slabs, to);
  for (let found = pending.first(); found; found = pending.next())
    pending.consumer = copies.get(pending.consumer)!;
}

/** A copy of an object's name. */
function nameBytes(blocks: Blocks, address: number): Buffer {
  const name = nameOf(blocks, address);
  const start = blocks.start(name);
  return Buffer.from(blocks.buffer(name).subarray(start, start + blocks.length(name)));
}

function copyBlock(blocks: Blocks, block: number): number {
  const length = blocks.length(block);
  const copy = blocks.allocate(length);
  const start = blocks.start(block);
  blocks.buffer(block).copy(blocks.buffer(copy), blocks.start(copy), start, start + length);
  return copy;
}

/** Bytes that a stream takes; of its nodes the first `samples` are looked at, and the last one. */
export function streamBytes(blocks: Blocks, root: number, samples: number): number {
  const { slabs } = blocks;
  tree.open(slabs, root);
  let bytes = treeBytes(slabs, root);
  let nodes = 0;
  let nodeBytes = 0;
  for (let leaf = tree.seekFirst(); leaf !== 0 && nodes < samples; leaf = tree.next()) {
    nodeBytes += blocks.sizeBytes(leaf);
    nodes++;
  }
  if (nodes === tree.leaves || nodes === 0) bytes += nodeBytes;
  else bytes += (nodeBytes / nodes) * (tree.leaves - 1) + blocks.sizeBytes(tree.seekLast());
  const groupsRoot = groupsOf(slabs, root);
  if (groupsRoot === 0) return Math.round(bytes);
  groups.openIn(blocks, groupsRoot);
  bytes += groups.sizeBytes;
  for (let found = groups.first(); found; found = groups.next()) bytes += groupBytes(blocks, groups.address);
  return Math.round(bytes);
}

function groupBytes(blocks: Blocks, group: number): number {
  const { slabs } = blocks;
  consumers.openIn(blocks, consumersOf(blocks, group));
  let bytes = blocks.sizeBytes(nameOf(blocks, group)) + pending.open(slabs, group).sizeBytes;
  bytes += consumers.sizeBytes;
  for (let found = consumers.first(); found; found = consumers.next()) {
    const { address } = consumers;
    bytes += blocks.sizeBytes(nameOf(blocks, address)) + owned.open(slabs, address).sizeBytes;
  }
  return bytes;
}

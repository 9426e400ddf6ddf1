/**
 * A consumer group: how far it has read, its pending entries and its consumers. One object works on all groups, one
 * after the other: `open` turns it to one.
 *
 *     group       [pending entries: the root of a tree, 4][name][consumers][last id: 4][entries read: 2]
 *     consumer    [ids of its pending entries: the root of a tree, 4][name][seen: 2][active: 2]
 *
 * Words of 32 bits: name is a block, consumers is the address of a tree's root (named-objects.ts). Invariant: each
 * pending entry has a consumer, which has its id, and the other way round.
 */
import { Int64 } from "../../base/int64.ts";
import type { Blocks } from "../../memory/blocks.ts";
import { SLAB_MASK, SLAB_SHIFT } from "../../memory/slabs.ts";
import { createTree, treeSize } from "../chunk-tree/whole-tree.ts";
import { NAME, NamedObjects } from "./named-objects.ts";
import { clearRecords } from "./ordered-records.ts";
import { OwnedEntries, PendingEntries } from "./pending-entries.ts";
import { ID_WORDS, StreamId } from "./stream-id.ts";

const CONSUMERS: number = NAME + 1;
const LAST_ID: number = CONSUMERS + 1;
const ENTRIES_READ: number = LAST_ID + ID_WORDS;
/** Bytes of a group. */
export const GROUP_BYTES: number = (ENTRIES_READ + 2) * 4;

/** When a consumer last asked for something, in Unix milliseconds. */
export const SEEN_TIME: number = NAME + 1;
/** When it was last given something, or -1. From Redis 7.2. */
export const ACTIVE_TIME: number = SEEN_TIME + 2;
const CONSUMER_BYTES: number = (ACTIVE_TIME + 2) * 4;

/** Entries read, when that is not known. */
export const UNKNOWN_ENTRIES_READ = -1;

const TWO_32 = 0x1_0000_0000;

export class ConsumerGroup {
  address = 0;
  /** Copies of what lies in memory: after changing them, call `store`. */
  readonly lastId: StreamId = new StreamId();
  readonly entriesRead: Int64 = new Int64();
  readonly pending: PendingEntries = new PendingEntries();
  readonly consumers: NamedObjects = new NamedObjects();
  /** What `openOwned` opens. */
  readonly owned: OwnedEntries = new OwnedEntries();
  private blocks!: Blocks;
  private readonly id = new StreamId();

  open(blocks: Blocks, address: number): this {
    this.blocks = blocks;
    this.address = address;
    const { slabs } = blocks;
    const words = slabs.words[address >>> SLAB_SHIFT];
    const w = (address & SLAB_MASK) << 2;
    this.lastId.readWords(words, w + LAST_ID);
    this.entriesRead.setWords(words[w + ENTRIES_READ], words[w + ENTRIES_READ + 1]);
    this.pending.open(slabs, address);
    this.consumers.openIn(blocks, words[w + CONSUMERS]);
    return this;
  }

  /** Opens a group that was just made, of zeros: nobody has read, and how many entries came before is unknown. */
  openNew(blocks: Blocks, address: number): this {
    const { slabs } = blocks;
    slabs.words[address >>> SLAB_SHIFT][((address & SLAB_MASK) << 2) + CONSUMERS] = createTree(slabs);
    this.open(blocks, address);
    this.entriesRead.setNumber(UNKNOWN_ENTRIES_READ);
    return this;
  }

  /** Writes `lastId` and `entriesRead`. */
  store(): void {
    const { address } = this;
    const words = this.blocks.slabs.words[address >>> SLAB_SHIFT];
    const w = (address & SLAB_MASK) << 2;
    this.lastId.writeWords(words, w + LAST_ID);
    words[w + ENTRIES_READ] = this.entriesRead.high;
    words[w + ENTRIES_READ + 1] = this.entriesRead.low;
  }

  get hasEntriesRead(): boolean {
    return (this.entriesRead.high & this.entriesRead.low) !== UNKNOWN_ENTRIES_READ;
  }

  /** Makes a consumer, seen now and never active; 0 if there is one with this name. */
  addConsumer(buffer: Buffer, start: number, length: number, nowMs: number): number {
    const address = this.consumers.add(buffer, start, length, CONSUMER_BYTES);
    if (address === 0) return 0;
    setConsumerTime(this.blocks, address, SEEN_TIME, nowMs);
    setConsumerTime(this.blocks, address, ACTIVE_TIME, -1);
    return address;
  }

  /** Turns `owned` to the entries of a consumer. */
  openOwned(consumer: number): OwnedEntries {
    return this.owned.open(this.blocks.slabs, consumer);
  }

  /** Gives the present pending entry, whose id this is, to a consumer. */
  giveTo(consumer: number, id: StreamId): void {
    const before = this.pending.consumer;
    if (before === consumer) return;
    if (before !== 0) this.disown(before, id);
    this.openOwned(consumer).add(id);
    this.pending.consumer = consumer;
  }

  /** Removes the present pending entry, whose id this is. */
  removePending(id: StreamId): void {
    const { consumer } = this.pending;
    this.pending.remove();
    if (consumer !== 0) this.disown(consumer, id);
  }

  private disown(consumer: number, id: StreamId): void {
    if (this.openOwned(consumer).find(id)) this.owned.remove();
  }

  /** Removes the consumer that is present in `consumers`, and its pending entries. */
  removeConsumer(): void {
    const { id } = this;
    const { address } = this.consumers;
    const owned = this.openOwned(address);
    for (let found = owned.first(); found; found = owned.next()) {
      if (this.pending.find(owned.readId(id))) this.pending.remove();
    }
    clearRecords(this.blocks.slabs, address, Number.POSITIVE_INFINITY);
    this.consumers.removeObject();
  }
}

/** The root of the tree of a group's consumers. */
export function consumersOf(blocks: Blocks, group: number): number {
  return blocks.slabs.words[group >>> SLAB_SHIFT][((group & SLAB_MASK) << 2) + CONSUMERS];
}

/** How many pending entries a group or a consumer has. */
export function pendingCount(blocks: Blocks, address: number): number {
  return treeSize(blocks.slabs, address);
}

/** One of a consumer's times: `which` is SEEN_TIME or ACTIVE_TIME. */
export function readConsumerTime(blocks: Blocks, consumer: number, which: number, time: Int64): Int64 {
  const words = blocks.slabs.words[consumer >>> SLAB_SHIFT];
  const w = ((consumer & SLAB_MASK) << 2) + which;
  time.setWords(words[w], words[w + 1]);
  return time;
}

export function writeConsumerTime(blocks: Blocks, consumer: number, which: number, time: Int64): void {
  const words = blocks.slabs.words[consumer >>> SLAB_SHIFT];
  const w = ((consumer & SLAB_MASK) << 2) + which;
  words[w] = time.high;
  words[w + 1] = time.low;
}

/** As `writeConsumerTime`, of an integer. */
export function setConsumerTime(blocks: Blocks, consumer: number, which: number, timeMs: number): void {
  const words = blocks.slabs.words[consumer >>> SLAB_SHIFT];
  const w = ((consumer & SLAB_MASK) << 2) + which;
  words[w] = Math.floor(timeMs / TWO_32);
  words[w + 1] = timeMs;
}

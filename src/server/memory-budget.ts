/**
 * What counts against maxmemory: everything that data causes. The hot tier's share is exact at any moment; the rest
 * (table directories, buffers of clients) is added up once per cron; LevelDB's memtables count as if they were full.
 * As in Redis, buffers of the append-only file do not count: spilling could not make them smaller. They have a limit
 * of their own (aof-state.ts).
 */
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { SpillBudget } from "../keyspace/spiller.ts";

/** Shares of the limit. */
const SPILL_FROM = 0.96;
const SPILL_TO = 0.95;
/** With a cold tier, the data keeps this share of the limit whatever buffers of clients and memtables take: what is
 * fetched and written must have some room, or a few clients with long pipelines would bring everything to a stop. */
const DATA_SHARE = 1 / 4;
/** At most this share of the limit goes to the cold tier's memtables; what they take above that comes on top. */
const MEMTABLES_SHARE = 1 / 16;
/** While data is loaded there are no clients with buffers, and what a log adds to the base would all have to be written
 * to the cold tier before anybody is served. So loading may use this share more, and the tier takes it afterwards. */
const LOADING_SHARE = 0.5;
const MAX_LOADING_BYTES = 64 * 1024 * 1024;
/** However much else the process takes, the data keeps this share of the limit. Slabs stay with the process when data
 * leaves them, but for a few: with their room in mind, the data keeps the second share. */
const LEAST_SHARE = 1 / 4;
const LEAST_SHARE_IN_SLABS = 1 / 2;
/** Where the process takes less than before, so much of the difference is believed: it may be more again soon. */
const BELIEVED_SHARE = 1 / 8;

/** Most entries are smaller. */
const LARGE_ENTRY_BYTES = 512;

export class MemoryBudget implements SpillBudget {
  /** maxmemory in bytes; 0 means no limit, as in Redis. Set by `setLimit`. */
  limit = 0;
  /** The limit, or Infinity. */
  limitBytes = Number.POSITIVE_INFINITY;
  /** Spilling begins here, a little before the limit, so that writers seldom have to wait for it; it ends at
   * `spillToBytes`. */
  spillFromBytes = Number.POSITIVE_INFINITY;
  spillToBytes = Number.POSITIVE_INFINITY;
  /** Bytes outside slabs and huge values, as of the last cron. */
  overheadBytes = 0;
  peakBytes = 0;
  /** What of the data does not count against the limit; set by `exempt`. */
  exemptBytes = 0;
  /** For tests: values leave memory as soon as they can, however much of it is free. */
  private readonly spillsAll: boolean;
  private isLoading = false;
  /** What the process may take in all, and what it takes that nothing here counts: set by `fitInto`. */
  private roomBytes = Number.POSITIVE_INFINITY;
  private uncountedBytes = 0;
  /** How much of the overhead counts against the limit, less what is exempt. */
  private chargedOverheadBytes = 0;
  /** What the hot tier takes before there is any data. */
  private readonly emptyBytes: number;
  private readonly keyspace: Keyspace;
  private readonly hasTier: boolean;
  private readonly memtableBytes: number;

  /** @param tier the cold tier, if there is one: what it takes of memory counts, too */
  constructor(keyspace: Keyspace, tier?: { readonly memtableBytes: number }, spillsAll = false) {
    this.keyspace = keyspace;
    this.emptyBytes = keyspace.entries.allocatedBytes;
    this.hasTier = tier !== undefined;
    this.memtableBytes = tier?.memtableBytes ?? 0;
    this.spillsAll = spillsAll && this.hasTier;
  }

  /** All bytes in use, for INFO. */
  get usedBytes(): number {
    return this.keyspace.entries.allocatedBytes + this.overheadBytes + this.memtableShare;
  }

  /** The bytes that are compared with the limits. */
  get chargedBytes(): number {
    return this.keyspace.entries.allocatedBytes + this.chargedOverheadBytes;
  }

  /** Keys that are sure to fit in memory, if they are no larger than most: their table may be made in advance. */
  get reservableKeys(): number {
    return this.limitBytes / LARGE_ENTRY_BYTES;
  }

  get isOver(): boolean {
    return this.chargedBytes > this.limitBytes;
  }

  /** @param limit maxmemory: bytes, or 0 for no limit */
  setLimit(limit: number): void {
    this.limit = limit;
    const allowance = this.isLoading ? Math.min(limit * LOADING_SHARE, MAX_LOADING_BYTES) : 0;
    this.limitBytes = limit === 0 ? Number.POSITIVE_INFINITY : this.fitting(limit + allowance);
    this.spillFromBytes = this.spillsAll ? 0 : this.limitBytes * SPILL_FROM;
    this.spillToBytes = this.spillsAll ? 0 : this.limitBytes * SPILL_TO;
    this.chargeOverhead();
  }

  /** Says whether data is being loaded into a server with a cold tier. */
  setLoading(isLoading: boolean): void {
    this.isLoading = isLoading && this.hasTier;
    this.setLimit(this.limit);
  }

  /**
   * With a cold tier, makes the limit so much smaller that the process has enough room: it can go below its share of
   * the memory at little cost. (Without one, data would be lost, or writes refused.)
   * @param roomBytes what the process may take in all
   * @param processBytes what it takes now, data included
   */
  fitInto(roomBytes: number, processBytes: number): void {
    const { huge, slabs } = this.keyspace.entries;
    const dataBytes = slabs.reservedBytes + huge.allocatedBytes;
    const uncounted = Math.max(0, processBytes - dataBytes - this.overheadBytes - this.memtableShare);
    const believed = this.uncountedBytes - (this.uncountedBytes - uncounted) * BELIEVED_SHARE;
    this.uncountedBytes = Math.max(uncounted, believed);
    this.roomBytes = roomBytes;
    this.setLimit(this.limit);
  }

  /** @param buffers bytes of the buffers of clients */
  measureOverhead(buffers: number): void {
    this.overheadBytes = this.directoryBytes + buffers;
    this.peakBytes = Math.max(this.peakBytes, this.usedBytes);
    this.chargeOverhead();
  }

  /** A client with buffers of that size has gone: what they took can be used before the next measurement. */
  clientGone(buffers: number): void {
    this.overheadBytes = Math.max(this.directoryBytes, this.overheadBytes - buffers);
    this.chargeOverhead();
  }

  exempt(bytes: number): void {
    this.exemptBytes = bytes;
    this.chargeOverhead();
  }

  /** What the hot tier takes besides its entries. */
  private get directoryBytes(): number {
    return this.keyspace.usedBytes - this.keyspace.entries.allocatedBytes;
  }

  private fitting(limit: number): number {
    if (!this.hasTier) return limit;
    const inSlabs = Math.min(this.keyspace.entries.slabs.reservedBytes, this.limit * LEAST_SHARE_IN_SLABS);
    return Math.min(limit, Math.max(this.limit * LEAST_SHARE, inSlabs, this.roomBytes - this.uncountedBytes));
  }

  private chargeOverhead(): void {
    const dataBytes = this.emptyBytes + this.limitBytes * DATA_SHARE;
    const most = this.hasTier ? Math.max(0, this.limitBytes - dataBytes) : Number.POSITIVE_INFINITY;
    this.chargedOverheadBytes = Math.min(this.overheadBytes + this.memtableShare, most) - this.exemptBytes;
  }

  /** Without a limit nothing is to be shared, and what the data takes is told alone. */
  private get memtableShare(): number {
    return Math.min(this.memtableBytes, this.limit * MEMTABLES_SHARE);
  }
}

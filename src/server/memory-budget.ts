/**
 * What counts against maxmemory: everything that data causes. The hot tier's share is exact at any moment; the rest
 * (table directories, buffers of clients and of the append-only file) is added up once per cron.
 */
import type { Keyspace } from "../keyspace/keyspace.ts";

export class MemoryBudget {
  /** maxmemory in bytes; 0 means no limit, as in Redis. */
  limit = 0;
  /** Bytes outside slabs and huge values, as of the last cron. */
  overheadBytes = 0;
  peakBytes = 0;
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  get usedBytes(): number {
    return this.keyspace.entries.allocatedBytes + this.overheadBytes;
  }

  get limitBytes(): number {
    return this.limit === 0 ? Number.POSITIVE_INFINITY : this.limit;
  }

  get isOver(): boolean {
    return this.limit !== 0 && this.usedBytes > this.limit;
  }

  /** @param buffers bytes of the buffers of clients and of the append-only file */
  measureOverhead(buffers: number): void {
    this.overheadBytes = this.keyspace.usedBytes - this.keyspace.entries.allocatedBytes + buffers;
    this.peakBytes = Math.max(this.peakBytes, this.usedBytes);
  }
}

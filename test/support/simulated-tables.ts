/**
 * What a simulated store has on its disk: tables, which are durable, as one map, and logs, of which a crash may take
 * the unsynced ends. Keys are texts of one character per byte: they sort as the bytes do.
 */
import type { StoreChange } from "../../src/cold/key-value-store.ts";

/** Text of a key; `keyBytes` is the way back. */
export function keyText(key: Buffer): string {
  return key.toString("latin1");
}

export function keyBytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

export interface LoggedBatch {
  readonly changes: readonly StoreChange[];
  readonly sizeBytes: number;
}

export class StoreLog {
  batches: LoggedBatch[] = [];
  /** How many of `batches` are durable. */
  synced = 0;

  get sizeBytes(): number {
    let total = 0;
    for (const batch of this.batches) total += batch.sizeBytes;
    return total;
  }
}

/** A batch with bytes of its own: the caller's may change once it is written. */
export function loggedBatch(changes: readonly StoreChange[]): LoggedBatch {
  let sizeBytes = 0;
  const copies = changes.map(({ key, value }) => {
    sizeBytes += key.length + (value?.length ?? 0);
    return { key: Buffer.from(key), value: value === undefined ? undefined : Buffer.from(value) };
  });
  return { changes: copies, sizeBytes };
}

export class StoredFolder {
  readonly tables = new Map<string, Buffer>();
  /** One or two: the present one last. */
  logs: StoreLog[] = [new StoreLog()];
  /** A failed batch that may nevertheless stand in the log: see `recover`. */
  doubtful: LoggedBatch | undefined;
  /** The life of the process that has it open (SimulatedProcess.life). */
  openedBy: number | undefined;

  get log(): StoreLog {
    return this.logs[this.logs.length - 1];
  }

  /** Writes the oldest log's memtable to a table. */
  flushOldest(): void {
    const log = this.logs.shift();
    for (const batch of log?.batches ?? []) applyTo(this.tables, batch);
    if (this.logs.length === 0) this.logs.push(new StoreLog());
  }

  /** Makes everything durable. */
  flushAll(): void {
    for (let count = this.logs.length; count > 0; count--) this.flushOldest();
  }

  /** What opening does: replays the logs into tables, a doubtful batch too if it is there. */
  recover(): void {
    if (this.doubtful !== undefined) this.log.batches.push(this.doubtful);
    this.doubtful = undefined;
    this.flushAll();
  }

  clone(): StoredFolder {
    const copy = new StoredFolder();
    for (const [key, value] of this.tables) copy.tables.set(key, value);
    copy.logs = this.logs.map((log) => {
      const same = new StoreLog();
      same.batches = [...log.batches];
      same.synced = log.synced;
      return same;
    });
    copy.doubtful = this.doubtful;
    return copy;
  }
}

/** Applies a batch to a map of keys and values. */
export function applyTo(map: Map<string, Buffer>, batch: LoggedBatch): void {
  for (const { key, value } of batch.changes) {
    if (value === undefined) map.delete(keyText(key));
    else map.set(keyText(key), value);
  }
}

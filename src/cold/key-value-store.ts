/**
 * What the cold tier asks of an ordered key-value store: LevelDB's contract, cut down to what we use.
 * Implementations: level-store.ts (classic-level) and, in tests, a simulated one that models LevelDB's behaviour
 * in a crash: one log per memtable, each losing its own unsynced end.
 */

/** One change in a batch; `value` undefined deletes the key. */
export interface StoreChange {
  readonly key: Buffer;
  readonly value: Buffer | undefined;
  /** Called by a store that has a copy of the value, though it is not written yet: the value may be given up then. */
  readonly onCopied?: (() => void) | undefined;
}

export interface StoreRange {
  /** First key of the range, inclusive. */
  readonly from: Buffer;
  /** End of the range, exclusive. */
  readonly to: Buffer;
  readonly reverse?: boolean;
}

export type StoreEntry = [key: Buffer, value: Buffer];

/** Walks a range as it was when the cursor was made, whatever is written meanwhile. */
export interface StoreCursor<Found = StoreEntry> {
  /** The next entries, at most `limit`; none at the end of the range. */
  next(limit: number): Promise<Found[]>;
  close(): Promise<void>;
}

/** What can be read of a store as it is now, and as it was at one moment. */
export interface StoreReads {
  /** Values in the order of `keys`; undefined where there is none. Each is a copy, the caller's own. */
  getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]>;
  /** A cursor over the state of this very moment (taken synchronously), or of the snapshot. */
  cursor(range: StoreRange): StoreCursor;
  /** As `cursor`, without values: they are not even copied, so a damaged one goes unnoticed. */
  keyCursor(range: StoreRange): StoreCursor<Buffer>;
}

/** Reads that all see one moment. */
export interface StoreSnapshot extends StoreReads {
  /** To be called when nobody reads from it any more. */
  close(): Promise<void>;
}

export interface KeyValueStore extends StoreReads {
  /** Bytes of memory, at most, that written entries take until they are in table files. */
  readonly memtableBytes: number;
  getSync(key: Buffer): Buffer | undefined;
  /** Applies all changes or, after a crash, none. With `sync` they, and all batches before them in the present
   * log, are durable when this resolves. */
  batch(changes: readonly StoreChange[], sync: boolean): Promise<void>;
  /** The state of this very moment (taken synchronously). Throws StorageError when the store cannot be read now. */
  snapshot(): StoreSnapshot;
  /** Moves everything written so far from logs into synced table files: a durability barrier. */
  flush(): Promise<void>;
  /** LevelDB's internal figures ("leveldb.num-files-at-level0", "leveldb.stats", ...); "" if unknown. */
  property(name: string): string;
  close(): Promise<void>;
}

/** Opens (or creates) the store in a folder. */
export type OpenStore = (folder: string) => Promise<KeyValueStore>;

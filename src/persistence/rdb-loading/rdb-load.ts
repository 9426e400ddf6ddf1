/**
 * Loads an RDB file into a keyspace, with the help of other threads where it is large (load-helpers.ts).
 */
import type { FileHandle } from "../../base/files.ts";
import type { ColdKeysPart } from "../../keyspace/cold-keys.ts";
import type { Database } from "../../keyspace/database.ts";
import type { Keyspace } from "../../keyspace/keyspace.ts";
import { LoadError } from "../load-error.ts";
import { AUX_USED_MEMORY } from "../rdb/format.ts";
import { RdbError, RdbReader, type RdbRecord } from "../rdb/reader.ts";
import { databaseOf, EntryLoader, type EntryOptions, LOADING, mostEntries } from "./entry-loader.ts";
import { type LoadHelp, LoadHelpers, NOWHERE } from "./load-helpers.ts";

/** Is told how far loading has come. */
export interface LoadObserver {
  /** Memory that the data took where the file was written. */
  usedMemory(bytes: number): void;
  /** The file is loaded up to there, with so many keys or commands of it. What it returns is awaited. */
  reached(offset: number, keys: number): Promise<void> | undefined;
  /** All of a file is loaded. */
  fileEnded(bytes: number): void;
}

export interface RdbLoadOptions extends EntryOptions {
  /** Where the RDB begins. */
  readonly start?: number;
  /** The file is the base of a manifest that names a cold tier. */
  readonly withTier?: boolean;
  readonly verifyChecksum?: boolean;
  /** Is told what the file holds and the server does not keep: data of modules beside keys. */
  readonly onSkipped?: (text: string) => void;
  /** Told what was loaded, and how many keys were left out because they had expired. */
  readonly onLoaded?: (keys: number, expired: number) => void;
  /** For so many keys the table may be made in advance. Default: for none. */
  readonly reservedKeys?: number;
  /** Waits until memory is within its budget again. */
  readonly makeRoom: () => Promise<void>;
  readonly observer?: LoadObserver | undefined;
  /** Threads that may load parts of the file, if its keys can only be in memory already, and it goes with no tier. */
  readonly help?: LoadHelp | undefined;
}

export interface RdbLoadResult {
  readonly keys: number;
  readonly endOffset: number;
}

/** Loads all entries of an RDB file. Throws RdbError, StorageError or LoadError. */
export function loadRdb(
  file: FileHandle,
  keyspace: Keyspace,
  options: RdbLoadOptions,
): Promise<RdbLoadResult> {
  return new RdbLoad(keyspace, options).run(file);
}

/** One RDB file on its way into a keyspace. */
class RdbLoad {
  private selected = 0;
  private fileBytes = 0;
  private readonly keyspace: Keyspace;
  private readonly options: RdbLoadOptions;
  private readonly loader: EntryLoader;

  constructor(keyspace: Keyspace, options: RdbLoadOptions) {
    this.keyspace = keyspace;
    this.options = options;
    this.loader = new EntryLoader(keyspace, options);
  }

  async run(file: FileHandle): Promise<RdbLoadResult> {
    const { loader, options } = this;
    const { help, start = 0, verifyChecksum = true, withTier = false } = options;
    this.fileBytes = await file.size();
    const reader = await RdbReader.open(file, {
      ...LOADING,
      start,
      privateOpcodes: withTier,
      verifyChecksum,
    });
    const isLarge = help !== undefined && this.fileBytes - start >= help.threads.fromBytes;
    const isHelped = isLarge && !withTier && options.findIn === undefined;
    const helpers = isHelped ? new LoadHelpers(this.keyspace, help, options) : undefined;
    try {
      await this.read(reader, helpers);
    } finally {
      helpers?.close();
    }
    options.onLoaded?.(loader.keys, loader.expired);
    return { keys: loader.keys, endOffset: reader.position };
  }

  private async read(reader: RdbReader, helpers: LoadHelpers | undefined): Promise<void> {
    const { loader, options } = this;
    const { start = 0 } = options;
    const progress = () => {
      const aside = helpers?.loadedBytes ?? 0;
      return options.observer?.reached(reader.position - start + aside, loader.keys);
    };
    for (;;) {
      const part = helpers?.nextAfter(reader.position);
      const limit = part?.beginOffset ?? NOWHERE;
      if (part !== undefined && reader.position === limit) {
        await part.finish(reader, loader, progress);
      } else if (!loader.loadSome(reader, limit)) {
        const [record] = await reader.readBatch();
        if (record === undefined) break;
        this.loadRecord(record);
      }
      await options.makeRoom();
      await progress();
    }
  }

  private loadRecord(record: RdbRecord): void {
    const { keyspace, options } = this;
    if (record.kind === "tombstone") {
      databaseOf(keyspace, record.db).restoreTombstone(record.key);
    } else if (record.kind === "function") {
      const error = keyspace.functions.load(record.code, options.onDuplicate === "replace");
      if (error !== undefined) throw new LoadError(`A library of functions cannot be loaded: ${error}`);
    } else if (record.kind === "cold-keys") {
      loadColdKeys(databaseOf(keyspace, record.db), record);
    } else if (record.kind === "aux") {
      if (record.key.toString() === AUX_USED_MEMORY) options.observer?.usedMemory(Number(record.value));
    } else if (record.kind === "select") {
      this.selected = record.db;
    } else if (record.kind === "resize") {
      const most = Math.min(mostEntries(this.fileBytes), options.reservedKeys ?? 0);
      keyspace.databases[this.selected]?.reserve(Math.min(record.keys, most), Math.min(record.expires, most));
    } else if (record.kind === "module-aux") {
      options.onSkipped?.(`Data of the module type ${record.module} is not kept: there are no modules`);
    } else if (record.kind === "entry") {
      this.loader.loadEntry(record);
    }
  }
}

function loadColdKeys({ coldKeys }: Database, part: ColdKeysPart & { readonly endOffset: number }): void {
  try {
    coldKeys.restore(part);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RdbError("corrupt", error.message, { offset: part.endOffset, activity: "read-len" });
  }
}

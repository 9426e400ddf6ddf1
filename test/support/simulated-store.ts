/**
 * A key-value store in memory that loses, in a crash, what LevelDB loses. Its disk outlives the process; delays,
 * faults and the death of the process are those of simulated-process.ts, and everything follows from the seed.
 *
 * As in LevelDB, a batch is appended to the present log and put into the memtable that belongs to it. When a memtable
 * is full, a new log begins, and the old memtable is written to a table, durably, at some later time; at most one
 * waits for that. A synced batch makes its own log durable up to there, and says nothing about the older one.
 * Opening turns the logs it finds into tables.
 *
 * `crash()`: each log loses, independently, some or all of the batches after its last synced one; so batches may be
 * missing whose successors, in the next log, are there. A batch is there whole or not at all.
 * `crash({ holes: true })`: any unsynced batch may be missing: pages reach the disk in any order, and LevelDB passes
 * over damaged records of its log.
 * `kill()`: nothing is lost but the process.
 *
 * A failed batch or flush is as level-store.ts has it: the batch is not seen, but may be found after a crash or kill
 * if nothing was written after it; when space was wanting the next write goes well; after any other failure the store
 * is read-only until it is opened anew.
 */

import { type Random, SeededRandom } from "../../src/base/random.ts";
import { StorageError } from "../../src/base/storage-error.ts";
import type { KeyValueStore, OpenStore } from "../../src/cold/key-value-store.ts";
import type { SimulatedDisk } from "./simulated-files.ts";
import { type Fault, type FaultRule, SimulatedProcess } from "./simulated-process.ts";
import { SimulatedStore } from "./simulated-store-process.ts";
import { type LoggedBatch, StoredFolder } from "./simulated-tables.ts";

export type StoreOperation =
  | "open"
  | "next"
  | Exclude<keyof KeyValueStore, "cursor" | "keyCursor" | "snapshot" | "property">;

export interface SimulatedStoreOptions {
  readonly seed?: number;
  /** Bytes of keys and values in a memtable before the next log begins; a few hundred, by seed, unless told. */
  readonly memtableBytes?: number;
  readonly fault?: FaultRule;
  /** The process to share with a simulated disk; one of its own unless told. */
  readonly process?: SimulatedProcess;
  /** Where the store's folder stands. When it is not there any more (removed, or its name lost in a power cut), nor is
   * the store. Without it nothing is asked, and `lose` is the way to remove a store. */
  readonly files?: SimulatedDisk;
}

/** What a crash may take, beyond the unsynced ends of logs. */
export interface CrashOptions {
  readonly holes?: boolean;
}

export class SimulatedStoreDisk {
  readonly process: SimulatedProcess;
  readonly #random: Random;
  readonly #memtableBytes: number;
  readonly #files: SimulatedDisk | undefined;
  readonly #folders = new Map<string, StoredFolder>();

  constructor(options: SimulatedStoreOptions = {}) {
    const seed = options.seed ?? 0;
    this.process = options.process ?? new SimulatedProcess(seed);
    if (options.fault !== undefined) this.process.fault = options.fault;
    this.#random = new SeededRandom(seed, 3);
    this.#memtableBytes = options.memtableBytes ?? 100 + this.#random.below(900);
    this.#files = options.files;
  }

  /** Opens the store in a folder, as `OpenStore` wants it. */
  readonly open: OpenStore = async (folder) => {
    const { process } = this;
    const life = process.life;
    const files = this.#files?.ofProcess();
    if (files !== undefined) {
      if ((await files.stat(folder)) === undefined) this.#folders.delete(folder);
      await files.mkdir(folder);
    }
    return process.call(life, "open", folder, {
      perform: () => {
        const stored = this.#stored(folder);
        if (stored.openedBy === life)
          throw new StorageError("locked", `the store in ${folder} is open already`);
        stored.openedBy = life;
        stored.recover();
        return new SimulatedStore({
          process,
          random: this.#random,
          stored,
          memtableBytes: this.#memtableBytes,
        });
      },
      fail: (code) => new StorageError(code === "ENOSPC" ? "no-space" : "io", `opening failed: ${code}`),
    });
  };

  /** The next call to `op` fails with `code`. */
  failNext(op: StoreOperation, code: Fault): void {
    this.process.failNext(op, code);
  }

  /** Cuts the power. */
  crash(options: CrashOptions = {}): void {
    this.process.stop();
    for (const stored of this.#folders.values()) {
      for (const log of stored.logs) {
        const length = log.batches.length;
        const kept =
          this.#random.below(3) === 0 ? length : log.synced + this.#random.below(length - log.synced + 1);
        log.batches = log.batches.filter(
          (_, index) =>
            index < log.synced || (index < kept && !(options.holes && this.#random.below(4) === 0)),
        );
        // It stood at the end of the present log, behind what was lost.
        if (log === stored.log && kept < length) stored.doubtful = undefined;
      }
    }
  }

  /** Ends the process; the system lives on and keeps everything written. */
  kill(): void {
    this.process.stop();
  }

  /** Lets a new process use what is on the disk. */
  restart(): void {
    this.process.restart();
  }

  /** Damage: the store is gone. */
  lose(folder: string): void {
    this.#folders.delete(folder);
  }

  /** A copy of what is on the disk, unsynced things included, for `rollBack`. */
  copy(folder: string): StoredFolder {
    return this.#stored(folder).clone();
  }

  /** Damage: an older copy of the store comes back in its place. */
  rollBack(folder: string, copy: StoredFolder): void {
    this.#folders.set(folder, copy.clone());
  }

  /** The batches that are in logs only, oldest first: those that `dropBatch` can take. They end with the next
   * `open`. */
  loggedBatches(folder: string): readonly LoggedBatch[] {
    return this.#stored(folder).logs.flatMap((log) => log.batches);
  }

  /** Damage: LevelDB meets a damaged record and goes on after it, synced or not. Call it while the store is down. */
  dropBatch(folder: string, batch: LoggedBatch): void {
    for (const log of this.#stored(folder).logs) {
      const index = log.batches.indexOf(batch);
      if (index < 0) continue;
      log.batches.splice(index, 1);
      if (index < log.synced) log.synced--;
    }
  }

  /** Everything as it would be found now if the process were killed, in key order, at once. */
  contents(folder: string): Map<string, Buffer> {
    const recovered = this.#stored(folder).clone();
    recovered.recover();
    return new Map([...recovered.tables].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #stored(folder: string): StoredFolder {
    let stored = this.#folders.get(folder);
    if (stored === undefined) {
      stored = new StoredFolder();
      this.#folders.set(folder, stored);
    }
    return stored;
  }
}

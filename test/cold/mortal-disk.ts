/**
 * Puts power cuts and refused batches before any store: the machine dies in the midst of some call, with the
 * batch under way applied or not, and a batch can be refused without effect or although it was applied.
 */
import type { Random } from "../../src/base/random.ts";
import { StorageError } from "../../src/base/storage-error.ts";
import type {
  KeyValueStore,
  StoreChange,
  StoreCursor,
  StoreRange,
  StoreReads,
  StoreSnapshot,
} from "../../src/cold/key-value-store.ts";
import type { ModelDisk } from "./tier-model.ts";

/** What survives: `crash` is called before the store is opened anew. */
export interface Survivor {
  open(): Promise<KeyValueStore>;
  crash(store: KeyValueStore): Promise<void>;
}

export class MortalDisk implements ModelDisk {
  readonly #random: Random;
  readonly #survivor: Survivor;
  #store: KeyValueStore | undefined;
  #callsLeft = Number.POSITIVE_INFINITY;
  #refusal: "before" | "after" | undefined;
  #underWay = new Set<Promise<unknown>>();
  isDead = false;

  constructor(random: Random, survivor: Survivor) {
    this.#random = random;
    this.#survivor = survivor;
  }

  died(): Promise<void> {
    return new Promise(() => undefined);
  }

  dieAfter(calls: number): void {
    this.#callsLeft = calls;
  }

  refuseBatch(when: "before" | "after"): void {
    this.#refusal = when;
  }

  async open(): Promise<KeyValueStore> {
    await Promise.allSettled(this.#underWay);
    if (this.#store !== undefined) await this.#survivor.crash(this.#store);
    this.#store = await this.#survivor.open();
    this.isDead = false;
    this.#callsLeft = Number.POSITIVE_INFINITY;
    this.#refusal = undefined;
    return new MortalStore(this, this.#store);
  }

  /** Runs a call of the store after a few turns, so that callers overlap, unless the machine dies in it. */
  call<Result>(effect: () => Promise<Result>): Promise<Result> {
    const result = this.#call(effect);
    this.#underWay.add(result);
    const forget = (): void => void this.#underWay.delete(result);
    result.then(forget, forget);
    return result;
  }

  async #call<Result>(effect: () => Promise<Result>): Promise<Result> {
    for (let turns = this.#random.below(4); turns > 0; turns -= 1) await Promise.resolve();
    if (this.isDead) throw new StorageError("closed", "the machine is off");
    this.#callsLeft -= 1;
    if (this.#callsLeft < 0) {
      this.isDead = true;
      if (this.#random.below(2) === 0) await effect();
      throw new StorageError("io", "the power failed");
    }
    return effect();
  }

  batch(effect: () => Promise<void>): Promise<void> {
    return this.call(async () => {
      const refusal = this.#refusal;
      this.#refusal = undefined;
      if (refusal !== "before") await effect();
      if (refusal !== undefined) throw new StorageError("no-space", "the disk is full");
    });
  }
}

class MortalReads implements StoreReads {
  readonly #disk: MortalDisk;
  readonly #reads: StoreReads;

  constructor(disk: MortalDisk, reads: StoreReads) {
    this.#disk = disk;
    this.#reads = reads;
  }

  getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]> {
    return this.#disk.call(() => this.#reads.getMany(keys));
  }

  cursor(range: StoreRange): StoreCursor {
    return this.#mortal(this.#reads.cursor(range));
  }

  keyCursor(range: StoreRange): StoreCursor<Buffer> {
    return this.#mortal(this.#reads.keyCursor(range));
  }

  #mortal<Found>(cursor: StoreCursor<Found>): StoreCursor<Found> {
    return {
      next: (limit) => this.#disk.call(() => cursor.next(limit)),
      close: () => cursor.close(),
    };
  }
}

class MortalSnapshot extends MortalReads implements StoreSnapshot {
  readonly #snapshot: StoreSnapshot;

  constructor(disk: MortalDisk, snapshot: StoreSnapshot) {
    super(disk, snapshot);
    this.#snapshot = snapshot;
  }

  close(): Promise<void> {
    return this.#snapshot.close();
  }
}

class MortalStore extends MortalReads implements KeyValueStore {
  readonly memtableBytes = 0;
  readonly #disk: MortalDisk;
  readonly #store: KeyValueStore;

  constructor(disk: MortalDisk, store: KeyValueStore) {
    super(disk, store);
    this.#disk = disk;
    this.#store = store;
  }

  getSync(key: Buffer): Buffer | undefined {
    return this.#store.getSync(key);
  }

  batch(changes: readonly StoreChange[], sync: boolean): Promise<void> {
    if (!sync) throw new Error("the tier must sync every batch");
    return this.#disk.batch(() => this.#store.batch(changes, true));
  }

  snapshot(): StoreSnapshot {
    return new MortalSnapshot(this.#disk, this.#store.snapshot());
  }

  flush(): Promise<void> {
    return this.#disk.call(() => this.#store.flush());
  }

  property(name: string): string {
    return this.#store.property(name);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

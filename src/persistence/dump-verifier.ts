/**
 * Reads a dump back before it replaces the one of before: its checksum, and each value out of its encoding, as a load
 * would. What a disk, a memory cell or a mistake of ours has spoilt is found now, and not at the next start.
 */
import type { Clock } from "../base/clock.ts";
import type { FileHandle, Files } from "../base/files.ts";
import { Entries } from "../memory/entries.ts";
import { HugeValues } from "../memory/huge-values.ts";
import { KeyHash } from "../memory/key-hash.ts";
import { Slabs } from "../memory/slabs.ts";
import { dataTypeOfRdb, LOADABLE_RDB_TYPES } from "../types/registry.ts";
import { ValueMemory } from "../types/value-memory.ts";
import { EntryPlace } from "./rdb/entry-scan.ts";
import { TYPE_STRING } from "./rdb/format.ts";
import { RdbReader } from "./rdb/reader.ts";

/** The seed of nothing: order does not matter where nothing is kept. */
const SEED = Buffer.alloc(16);
/** The loop is held no longer than this where there is no other thread. */
const SLICE_MS = 1;
/** Entries between pauses. */
const GROUP_ENTRIES = 32;

/** Verifies one dump after the other. */
export interface DumpVerifier {
  /** A file begins to be written. */
  begin(path: string): void;
  /** So many of its bytes are written: they may be read. `isBusy`: the event loop has other things to do. */
  written(bytes: number, isBusy: boolean): void;
  /** Resolves when all is read and right: so many bytes and keys. Rejects with the reason if it is not. */
  finish(bytes: number, keys: number): Promise<void>;
  /** Nobody asks any more: `finish` rejects if it has not settled. */
  cancel(): void;
}

/** A dump that is not what was to be written. */
export class DumpDamaged extends Error {
  override readonly name = "DumpDamaged";
}

/** Reads a whole dump, with `pause` after some entries. Rejects with DumpDamaged, RdbError or StorageError. */
export async function readBack(
  file: FileHandle,
  bytes: () => number,
  keys: () => number,
  pause: () => Promise<void> | undefined,
): Promise<void> {
  const entries = new Entries(new Slabs(), new HugeValues());
  const memory = new ValueMemory(entries, new KeyHash(SEED));
  const reader = await RdbReader.open(file, {
    loadableTypes: LOADABLE_RDB_TYPES,
    batchRecords: 1,
    reusesChunks: true,
  });
  const places = Array.from({ length: GROUP_ENTRIES }, () => new EntryPlace());
  let found = 0;
  for (;;) {
    const count = reader.scanEntries(places);
    found += count;
    for (let i = 0; i < count; i++) {
      const { type, value, valueLength, valueStart } = places[i];
      if (type === TYPE_STRING) continue;
      dataTypeOfRdb(type).unpack(memory, type, value.subarray(valueStart, valueStart + valueLength));
    }
    if (count === 0) {
      const [record] = await reader.readBatch();
      if (record === undefined) break;
      if (record.kind === "entry") {
        found++;
        if (record.payload !== undefined)
          dataTypeOfRdb(record.type).unpack(memory, record.type, record.payload);
      }
    }
    const pausing = pause();
    if (pausing !== undefined) await pausing;
  }
  const end = reader.position;
  if (end !== bytes()) throw new DumpDamaged(`it ends at byte ${end} instead of ${bytes()}`);
  if (found !== keys()) throw new DumpDamaged(`it holds ${found} keys instead of ${keys()}`);
}

/** Verifies on this thread, in slices, when all is written. */
export class InlineVerifier implements DumpVerifier {
  private path = "";
  private cancelled = 0;
  private readonly files: Files;
  private readonly clock: Clock;
  private readonly nextTurn: () => Promise<void>;

  constructor(files: Files, clock: Clock, nextTurn: () => Promise<void>) {
    this.files = files;
    this.clock = clock;
    this.nextTurn = nextTurn;
  }

  begin(path: string): void {
    this.path = path;
  }

  written(): void {
    // It is read at the end.
  }

  async finish(bytes: number, keys: number): Promise<void> {
    const { cancelled, clock } = this;
    let begunMs = clock.monotonicMs();
    const pause = () => {
      if (this.cancelled !== cancelled) throw new DumpDamaged("it was not read to its end");
      if (clock.monotonicMs() - begunMs < SLICE_MS) return undefined;
      return this.nextTurn().then(() => {
        begunMs = clock.monotonicMs();
      });
    };
    const file = await this.files.open(this.path, "read");
    try {
      await readBack(
        file,
        () => bytes,
        () => keys,
        pause,
      );
    } finally {
      await file.close();
    }
  }

  cancel(): void {
    this.cancelled++;
  }
}

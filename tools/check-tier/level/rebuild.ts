/**
 * Makes a new store of what is intact in a damaged one: for each key the newest entry, as sequence numbers
 * tell, of all tables and logs that count. (LevelDB's own repair takes tables by their numbers, and may bring
 * back older values.)
 *
 * Where a part of a table is lost, an older entry below it may show through. So an entry counts only if it is
 * newer than all that was lost around its key: it comes from a log, or from a table above. Of a damaged block
 * those entries count that carry their own checksum; where they lie tells which is newer.
 */
import { join } from "node:path";
import type { FileHandle, Files } from "../../../src/base/files.ts";
import type { KeyValueStore, StoreChange } from "../../../src/cold/key-value-store.ts";
import { type LevelEntry, readBatch, readLog } from "../../../src/cold/level/log-file.ts";
import { TableFile } from "../../../src/cold/level/table-file.ts";
import type { LevelStructure, LostRange } from "./structure.ts";

const BATCH_BYTES = 1 << 20;

/** What is left out. */
export interface LeftOut {
  /** It lies below something lost; or it is damaged itself: then the key may be, too. */
  readonly kind: "doubtful" | "damaged";
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Where entries come from, in the order of their keys. */
class Source {
  /** undefined: a log. */
  readonly table: number | undefined;
  readonly level: number | undefined;
  readonly #entries: AsyncIterator<LevelEntry> | Iterator<LevelEntry>;
  readonly #file: FileHandle | undefined;
  /** The next entry; undefined at the end. */
  current: LevelEntry | undefined;

  constructor(
    entries: AsyncIterator<LevelEntry> | Iterator<LevelEntry>,
    table?: number,
    level?: number,
    file?: FileHandle,
  ) {
    this.#entries = entries;
    this.table = table;
    this.level = level;
    this.#file = file;
  }

  async advance(): Promise<void> {
    const next = await this.#entries.next();
    this.current = next.done === true ? undefined : next.value;
    if (this.current === undefined) await this.#file?.close();
  }
}

interface Found {
  readonly entry: LevelEntry;
  readonly source: Source;
}

export class Rebuild {
  readonly #files: Files;
  readonly #folder: string;
  readonly #structure: LevelStructure;
  readonly #onLeftOut: (entry: LeftOut) => Promise<void>;
  /** Found in damaged blocks since the last key was taken. */
  #damaged: LevelEntry[] = [];
  /** Tables not yet opened, by their first keys, the last first. */
  #waiting: { readonly number: number; readonly name: string; readonly smallest: Buffer }[] = [];
  #active: Source[] = [];

  constructor(
    files: Files,
    folder: string,
    structure: LevelStructure,
    onLeftOut: (entry: LeftOut) => Promise<void>,
  ) {
    this.#files = files;
    this.#folder = folder;
    this.#structure = structure;
    this.#onLeftOut = onLeftOut;
  }

  /** Fills an empty store. */
  async run(store: KeyValueStore): Promise<void> {
    await this.#begin();
    let changes: StoreChange[] = [];
    let bytes = 0;
    for (let key = await this.#nextKey(); key !== undefined; key = await this.#nextKey()) {
      const newest = await this.#take(key);
      for (const { key: name, value } of this.#damaged.splice(0))
        await this.#onLeftOut({ kind: "damaged", key: name, value: value! });
      if (newest.entry.value === undefined) continue;
      if (newest.entry.isAfterDamage === true || this.#isDoubtful(key, newest.source)) {
        await this.#onLeftOut({ kind: "doubtful", key, value: newest.entry.value });
        continue;
      }
      changes.push({ key, value: Buffer.from(newest.entry.value) });
      bytes += key.length + newest.entry.value.length;
      if (bytes < BATCH_BYTES) continue;
      await store.batch(changes, false);
      changes = [];
      bytes = 0;
    }
    for (const { key: name, value } of this.#damaged.splice(0))
      await this.#onLeftOut({ kind: "damaged", key: name, value: value! });
    await store.batch(changes, true);
    await store.flush();
  }

  async #begin(): Promise<void> {
    const { logs, tables } = this.#structure;
    for (const [number, name] of tables) {
      const source = await this.#open(number, name);
      if (source.current === undefined) continue;
      this.#waiting.push({ number, name, smallest: Buffer.from(source.current.key) });
      await source.close();
    }
    // They come again.
    this.#damaged = [];
    this.#waiting.sort((a, b) => Buffer.compare(b.smallest, a.smallest));
    const entries: LevelEntry[] = [];
    for (const name of logs) {
      for (const record of readLog(await this.#files.readFile(join(this.#folder, name))).records) {
        try {
          entries.push(...readBatch(record));
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
      }
    }
    entries.sort((a, b) => Buffer.compare(a.key, b.key) || b.sequence - a.sequence);
    const source = new Source(entries[Symbol.iterator]());
    await source.advance();
    if (source.current !== undefined) this.#active.push(source);
  }

  async #open(number: number, name: string): Promise<Source & { close(): Promise<void> }> {
    const file = await this.#files.open(join(this.#folder, name), "read");
    const table = await TableFile.open(file);
    await table.findBlocks();
    const level = this.#structure.version?.tables.get(number)?.level;
    const source = new Source(
      table.entries((entry) => this.#damaged.push(entry)),
      number,
      level,
      file,
    );
    await source.advance();
    return Object.assign(source, { close: () => file.close() });
  }

  /** The first key of all that is left. */
  async #nextKey(): Promise<Buffer | undefined> {
    for (;;) {
      let first: Buffer | undefined;
      for (const { current } of this.#active)
        if (first === undefined || Buffer.compare(current!.key, first) < 0) first = current!.key;
      const waiting = this.#waiting.at(-1);
      if (waiting === undefined || (first !== undefined && Buffer.compare(waiting.smallest, first) > 0))
        return first === undefined ? undefined : Buffer.from(first);
      this.#waiting.pop();
      this.#active.push(await this.#open(waiting.number, waiting.name));
    }
  }

  /** Takes all entries of `key`, and gives the newest. */
  async #take(key: Buffer): Promise<Found> {
    let newest: Found | undefined;
    for (const source of this.#active) {
      while (source.current?.key.equals(key) === true) {
        const found = { entry: source.current, source };
        if (newest === undefined || isNewerEntry(found, newest)) newest = found;
        await source.advance();
      }
    }
    this.#active = this.#active.filter(({ current }) => current !== undefined);
    return newest!;
  }

  #isDoubtful(key: Buffer, source: Source): boolean {
    return this.#structure.lost.some((range) => isWithin(key, range) && !isNewer(source, range));
  }
}

function isNewerEntry(found: Found, other: Found): boolean {
  if (found.entry.isWithoutSequence !== true && other.entry.isWithoutSequence !== true)
    return found.entry.sequence > other.entry.sequence;
  const { level, table } = other.source;
  // Of one table, the first entry of a key is the newest.
  if (table === undefined || table === found.source.table) return false;
  return isNewer(found.source, { level, table });
}

function isWithin(key: Buffer, { from, upTo }: LostRange): boolean {
  if (from !== undefined && Buffer.compare(key, from) < 0) return false;
  return upTo === undefined || Buffer.compare(key, upTo) <= 0;
}

/** Whether what lies in `source` is newer than what was lost. */
function isNewer({ level, table }: Source, lost: Pick<LostRange, "level" | "table">): boolean {
  if (table === undefined) return true;
  if (level === undefined || lost.level === undefined) return false;
  if (level === 0 && lost.level === 0) return table >= lost.table;
  // Tables of one level have no keys in common.
  return level <= lost.level;
}

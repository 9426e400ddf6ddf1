/**
 * Reads LevelDB's table files (.ldb), block by block, and verifies every block's checksum, which LevelDB itself
 * does not do when it reads: a flipped bit in the filter makes it call a key absent that is there.
 *
 *   blocks        each followed by its type u8 (0: plain) and a masked CRC-32C of both
 *   metaindex     a block; "filter.<name>" leads to the filter
 *   index         a block; for each data block a key at or behind its last one, and where it lies
 *   footer        48 bytes: where metaindex and index lie, padding, magic number
 *
 * Entries of a block: length shared with the key before, length of the rest, length of the value, rest, value; at the
 * end u32 offsets of entries that share nothing, and their number. Behind each key: type (1 put, 0 delete) and
 * sequence, together u64.
 */
import { crc32c } from "../../base/checksum.ts";
import type { FileHandle } from "../../base/files.ts";
import { findBlockLength, PLAIN, TRAILER_BYTES } from "./block-search.ts";
import { type LevelEntry, masked, RecordBytes } from "./log-file.ts";
import { SEQUENCE_BYTES, userKey } from "./version-state.ts";

const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
const NUMBER_BYTES = 4;
/** How the name of the filter begins in the metaindex. */
const FILTER_PREFIX = "filter.";
/** Of a longer block the checksum is worked out in pieces of this size, with a pause after each. */
const PIECE_BYTES = 256 * 1024;
/** Data blocks are small: so much is read at once, and verified in one step. */
const STEP_BYTES = 64 * 1024;

const TABLE_NAME = /^(\d+)\.(ldb|sst)$/;

/** The number of the table that a file of a store is, by its name; undefined if it is none. */
export function tableNumber(name: string): number | undefined {
  const digits = TABLE_NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

interface BlockPlace {
  readonly offset: number;
  readonly length: number;
}

interface DataBlock extends BlockPlace {
  /** No key of the block is greater. */
  readonly upTo: Buffer;
}

/** A part of a table that cannot be read. */
export interface TableDamage {
  readonly offset: number;
  /** The block's; of footer and index, up to the end of the file. */
  readonly length: number;
  readonly what: "footer" | "index" | "data" | "filter" | "metaindex";
  /** Whether keys may have been in it. */
  readonly holdsKeys: boolean;
  /** Those keys: above `after` (undefined: from the first on), up to `upTo` (undefined: the
   * last). */
  readonly after: Buffer | undefined;
  readonly upTo: Buffer | undefined;
}

/** What is damaged, in words: behind "is damaged:". */
export function damageText({ length, what }: TableDamage): string {
  return `its ${what} block of ${length} bytes`;
}

/** So many bytes were read since the last step, and this was found. */
export interface TableStep {
  readonly bytes: number;
  readonly damage: TableDamage | undefined;
}

/** Gives fewer bytes only at the end of the file. */
type ReadBytes = (offset: number, length: number) => Promise<Buffer>;

const noPause = (): Promise<void> => Promise.resolve();

export class TableFile {
  readonly #file: FileHandle;
  readonly #size: number;
  #index: Buffer | undefined;
  #metaindex: BlockPlace | undefined;
  /** Data blocks that were found without an index. */
  #found: readonly DataBlock[] = [];
  #damage: TableDamage | undefined;

  private constructor(file: FileHandle, size: number, damage: TableDamage | undefined) {
    this.#file = file;
    this.#size = size;
    this.#damage = damage;
  }

  /** Why the table cannot be read by its index. */
  get damage(): TableDamage | undefined {
    return this.#damage;
  }

  static async open(file: FileHandle): Promise<TableFile> {
    const size = await file.size();
    const whole = (what: TableDamage["what"], offset: number): TableFile => {
      const length = Math.max(0, size - offset);
      return new TableFile(file, size, {
        offset,
        length,
        what,
        holdsKeys: true,
        after: undefined,
        upTo: undefined,
      });
    };
    if (size < FOOTER_BYTES) return whole("footer", 0);
    const footer = Buffer.alloc(FOOTER_BYTES);
    await file.read(footer, size - FOOTER_BYTES);
    if (footer.readBigUInt64LE(FOOTER_BYTES - 8) !== MAGIC) return whole("footer", size - FOOTER_BYTES);
    const table = new TableFile(file, size, undefined);
    let index: BlockPlace;
    try {
      const bytes = new RecordBytes(footer);
      table.#metaindex = placeIn(bytes);
      index = placeIn(bytes);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return whole("footer", size - FOOTER_BYTES);
    }
    const contents = await table.#block(index);
    if (contents === undefined || !isReadable(contents)) return whole("index", index.offset);
    table.#index = contents;
    return table;
  }

  /**
   * Where footer or index are damaged: finds the data blocks without them. They lie one behind the other from the
   * beginning on, and each ends where its checksum does. Behind a damaged one none are found.
   */
  async findBlocks(): Promise<void> {
    const damage = this.#damage;
    if (damage === undefined) return;
    const found: DataBlock[] = [];
    let holdsKeys = true;
    for (let offset = 0; holdsKeys; ) {
      const length = await findBlockLength(this.#file, offset, this.#size);
      if (length === undefined) break;
      const contents = await this.#block({ offset, length });
      // Behind the last data block there are the filter, which is no list of entries, and the metaindex.
      if (contents !== undefined && isReadable(contents)) {
        const upTo = lastKey(contents);
        if (upTo === undefined || isMetaindex(contents)) holdsKeys = false;
        else found.push({ offset, length, upTo });
      }
      offset += length + TRAILER_BYTES;
    }
    this.#found = found;
    this.#damage = { ...damage, holdsKeys, after: found.at(-1)?.upTo };
  }

  /** Verifies every block, step by step. The file is read once, and no more of it is kept than a block. */
  async *verify(pause = noPause): AsyncGenerator<TableStep, void, undefined> {
    if (this.damage !== undefined) {
      yield { bytes: FOOTER_BYTES, damage: this.damage };
      return;
    }
    let after: Buffer | undefined;
    let bytes = 0;
    const read = this.#readAhead();
    for (const place of this.#blocks()) {
      const { length, offset, upTo } = place;
      const contents = await this.#block(place, read, pause);
      bytes += length + TRAILER_BYTES;
      const isDamaged = contents === undefined || !isReadable(contents);
      if (isDamaged || bytes >= STEP_BYTES) {
        yield {
          bytes,
          damage: isDamaged ? { offset, length, what: "data", holdsKeys: true, after, upTo } : undefined,
        };
        bytes = 0;
      }
      after = upTo;
    }
    yield { bytes, damage: await this.filterDamage() };
  }

  /** What is damaged between data and index, if anything is. */
  async filterDamage(): Promise<TableDamage | undefined> {
    const none = { holdsKeys: false, after: undefined, upTo: undefined };
    const metaindex = this.#metaindex!;
    const contents = await this.#block(metaindex);
    if (contents === undefined || !isReadable(contents)) return { ...metaindex, what: "metaindex", ...none };
    for (const { value } of entriesIn(contents)) {
      const place = placeIn(new RecordBytes(value));
      if ((await this.#block(place)) === undefined) return { ...place, what: "filter", ...none };
    }
    return undefined;
  }

  /**
   * All entries, in order: of intact blocks, and of damaged ones those that carry a checksum of their own which
   * proves them. `onDamaged` is shown the others of these. Keys and values are views of the block.
   *
   * A table may hold several entries of a key, the newest first. So the first key behind damage is marked: its newest
   * entry may be what is damaged.
   */
  async *entries(onDamaged: (entry: LevelEntry) => void): AsyncGenerator<LevelEntry, void, undefined> {
    let isAfterDamage = false;
    let before: Buffer | undefined;
    for await (const entry of this.#allEntries(onDamaged)) {
      if (entry === undefined) {
        isAfterDamage = true;
        before = undefined;
        continue;
      }
      if (isAfterDamage && before !== undefined && !entry.key.equals(before)) isAfterDamage = false;
      if (isAfterDamage) before = Buffer.from(entry.key);
      yield isAfterDamage ? { ...entry, isAfterDamage } : entry;
    }
  }

  /** Entries, with `undefined` where something is damaged. */
  async *#allEntries(
    onDamaged: (entry: LevelEntry) => void,
  ): AsyncGenerator<LevelEntry | undefined, void, undefined> {
    for (const place of this.#blocks()) {
      const contents = await this.#block(place);
      if (contents === undefined || !isReadable(contents)) {
        yield* this.#provenEntries(place, onDamaged);
        continue;
      }
      for (const { key, value } of entriesIn(contents)) {
        const tag = key.readBigUInt64LE(key.length - SEQUENCE_BYTES);
        const isPut = (tag & 0xffn) === 1n;
        yield {
          key: key.subarray(0, key.length - SEQUENCE_BYTES),
          sequence: Number(tag >> 8n),
          value: isPut ? value : undefined,
        };
      }
    }
  }

  async *#provenEntries(
    { length, offset }: BlockPlace,
    onDamaged: (entry: LevelEntry) => void,
  ): AsyncGenerator<LevelEntry | undefined, void, undefined> {
    const contents = Buffer.alloc(Math.max(0, Math.min(length, this.#size - offset)));
    await this.#file.read(contents, offset);
    for (const found of readableEntriesIn(contents)) {
      const key = found?.key.subarray(0, found.key.length - SEQUENCE_BYTES);
      const entry = key === undefined ? undefined : { key, sequence: 0, value: found!.value };
      if (entry !== undefined && isProven(entry)) {
        yield { ...entry, isWithoutSequence: true };
        continue;
      }
      yield undefined;
      if (entry !== undefined) onDamaged(entry);
    }
    // Whatever was damaged may have been the last.
    yield undefined;
  }

  *#blocks(): Generator<DataBlock, void, undefined> {
    for (const block of this.#found) yield block;
    if (this.#index === undefined) return;
    for (const { key, value } of entriesIn(this.#index))
      yield { ...placeIn(new RecordBytes(value)), upTo: userKey(key) };
  }

  /** A block's contents; undefined if its checksum does not match. */
  async #block(
    { offset, length }: BlockPlace,
    read = this.#read,
    pause = noPause,
  ): Promise<Buffer | undefined> {
    if (offset + length + TRAILER_BYTES > this.#size) return undefined;
    const bytes = await read(offset, length + TRAILER_BYTES);
    if (bytes.length < length + TRAILER_BYTES) return undefined;
    let checksum = 0;
    for (let at = 0; at <= length; at += PIECE_BYTES) {
      if (at > 0) await pause();
      checksum = crc32c(bytes.subarray(at, Math.min(length + 1, at + PIECE_BYTES)), checksum);
    }
    if (bytes.readUInt32LE(length + 1) !== masked(checksum) || bytes[length] !== PLAIN) return undefined;
    return bytes.subarray(0, length);
  }

  readonly #read: ReadBytes = async (offset, length) => {
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, await this.#file.read(bytes, offset));
  };

  /** Reads more than is asked for, for blocks that follow each other: what it gives is overwritten later. */
  #readAhead(): ReadBytes {
    const window = Buffer.allocUnsafe(Math.min(STEP_BYTES, this.#size));
    let start = 0;
    let end = 0;
    return async (offset, length) => {
      if (length > window.length) return this.#read(offset, length);
      if (offset < start || offset + length > end) {
        start = offset;
        end = offset + (await this.#file.read(window, offset));
      }
      return window.subarray(offset - start, Math.min(offset - start + length, end - start));
    };
  }
}

/** Whether a key and its value carry their own checksum, as all but markers and index entries of the tier do. */
function isProven({ key, value }: { readonly key: Buffer; readonly value: Buffer }): boolean {
  const end = value.length - NUMBER_BYTES;
  return end > 0 && value.readUInt32BE(end) === crc32c(value.subarray(0, end), crc32c(key));
}

/** What can be read of a damaged block, from each place on where an entry shares nothing with the one before;
 * undefined where nothing can. */
function* readableEntriesIn(
  contents: Buffer,
): Generator<{ key: Buffer; value: Buffer } | undefined, void, undefined> {
  const starts = restartsOf(contents);
  for (const [i, start] of starts.entries()) {
    const bytes = new RecordBytes(contents.subarray(0, starts[i + 1] ?? contents.length), start);
    let key: Buffer = Buffer.alloc(0);
    try {
      while (!bytes.isAtEnd) {
        const entry = entryAt(bytes, key);
        key = entry.key;
        yield key.length > SEQUENCE_BYTES ? entry : undefined;
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      yield undefined;
    }
  }
}

/** Offsets of entries that share nothing, as far as they make sense; then where entries end. */
function restartsOf(contents: Buffer): number[] {
  const starts = [0];
  if (contents.length < NUMBER_BYTES) return starts;
  const count = contents.readUInt32LE(contents.length - NUMBER_BYTES);
  const end = contents.length - NUMBER_BYTES * (count + 1);
  for (let i = 1; end >= 0 && i < count; i++) {
    const start = contents.readUInt32LE(end + NUMBER_BYTES * i);
    if (start > starts[starts.length - 1] && start < end) starts.push(start);
  }
  if (end > starts[starts.length - 1]) starts.push(end);
  return starts;
}

function placeIn(bytes: RecordBytes): BlockPlace {
  const offset = bytes.number();
  return { offset, length: bytes.number() };
}

/** Whether a block can be walked through as LevelDB does. */
function isReadable(contents: Buffer): boolean {
  try {
    const bytes = new RecordBytes(contents.subarray(0, entriesEnd(contents)));
    let keyLength = 0;
    while (!bytes.isAtEnd) {
      const shared = bytes.number();
      const rest = bytes.number();
      const length = bytes.number();
      if (shared > keyLength) return false;
      keyLength = shared + rest;
      if (keyLength < SEQUENCE_BYTES) return false;
      bytes.skip(rest + length);
    }
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The last key of a block that can be read; undefined if it has none. */
function lastKey(contents: Buffer): Buffer | undefined {
  let last: Buffer | undefined;
  for (const { key } of entriesIn(contents)) last = key;
  return last && userKey(last);
}

function isMetaindex(contents: Buffer): boolean {
  for (const { key } of entriesIn(contents)) return key.toString("latin1").startsWith(FILTER_PREFIX);
  return false;
}

/** Where entries end and offsets begin. Throws RangeError where that makes no sense. */
function entriesEnd(contents: Buffer): number {
  if (contents.length < NUMBER_BYTES) throw new RangeError("it is cut off");
  const restarts = contents.readUInt32LE(contents.length - NUMBER_BYTES);
  const end = contents.length - NUMBER_BYTES * (restarts + 1);
  if (end < 0) throw new RangeError("it is cut off");
  return end;
}

/** Entries of a block. Throws RangeError where it makes no sense. */
function* entriesIn(contents: Buffer): Generator<{ key: Buffer; value: Buffer }, void, undefined> {
  const bytes = new RecordBytes(contents.subarray(0, entriesEnd(contents)));
  let key: Buffer = Buffer.alloc(0);
  while (!bytes.isAtEnd) {
    const entry = entryAt(bytes, key);
    key = entry.key;
    yield entry;
  }
}

/** The next entry; `before` is the key of the one before it. */
function entryAt(bytes: RecordBytes, before: Buffer): { key: Buffer; value: Buffer } {
  const shared = bytes.number();
  const rest = bytes.number();
  const length = bytes.number();
  if (shared > before.length) throw new RangeError("a key shares more than there is");
  const key = Buffer.concat([before.subarray(0, shared), bytes.take(rest)]);
  return { key, value: bytes.take(length) };
}

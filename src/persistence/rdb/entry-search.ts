/**
 * Finds where entries begin again behind damaged bytes of an RDB file. Nothing marks an entry, so a place counts if
 * many entries follow each other from there on (or all up to the proper end of the file), and the first of their
 * values can be loaded.
 *
 * Bytes within a value can look like entries and even end where a true one begins. So what is found first is not
 * believed at once: as far as other places lead to the same entries later on, only those are taken on which all agree.
 */
import type { FileHandle, ReadableFile } from "../../base/files.ts";
import { LOADABLE_RDB_TYPES } from "../../types/registry.ts";
import type { ValueMemory } from "../../types/value-memory.ts";
import { canBegin, KEY_MAX_BYTES } from "./entry-look.ts";
import { RdbError, RdbReader, type RdbRecord } from "./reader.ts";
import { whyNotLoadable } from "./value-check.ts";

/** So many entries in a row are no chance. */
const CHAIN_ENTRIES = 8;
/** A chain is followed so far, to see whether it ends where it should. */
const FOLLOWED_ENTRIES = 100_000;
/** Of a larger value only the layout is looked at. */
const CHECKED_VALUE_BYTES = 1 << 20;
/** Other readings of the same bytes are looked for within this number of bytes from the first one on. */
const AGREEMENT_BYTES = 1 << 16;
const CHUNK_BYTES = 1 << 20;
/** Reading begins with small pieces: most places turn out to be none soon. */
const TRIAL_CHUNK_BYTES = 4096;
const CHECKSUM_BYTES = 8;

export interface FoundEntries {
  readonly start: number;
  /** Bytes before it that may hold entries, on which readings do not agree. */
  readonly doubtfulFrom: number;
}

export interface EntrySearch {
  readonly file: FileHandle;
  readonly size: number;
  readonly version: number;
  readonly privateOpcodes: boolean;
  /** Commands may follow the RDB. */
  readonly mayHaveTail: boolean;
  readonly memory: ValueMemory;
  /** Told how far the search has come. */
  readonly onProgress?: ((position: number) => void) | undefined;
}

type ChainSearch = Omit<EntrySearch, "file"> & { readonly file: ReadableFile };

/** Where to look, and what is known. */
export interface SearchRange {
  readonly from: number;
  /** Where reading failed: entries that do not lead beyond it prove nothing, they may lie within a value. */
  readonly failedAt: number;
  /** Places from which reading led there. */
  readonly known: readonly number[];
}

/** The first place from `from` on where entries begin again; undefined if there is none. */
export async function findEntries(
  search: EntrySearch,
  { from, failedAt, known }: SearchRange,
): Promise<FoundEntries | undefined> {
  const goal = { beyond: failedAt, known, joins: [] };
  const first = await findChain(search, from, search.size, goal);
  if (first === undefined) return undefined;
  let start = first[0];
  // Other readings that begin within the first one's entries, and where they join it.
  const limit = Math.min(first[first.length - 1], first[0] + AGREEMENT_BYTES);
  for (let at = first[0] + 1; at < limit; ) {
    const other = await findChain(search, at, limit, { beyond: 0, known: first, joins: first });
    if (other === undefined) break;
    const joint = other[other.length - 1];
    if (first.includes(joint) && joint > start) start = joint;
    at = other[0] + 1;
  }
  return { start, doubtfulFrom: first[0] };
}

/** What makes a chain of entries count. */
interface ChainGoal {
  /** It must lead beyond this offset. */
  readonly beyond: number;
  /** It must not begin at one of these. */
  readonly known: readonly number[];
  /** It may end at one of these. */
  readonly joins: readonly number[];
}

/** The places where the first entries of a chain begin, that of the first one in file[from, to). */
async function findChain(
  search: EntrySearch,
  from: number,
  to: number,
  goal: ChainGoal,
): Promise<number[] | undefined> {
  const part = new FilePart(search.file, search.size, Math.min(CHUNK_BYTES, to - from) + TRIAL_CHUNK_BYTES);
  for (let start = from; start < to; start += CHUNK_BYTES) {
    search.onProgress?.(start);
    await part.moveTo(start);
    const count = Math.min(CHUNK_BYTES, to - start, part.length);
    const place = { bytes: part.bytes, end: part.length, fileEnd: search.size - start };
    for (let i = 0; i < count; i++) {
      if (!canBegin(place, i) || goal.known.includes(start + i)) continue;
      const chain = await followChain({ ...search, file: part }, start + i, goal);
      if (chain !== undefined) return chain;
    }
  }
  return undefined;
}

/**
 * A file of which the part that is searched is in memory: to read what looks as if an entry began from the file would
 * take a thousand times as long as the quick look.
 */
class FilePart implements ReadableFile {
  readonly bytes: Buffer;
  /** Of the part. */
  length = 0;
  private start = 0;
  private readonly file: FileHandle;
  private readonly fileBytes: number;

  constructor(file: FileHandle, fileBytes: number, partBytes: number) {
    this.file = file;
    this.fileBytes = fileBytes;
    this.bytes = Buffer.allocUnsafeSlow(partBytes);
  }

  async moveTo(start: number): Promise<void> {
    this.start = start;
    this.length = await this.file.read(this.bytes, start);
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    const at = position - this.start;
    const wanted = Math.min(target.length, this.fileBytes - position);
    if (at < 0 || at + wanted > this.length) return this.file.read(target, position);
    target.set(this.bytes.subarray(at, at + wanted));
    return wanted;
  }

  async size(): Promise<number> {
    return this.fileBytes;
  }
}

/** Where the first entries begin that follow each other from here on; undefined if they do not count. */
async function followChain(
  search: ChainSearch,
  start: number,
  { beyond, joins }: ChainGoal,
): Promise<number[] | undefined> {
  const { file, version, privateOpcodes, memory } = search;
  const places = [start];
  let entries = 0;
  const isEnough = (end: number): boolean => entries >= CHAIN_ENTRIES && end > beyond;
  const reader = await RdbReader.open(file, {
    start,
    resume: { version, db: 0 },
    otherTypes: "skip",
    loadableTypes: LOADABLE_RDB_TYPES,
    privateOpcodes,
    verifyChecksum: false,
    chunkBytes: TRIAL_CHUNK_BYTES,
    batchRecords: 1,
  });
  let end = start;
  try {
    while (entries < FOLLOWED_ENTRIES) {
      const [record] = await reader.readBatch();
      // An RDB that ends before the file does lies within a value.
      if (record === undefined) return undefined;
      if (record.kind === "end")
        return entries > 0 && (await isProperEnd(search, record.endOffset)) ? places : undefined;
      const isChecked = entries < CHAIN_ENTRIES;
      if (isChecked && !isPlausible(record, memory)) return undefined;
      if (record.kind === "entry") entries++;
      end = record.endOffset;
      if (isChecked) places.push(end);
      if (joins.includes(end)) return places;
      if (joins.length > 0 && entries === CHAIN_ENTRIES) return places;
    }
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
  }
  return isEnough(end) ? places : undefined;
}

/** Whether the file ends here, or commands begin. */
export async function isProperEnd(
  { file, size, mayHaveTail }: Pick<ChainSearch, "file" | "size" | "mayHaveTail">,
  end: number,
): Promise<boolean> {
  // Without the checksum, if what is damaged is the version.
  if (end === size || end + CHECKSUM_BYTES === size) return true;
  if (!mayHaveTail) return false;
  const next = Buffer.alloc(2);
  await file.read(next, end);
  return /^(?:\*[1-9]|#)/.test(next.toString("latin1"));
}

function isPlausible(record: RdbRecord, memory: ValueMemory): boolean {
  switch (record.kind) {
    case "entry": {
      // Zero bytes are strings without key and value.
      const isEmpty = record.key.length === 0 && record.value?.length === 0;
      if (isEmpty || record.key.length > KEY_MAX_BYTES) return false;
      const isLarge = (record.payload?.length ?? 0) > CHECKED_VALUE_BYTES;
      return isLarge || whyNotLoadable(memory, record) === undefined;
    }
    case "select":
      return record.db < DATABASES_MAX;
    case "resize":
      return record.expires <= record.keys;
    case "tombstone":
    case "cold-keys":
      return true;
    // They stand before all entries, or behind.
    case "aux":
    case "end":
    case "function":
    case "header":
    case "module-aux":
      return false;
  }
}

const DATABASES_MAX = 1 << 20;

/**
 * Reads all that can be read of a damaged or cut RDB file: records, and in between what is lost.
 *
 *   - A value that has the right length and cannot be loaded costs its key alone.
 *   - Where the layout itself is damaged, entries are looked for behind it (entry-search.ts), and within the last ones
 *     before it too: a damaged length may have made an entry that holds others.
 *   - Zero bytes, which read as strings without key and value, count as damage of the layout.
 *   - A key that stands there twice counts once: what comes first.
 *   - A wrong checksum with nothing else wrong costs nothing, and shows that something is damaged that looks right.
 *
 * Behind a gap the database is taken to be the same as before it, up to the next item that says it.
 */
import type { FileHandle } from "../../base/files.ts";
import { LOADABLE_RDB_TYPES } from "../../types/registry.ts";
import type { ValueMemory } from "../../types/value-memory.ts";
import { DuplicateKeys } from "./duplicate-keys.ts";
import { findEntries, isProperEnd } from "./entry-search.ts";
import { RDB_HEADER_BYTES, RDB_VERSION_MAX, TYPE_MODULE_2 } from "./format.ts";
import { RdbError, RdbReader, type RdbRecord } from "./reader.ts";
import { whyNotLoadable } from "./value-check.ts";

/** What of the file cannot be used. */
export interface LostPart {
  readonly kind: "lost";
  readonly start: number;
  readonly end: number;
  readonly reason: string;
  /** The key that was there, and its type and database, as far as they could be read. */
  readonly key: Buffer | undefined;
  readonly type: number | undefined;
  readonly db: number;
  /** What follows may belong to another database than it says, and its first key may have had an expiry. */
  readonly losesContext: boolean;
}

export interface RdbSalvageOptions {
  readonly privateOpcodes?: boolean;
  readonly memory: ValueMemory;
  /** Commands may follow the RDB. Default no. */
  readonly mayHaveTail?: boolean;
  /** The caller is content with whole files: then keys that stand there twice need not be looked for. */
  readonly expectsWhole?: boolean;
  /** Told how far reading has come: bytes of the file, where a file that is read twice counts half each time. */
  readonly onProgress?: ((position: number) => void) | undefined;
}

/** As many of the last parts are kept back, until what follows shows that they are right; fewer if they are large. */
const RECENT_PARTS = 8;
const RECENT_BYTES = 64 << 20;

/** An entry whose value cannot be loaded. */
function damaged(record: RdbRecord, start: number, reason: string): RdbRecord | LostPart {
  if (record.kind !== "entry") return record;
  const { key, type, db, endOffset } = record;
  return { kind: "lost", start, end: endOffset, reason, key, type, db, losesContext: false };
}

/** So many zero bytes are no string without key and value. */
const ZEROS_BYTES = 16;

/** Whether what was read as a string without key and value is nothing but zero bytes. */
async function isZeros(file: FileHandle, start: number, record: RdbRecord): Promise<boolean> {
  if (record.kind !== "entry" || record.key.length > 0 || record.value?.length !== 0) return false;
  const bytes = Buffer.alloc(ZEROS_BYTES, 1);
  await file.read(bytes, start);
  return bytes.every((byte) => byte === 0);
}

function zerosAt(offset: number): RdbError {
  return new RdbError("corrupt", "Zero bytes where an entry should be", { offset, activity: "read-type" });
}

/** Values of modules are passed on as they are. */
const KEPT_TYPES: ReadonlySet<number> = new Set([...LOADABLE_RDB_TYPES, TYPE_MODULE_2]);

/** Yields the records of a file that are good, and what is lost, in the order of the file. A damaged file is read
 * twice. */
export async function* salvageRdb(
  file: FileHandle,
  options: RdbSalvageOptions,
): AsyncGenerator<RdbRecord | LostPart, void, undefined> {
  if (options.expectsWhole === true) {
    yield* readParts(file, options);
    return;
  }
  const size = await file.size();
  const duplicates = new DuplicateKeys(size);
  const inPass = (pass: number): RdbSalvageOptions => ({
    ...options,
    onProgress: (position) => options.onProgress?.((pass * size + position) / 2),
  });
  for await (const part of readParts(file, inPass(0)))
    if (part.kind === "entry") duplicates.look(part.db, part.key);
  let position = 0;
  for await (const part of readParts(file, inPass(1))) {
    const start = position;
    position = part.kind === "lost" ? part.end : part.endOffset;
    if (part.kind === "entry" && duplicates.isRepeated(part.db, part.key)) {
      const { key, type, db, endOffset } = part;
      const reason = "The key stands there twice";
      yield { kind: "lost", start, end: endOffset, reason, key, type, db, losesContext: false };
    } else yield part;
  }
}

async function* readParts(
  file: FileHandle,
  options: RdbSalvageOptions,
): AsyncGenerator<RdbRecord | LostPart, void, undefined> {
  const state: ReadState = { version: RDB_VERSION_MAX, db: 0, position: 0, isResumed: false, recent: [] };
  const size = await file.size();
  for (;;) {
    const place = { file, size, mayHaveTail: options.mayHaveTail ?? false };
    const failure = yield* readStretch(place, options, state);
    const { recent, position, version, db, isResumed } = state;
    // An end mark in the middle is a damaged byte, if the checksum behind it is none.
    const isOver =
      failure === undefined ||
      (failure.activity === "check-sum" && (await isProperEnd(place, failure.offset)));
    if (isOver) for (const { part } of recent) yield part;
    if (failure === undefined) return;
    const lost = { kind: "lost", reason: failure.message, key: failure.key, type: failure.type, db } as const;
    if (isOver) {
      yield { ...lost, start: position, end: position, losesContext: false };
      return;
    }
    // A damaged header may still be followed by entries.
    const from = Math.max((recent[0]?.start ?? position) + 1, isResumed ? 0 : RDB_HEADER_BYTES);
    const known = [...recent.map(({ start }) => start), position];
    const { memory, privateOpcodes = false, onProgress } = options;
    const search = { ...place, version, privateOpcodes, memory, onProgress };
    const found = await findEntries(search, { from, failedAt: failure.offset, known });
    const end = found?.start ?? size;
    // Those that reach into what was found are none.
    let lostFrom = position;
    for (const { start, part } of recent.splice(0)) {
      if ((part.kind === "lost" ? part.end : part.endOffset) <= (found?.doubtfulFrom ?? size)) yield part;
      else lostFrom = Math.min(lostFrom, start);
    }
    yield { ...lost, start: Math.min(lostFrom, end), end, losesContext: true };
    if (found === undefined) return;
    state.position = found.start;
    state.isResumed = true;
  }
}

interface ReadState {
  version: number;
  db: number;
  position: number;
  /** Whether something was lost before. */
  isResumed: boolean;
  /** The last parts, which are kept back. */
  readonly recent: { readonly start: number; readonly part: RdbRecord | LostPart }[];
}

/** Reads on from the state's position, to the end or to where that fails: then it returns why. */
async function* readStretch(
  place: { readonly file: FileHandle; readonly size: number; readonly mayHaveTail: boolean },
  { memory, privateOpcodes = false, onProgress }: RdbSalvageOptions,
  state: ReadState,
): AsyncGenerator<RdbRecord | LostPart, RdbError | undefined, undefined> {
  const { recent, isResumed } = state;
  const { file } = place;
  const reader = await RdbReader.open(file, {
    start: state.position,
    ...(isResumed ? { resume: { version: state.version, db: state.db } } : {}),
    otherTypes: "skip",
    loadableTypes: KEPT_TYPES,
    privateOpcodes,
    verifyChecksum: !isResumed,
  });
  try {
    for await (const record of reader) {
      const start = state.position;
      if (record.kind === "header") state.version = record.version;
      if (record.kind === "select") state.db = record.db;
      if (await isZeros(file, start, record)) return zerosAt(start);
      const isVerified = record.kind !== "end" || record.checksum === "ok";
      if (!isVerified && !(await isProperEnd(place, record.endOffset))) {
        return new RdbError("corrupt", "An end mark within the file", {
          offset: start,
          activity: "read-type",
        });
      }
      const reason = record.kind === "entry" ? whyNotLoadable(memory, record) : undefined;
      recent.push({ start, part: reason === undefined ? record : damaged(record, start, reason) });
      state.position = record.endOffset;
      onProgress?.(state.position);
      while (
        recent.length > RECENT_PARTS ||
        (recent.length > 1 && state.position - recent[0].start > RECENT_BYTES)
      )
        yield recent.shift()!.part;
    }
  } catch (error) {
    if (error instanceof RdbError) return error;
    throw error;
  }
  return undefined;
}

/**
 * Reads all that can be read of a damaged or cut RDB file: records, and in between what is lost.
 *
 *   - A value that has the right length and cannot be loaded costs its key alone.
 *   - Where the layout itself is damaged, entries are looked for behind it (entry-search.ts).
 *   - A wrong checksum with nothing else wrong costs nothing, and shows that something is damaged that looks right.
 *
 * Behind a gap the database is taken to be the same as before it, up to the next item that says it.
 */
import type { FileHandle } from "../../base/files.ts";
import { LOADABLE_RDB_TYPES } from "../../types/registry.ts";
import type { ValueMemory } from "../../types/value-memory.ts";
import { findEntries } from "./entry-search.ts";
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
  readonly onProgress?: (position: number) => void;
}

/** Values of modules are passed on as they are. */
const KEPT_TYPES: ReadonlySet<number> = new Set([...LOADABLE_RDB_TYPES, TYPE_MODULE_2]);

/** Yields the records of a file that are good, and what is lost, in the order of the file. */
export async function* salvageRdb(
  file: FileHandle,
  options: RdbSalvageOptions,
): AsyncGenerator<RdbRecord | LostPart, void, undefined> {
  const { memory, onProgress } = options;
  const privateOpcodes = options.privateOpcodes ?? false;
  const size = await file.size();
  let version = RDB_VERSION_MAX;
  let db = 0;
  let position = 0;
  let resume: { version: number; db: number } | undefined;
  for (;;) {
    const reader: RdbReader = await RdbReader.open(file, {
      start: position,
      ...(resume === undefined ? {} : { resume }),
      otherTypes: "skip",
      loadableTypes: KEPT_TYPES,
      privateOpcodes,
      verifyChecksum: resume === undefined,
    });
    let failure: RdbError | undefined;
    try {
      for await (const record of reader) {
        if (record.kind === "header") version = record.version;
        if (record.kind === "select") db = record.db;
        const reason = record.kind === "entry" ? whyNotLoadable(memory, record) : undefined;
        const { endOffset } = record;
        if (reason === undefined || record.kind !== "entry") yield record;
        else {
          const { key, type } = record;
          yield { kind: "lost", start: position, end: endOffset, reason, key, type, db, losesContext: false };
        }
        position = endOffset;
        onProgress?.(position);
      }
    } catch (error) {
      if (!(error instanceof RdbError)) throw error;
      failure = error;
    }
    if (failure === undefined) return;
    const lost = { kind: "lost", reason: failure.message, key: failure.key, type: failure.type, db } as const;
    if (failure.activity === "check-sum") {
      yield { ...lost, start: position, end: position, losesContext: false };
      return;
    }
    // A damaged header may still be followed by entries.
    const from = Math.max(position + 1, resume === undefined && position === 0 ? RDB_HEADER_BYTES : 0);
    const search = { file, size, version, privateOpcodes, memory };
    const found = await findEntries(search, from);
    const end = found?.start ?? size;
    yield { ...lost, start: position, end, losesContext: true };
    if (found === undefined) return;
    position = found.start;
    resume = { version, db };
  }
}

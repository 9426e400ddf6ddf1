/**
 * LevelDB's MANIFEST: a log of edits, which together say which table files there are, on which level, with
 * which keys, and which write-ahead logs have not become tables yet. CURRENT holds its name.
 */
import { join } from "node:path";
import type { Files } from "../../base/files.ts";
import { RecordBytes, readLog } from "./log-file.ts";

export interface LiveTable {
  readonly number: number;
  readonly level: number;
  readonly sizeBytes: number;
  /** First and last key. */
  readonly smallest: Buffer;
  readonly largest: Buffer;
}

export interface VersionState {
  /** The MANIFEST's. */
  readonly name: string;
  readonly tables: ReadonlyMap<number, LiveTable>;
  /** Logs from this number on count. LevelDB never names one that it has not made; 0: none was made yet. */
  readonly firstLog: number;
  /** Files that were made after the last edit have this number or a higher one. */
  readonly nextFile: number;
}

const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE = 3;
const LAST_SEQUENCE = 4;
const COMPACT_POINTER = 5;
const DELETED_FILE = 6;
const NEW_FILE = 7;
const PREVIOUS_LOG = 9;
/** Behind a key in a table: its sequence and type. */
export const SEQUENCE_BYTES = 8;

/** Reads what CURRENT leads to. Throws an error that says what cannot be read. */
export async function readVersionState(files: Files, folder: string): Promise<VersionState> {
  const current = (await readOf(files, join(folder, "CURRENT"))).toString("latin1");
  const name = current.trimEnd();
  if (!/^MANIFEST-\d+$/.test(name)) throw new Error("CURRENT does not name a MANIFEST");
  const { records, damage } = readLog(await readOf(files, join(folder, name)));
  if (damage.length > 0) throw new Error(`${name} is damaged at offset ${damage[0].offset}`);
  if (records.length === 0) throw new Error(`${name} is empty`);
  const tables = new Map<number, LiveTable>();
  let numbers: Numbers = {};
  try {
    for (const record of records) numbers = { ...numbers, ...applyEdit(record, tables) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Error(`an edit in ${name} makes no sense: ${error.message}`);
  }
  const { firstLog, nextFile } = numbers;
  if (firstLog === undefined || nextFile === undefined) throw new Error(`${name} is cut off`);
  return { name, tables, firstLog, nextFile };
}

async function readOf(files: Files, path: string): Promise<Buffer> {
  if ((await files.stat(path)) === undefined) throw new Error(`${path} is missing`);
  return files.readFile(path);
}

interface Numbers {
  readonly firstLog?: number;
  readonly nextFile?: number;
}

/** Applies one edit; gives those numbers that it has. */
function applyEdit(record: Buffer, tables: Map<number, LiveTable>): Numbers {
  const bytes = new RecordBytes(record);
  let numbers: Numbers = {};
  while (!bytes.isAtEnd) {
    const tag = bytes.number();
    switch (tag) {
      case COMPARATOR:
        bytes.text();
        break;
      case LOG_NUMBER:
        numbers = { ...numbers, firstLog: bytes.number() };
        break;
      case NEXT_FILE:
        numbers = { ...numbers, nextFile: bytes.number() };
        break;
      case LAST_SEQUENCE:
      case PREVIOUS_LOG:
        bytes.number();
        break;
      case COMPACT_POINTER:
        bytes.number();
        bytes.text();
        break;
      case DELETED_FILE:
        bytes.number();
        tables.delete(bytes.number());
        break;
      case NEW_FILE: {
        const level = bytes.number();
        const number = bytes.number();
        const sizeBytes = bytes.number();
        const [smallest, largest] = [userKey(bytes.text()), userKey(bytes.text())];
        tables.set(number, { number, level, sizeBytes, smallest, largest });
        break;
      }
      default:
        throw new RangeError(`there is no tag ${tag}`);
    }
  }
  return numbers;
}

/** A key without what LevelDB keeps behind it: a copy. */
export function userKey(internal: Buffer): Buffer {
  if (internal.length < SEQUENCE_BYTES) throw new RangeError("a key is cut off");
  return Buffer.from(internal.subarray(0, internal.length - SEQUENCE_BYTES));
}

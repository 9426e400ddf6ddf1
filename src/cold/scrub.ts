/**
 * Verifies records where they lie, part by part, for whoever looks through all of them in the background. Each
 * part is read through a cursor of its own: one that is kept for hours would keep LevelDB from giving up what
 * was replaced.
 */
import { crc32c } from "../base/checksum.ts";
import { StorageError } from "../base/storage-error.ts";
import type { StoreEntry } from "./key-value-store.ts";
import { HASH_SPACE, hashOf, hashRange, inlineKeyOf, isDigestKey, isRecordKey } from "./keys.ts";
import { isCorrupt, readValues } from "./read.ts";
import { CHECKSUM_BYTES, checksumStart, readHeader } from "./record.ts";
import type { StoreReader } from "./settled-view.ts";

const ENTRIES_AT_ONCE = 32;
/** Of a longer value the checksum is worked out in pieces of this size, with a pause after each. */
const PIECE_BYTES = 256 * 1024;
/** Where LevelDB cannot read on, so much of the hash space is passed over. */
const UNREADABLE_STEP = 1 << 16;

/** A record that is damaged. */
export interface DamagedRecord {
  readonly recordKey: Buffer;
  /** undefined if only its digest is known, or not even that. */
  readonly key: Buffer | undefined;
  /** undefined if LevelDB cannot read it. */
  readonly value: Buffer | undefined;
  readonly reason: string;
}

export interface ScrubbedPart {
  /** Where to go on; undefined at the end of the namespace. */
  readonly next: Buffer | undefined;
  readonly records: number;
  readonly bytes: number;
  readonly damaged: readonly DamagedRecord[];
}

/** Verifies the records of a namespace from `from` on, about `limitBytes` of them. Rejects with StorageError when the
 * store cannot be read now. */
export async function scrubRecords(
  reads: StoreReader,
  namespace: number,
  from: Buffer | undefined,
  limitBytes: number,
  pause: () => Promise<void>,
): Promise<ScrubbedPart> {
  const whole = hashRange(namespace, 0, HASH_SPACE);
  const start = from ?? whole.from;
  const damaged: DamagedRecord[] = [];
  let next: Buffer | undefined = start;
  let bytes = 0;
  let records = 0;
  const cursor = reads.cursor({ from: start, to: whole.to });
  try {
    while (next !== undefined && bytes < limitBytes) {
      const entries = await cursor.next(ENTRIES_AT_ONCE);
      for (const entry of entries) {
        records++;
        bytes += entry[0].length + entry[1].length;
        const found = await verify(reads, entry, pause);
        if (found !== undefined) damaged.push(found);
      }
      const last = entries.at(-1);
      next = last === undefined ? undefined : Buffer.concat([last[0], Buffer.alloc(1)]);
    }
  } catch (error) {
    if (!isCorrupt(error) || next === undefined) throw error;
    damaged.push({ recordKey: next, key: undefined, value: undefined, reason: error.message });
    next = behind(namespace, next);
  } finally {
    await cursor.close();
  }
  return { next, records, bytes, damaged };
}

/** A place some way behind an unreadable one. */
function behind(namespace: number, from: Buffer): Buffer | undefined {
  const hash = hashOf(from) + UNREADABLE_STEP;
  return hash >= HASH_SPACE ? undefined : hashRange(namespace, hash, HASH_SPACE).from;
}

async function verify(
  reads: StoreReader,
  [recordKey, value]: StoreEntry,
  pause: () => Promise<void>,
): Promise<DamagedRecord | undefined> {
  if ((await whyDamaged(recordKey, value, pause)) === undefined) return undefined;
  // Once more, where commands would read it: it may have been replaced, or the fault may not have been the disk's.
  const [again] = await readValues(reads, [recordKey]);
  if (again === undefined) return undefined;
  const key = isRecordKey(recordKey) && !isDigestKey(recordKey) ? inlineKeyOf(recordKey) : undefined;
  if (again instanceof StorageError) return { recordKey, key, value: undefined, reason: again.message };
  const reason = await whyDamaged(recordKey, again, pause);
  return reason === undefined ? undefined : { recordKey, key, value: again, reason };
}

async function whyDamaged(
  recordKey: Buffer,
  value: Buffer,
  pause: () => Promise<void>,
): Promise<string | undefined> {
  const end = value.length - CHECKSUM_BYTES;
  if (end > PIECE_BYTES) {
    let checksum = checksumStart(recordKey);
    for (let at = 0; at < end; at += PIECE_BYTES) {
      checksum = crc32c(value.subarray(at, Math.min(end, at + PIECE_BYTES)), checksum);
      await pause();
    }
    return checksum === value.readUInt32BE(end) ? undefined : "the checksum of a large value does not match";
  }
  try {
    readHeader(recordKey, value);
    return undefined;
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    return error.message;
  }
}

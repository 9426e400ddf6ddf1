/**
 * The packed form of strings, for cold records and DUMP: one string as RDB encodes it (layout: ../rdb-encoding.ts).
 * Every form that Redis writes is read. LZF is written on request only: the cold tier compresses better itself.
 */

import type { ByteArena } from "../../base/byte-arena.ts";
import { StorageError } from "../../base/storage-error.ts";
import type { Entries } from "../../memory/entries.ts";
import { decodeString, encodeString, RdbEncodingError, STRING_OVERHEAD_BYTES } from "../rdb-encoding.ts";
import { copiedEncoding, encodingOf, INT_COPY, RAW, textEncoding } from "./string-value.ts";

/** A string out of its packed form. `bytes` may be a view on the packed form. */
export interface UnpackedString {
  readonly bytes: Buffer;
  readonly encoding: number;
}

/** The RDB encoding of the string at `address`, in a piece of the arena. */
export function packString(entries: Entries, address: number, arena: ByteArena, compress: boolean): Buffer {
  const length = entries.valueLength(address);
  const packed = arena.take(length + STRING_OVERHEAD_BYTES);
  const end = encodeString(
    packed,
    0,
    entries.valueBuffer(address),
    entries.valueStart(address),
    length,
    compress,
  );
  return packed.subarray(0, end);
}

/**
 * Reads a whole packed string. `encoding` is the entry's when it was packed; without it (a payload from outside) it
 * is what SET would choose. Throws StorageError "corrupt" if the bytes are no packed string, or hold more than one.
 */
export function unpackString(packed: Buffer, encoding?: number): UnpackedString {
  const bytes = unpackBytes(packed);
  // A string that a command computed stays "raw" or "embstr" though it may read as an integer, and a short one that
  // grew by APPEND stays "raw". What could not have been so is taken for what the bytes are.
  const isPossible = encoding === RAW || (encoding !== undefined && encoding === textEncoding(bytes.length));
  if (isPossible) return { bytes, encoding };
  const natural = encodingOf(bytes, 0, bytes.length);
  return { bytes, encoding: encoding === INT_COPY ? copiedEncoding(natural) : natural };
}

function unpackBytes(packed: Buffer): Buffer {
  const reader = { buffer: packed, next: 0, end: packed.length };
  let bytes: Buffer | undefined;
  try {
    bytes = decodeString(reader);
  } catch (cause) {
    if (!(cause instanceof RdbEncodingError)) throw cause;
    throw corrupt(cause.message, cause);
  }
  if (bytes === undefined) throw corrupt("it is cut off");
  if (reader.next !== reader.end) throw corrupt(`${reader.end - reader.next} bytes follow it`);
  return bytes;
}

function corrupt(reason: string, cause?: unknown): StorageError {
  return new StorageError("corrupt", `a packed string is damaged: ${reason}`, { cause });
}

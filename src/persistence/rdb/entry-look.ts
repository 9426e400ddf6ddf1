/**
 * A quick look at bytes in memory: whether an entry of an RDB file can begin there. The search behind damage
 * (entry-search.ts) asks it of each byte, and follows only what passes: of random bytes about one in fifty-six.
 */
import { COMPRESSED } from "../../types/rdb-encoding.ts";
import { LOADABLE_RDB_TYPES } from "../../types/registry.ts";
import {
  OPCODE_EXPIRE_MS,
  OPCODE_EXPIRE_SECONDS,
  OPCODE_FREQUENCY,
  OPCODE_IDLE,
  OPCODE_RECORD_BELOW,
  OPCODE_SELECT_DB,
  TYPE_MODULE_2,
  TYPE_STRING,
} from "./format.ts";
import { isOneString } from "./value-skipper.ts";

/** No key is longer, for the purpose of the search. */
export const KEY_MAX_BYTES: number = 1 << 16;
const TYPE_MAX = 25;
/** Types that begin with something else than a count, and are not one string. */
const TYPES_WITHOUT_COUNT: readonly number[] = [24, 25];
/** First bytes of lengths and strings: see types/rdb-encoding.ts. */
const LENGTH_14 = 0x40;
const LENGTH_32 = 0x80;
const LENGTH_64 = 0x81;
const INTEGER_8 = 0xc0;
const IMPOSSIBLE = -1;

export interface LookedAt {
  readonly bytes: Buffer;
  /** Index behind the last byte that is in memory: what lies further on is not looked at. */
  readonly end: number;
  /** Index at which the file ends. */
  readonly fileEnd: number;
}

/** Whether an entry, or what may stand before one, can begin at this index. */
export function canBegin(place: LookedAt, at: number): boolean {
  const { bytes, end, fileEnd } = place;
  if (at >= end) return at < fileEnd;
  const first = bytes[at];
  switch (first) {
    case OPCODE_EXPIRE_MS:
      return canFollow(place, at + 9);
    case OPCODE_EXPIRE_SECONDS:
      return canFollow(place, at + 5);
    case OPCODE_FREQUENCY:
      return canFollow(place, at + 2);
    case OPCODE_IDLE:
    case OPCODE_SELECT_DB: {
      const next = afterLength(bytes, at + 1, end);
      return next !== IMPOSSIBLE && canFollow(place, next);
    }
    default:
      break;
  }
  if (!canBeType(first)) return false;
  const value = afterString(bytes, at + 1, end);
  if (value === IMPOSSIBLE || value >= fileEnd || value - at > KEY_MAX_BYTES) return false;
  if (value >= end) return true;
  // Zero bytes are strings without key and value: see isPlausible in entry-search.ts.
  if (first === TYPE_STRING && bytes[at + 1] === 0 && bytes[value] === 0) return false;
  return canBeValue(place, first, value);
}

/** Whether an entry or any opcode can stand at this index. */
function canFollow(place: LookedAt, at: number): boolean {
  return at < place.end && place.bytes[at] >= OPCODE_RECORD_BELOW ? true : canBegin(place, at);
}

function canBeType(byte: number): boolean {
  return byte <= TYPE_MAX && (byte === TYPE_STRING || byte === TYPE_MODULE_2 || LOADABLE_RDB_TYPES.has(byte));
}

function canBeValue({ bytes, end, fileEnd }: LookedAt, type: number, at: number): boolean {
  if (isOneString(type)) {
    const next = afterString(bytes, at, end);
    if (next === IMPOSSIBLE || next > fileEnd) return false;
    return next >= end || canBeType(bytes[next]) || bytes[next] >= OPCODE_RECORD_BELOW;
  }
  // The name of a module makes a large number.
  if (type === TYPE_MODULE_2) return bytes[at] === LENGTH_64;
  if (TYPES_WITHOUT_COUNT.includes(type)) return true;
  if (bytes[at] === 0) return false;
  const element = afterLength(bytes, at, end);
  return element !== IMPOSSIBLE && element < fileEnd;
}

/** Index behind the length that begins at `at`; at least `end` if that is not in memory. */
function afterLength(bytes: Buffer, at: number, end: number): number {
  if (at >= end) return end;
  const first = bytes[at];
  if (first < LENGTH_14) return at + 1;
  if (first < LENGTH_32) return at + 2;
  if (first === LENGTH_32) return at + 5;
  return first === LENGTH_64 ? at + 9 : IMPOSSIBLE;
}

/** The same for a string. */
function afterString(bytes: Buffer, at: number, end: number): number {
  if (at >= end) return end;
  const first = bytes[at];
  if (first < LENGTH_14) return at + 1 + first;
  if (first < LENGTH_32) return at + 2 <= end ? at + 2 + (((first & 0x3f) << 8) | bytes[at + 1]) : end;
  if (first === LENGTH_32) return at + 5 <= end ? at + 5 + bytes.readUInt32BE(at + 1) : end;
  if (first < INTEGER_8 || first > COMPRESSED) return IMPOSSIBLE;
  if (first < COMPRESSED) return at + 1 + (1 << (first & 3));
  // Two lengths, and as many bytes as the first of them says.
  const whole = afterLength(bytes, at + 1, end);
  const data = whole === IMPOSSIBLE ? IMPOSSIBLE : afterLength(bytes, whole, end);
  if (data === IMPOSSIBLE || data >= end) return data;
  return data + afterString(bytes, at + 1, end) - whole;
}

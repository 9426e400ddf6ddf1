/**
 * The payload that FUNCTION DUMP answers and FUNCTION RESTORE takes: the sources of libraries.
 *
 *     payload = (245 string)* version(2) checksum(8)
 *
 * string: as in RDB, perhaps compressed; version and checksum as in dump-payload.ts.
 */
import { crc64 } from "../base/crc64.ts";
import {
  decodeString,
  encodeString,
  RDB_VERSION_WRITTEN,
  type RdbBytes,
  RdbEncodingError,
  STRING_OVERHEAD_BYTES,
} from "./rdb-encoding.ts";

const LIBRARY = 245;
const PRERELEASE_LIBRARY = 246;
const FOOTER_BYTES = 10;

export type FunctionDumpProblem = "no type" | "other type" | "damaged";

/** @param compress the directive `rdbcompression` */
export function createFunctionDump(sources: Iterable<Buffer>, compress: boolean): Buffer {
  const parts: Buffer[] = [];
  for (const source of sources) {
    const part = Buffer.alloc(source.length + STRING_OVERHEAD_BYTES + 1);
    part[0] = LIBRARY;
    parts.push(part.subarray(0, encodeString(part, 1, source, 0, source.length, compress)));
  }
  parts.push(Buffer.of(RDB_VERSION_WRITTEN & 0xff, RDB_VERSION_WRITTEN >> 8));
  const body = Buffer.concat(parts);
  return Buffer.concat([body, crc64(body)]);
}

/** The sources in a payload whose checksum is right (isDumpIntact), or what is wrong with it. */
export function readFunctionDump(payload: Buffer): Buffer[] | FunctionDumpProblem {
  const bytes: RdbBytes = { buffer: payload, next: 0, end: payload.length - FOOTER_BYTES };
  const sources: Buffer[] = [];
  while (bytes.next < bytes.end) {
    const type = payload[bytes.next++];
    if (type === PRERELEASE_LIBRARY) return "damaged";
    if (type !== LIBRARY) return "other type";
    const source = readString(bytes);
    if (source === undefined) return "damaged";
    sources.push(Buffer.from(source));
  }
  return sources;
}

function readString(bytes: RdbBytes): Buffer | undefined {
  try {
    return decodeString(bytes);
  } catch (error) {
    if (error instanceof RdbEncodingError) return undefined;
    throw error;
  }
}

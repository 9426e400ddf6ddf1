/**
 * DUMP payloads for tests: made byte by byte, not with the code under test, and compared by what they hold, since two
 * compressors need not find the same bytes.
 */
import { crc64 } from "../../src/base/crc64.ts";
import { unpackString } from "../../src/types/string/string-codec.ts";

const FOOTER_BYTES = 10;
const STRING = 0;
const LENGTH_32 = 0x80;

/** The body (a type and a value) with a footer that fits it. */
export function withFooter(body: Uint8Array, version = 10): Buffer {
  const versioned = Buffer.concat([body, Buffer.of(version & 0xff, version >> 8)]);
  return Buffer.concat([versioned, crc64(versioned)]);
}

/** The payload of a string that is written out plainly. */
export function plainDump(text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.of(STRING, LENGTH_32, 0, 0, 0, 0);
  head.writeUInt32BE(bytes.length, 2);
  return withFooter(Buffer.concat([head, bytes]));
}

/** Payload of a list of one element, as Redis before 3.2 wrote it and all later ones read it. */
export const LIST_DUMP: Buffer = withFooter(Buffer.from("01010161", "hex"));

/** Payload of a value that some module made, which nothing here can read. */
export const MODULE_DUMP: Buffer = withFooter(Buffer.from("0781000000000000040000", "hex"));

/** What a payload without its footer holds, if that is a string. */
export function stringOfDump(payload: Buffer): Buffer {
  if (payload[0] !== STRING) throw new Error(`a payload of type ${payload[0]}`);
  return unpackString(payload.subarray(1, payload.length - FOOTER_BYTES)).bytes;
}

/** The payload in a reply of DUMP; undefined if the reply is something else. */
export function dumpInReply(reply: Buffer): Buffer | undefined {
  const match = /^\$(\d+)\r\n/.exec(reply.toString("latin1", 0, 16));
  return match === null ? undefined : reply.subarray(match[0].length, reply.length - 2);
}

/** Whether two replies to DUMP mean the same: intact payloads of the same string, or the same other reply. */
export function areSameDumps(expected: Buffer, actual: Buffer): boolean {
  const [first, second] = [dumpInReply(expected), dumpInReply(actual)];
  if (first === undefined || second === undefined) return expected.equals(actual);
  const isIntact = [first, second].every((payload) =>
    payload.equals(withFooter(payload.subarray(0, payload.length - FOOTER_BYTES))),
  );
  return isIntact && stringOfDump(first).equals(stringOfDump(second));
}

/** The payload of a value whose packed bytes are one string, written out plainly behind `head` (the type, and what else
 * comes before). */
export function packedStringDump(head: Uint8Array, bytes: Uint8Array): Buffer {
  const length = Buffer.of(LENGTH_32, 0, 0, 0, 0);
  length.writeUInt32BE(bytes.length, 1);
  return withFooter(Buffer.concat([head, length, bytes]));
}

/** The string that comes after `headBytes` bytes, last of a payload of such a value. */
export function packedStringOfDump(payload: Buffer, headBytes: number): Buffer {
  return unpackString(payload.subarray(headBytes, payload.length - FOOTER_BYTES)).bytes;
}

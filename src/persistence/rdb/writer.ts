/**
 * Writes an RDB file (layout: format.ts).
 *
 * Order of calls: appendHeader, appendAux..., then for each database selectDb, appendResizeDb, entries;
 * appendEnd, and a last drain. An entry is its attributes (appendExpire, appendIdle, appendFrequency,
 * appendRecordBelow, each optional) followed by appendString or appendPayload; nothing may come in between.
 */
import { Crc64 } from "../../base/crc64.ts";
import type { PartSink } from "../../types/data-type.ts";
import {
  COMPRESSED,
  COMPRESSION_MIN_BYTES,
  encodeLength,
  encodeString,
  RDB_VERSION_WRITTEN,
  STRING_OVERHEAD_BYTES,
} from "../../types/rdb-encoding.ts";
import { type ByteSink, GatheredBytes } from "../gathered-bytes.ts";
import {
  OPCODE_AUX,
  OPCODE_COLD_KEYS,
  OPCODE_END,
  OPCODE_EXPIRE_MS,
  OPCODE_FREQUENCY,
  OPCODE_FUNCTION2,
  OPCODE_IDLE,
  OPCODE_RECORD_BELOW,
  OPCODE_RESIZE_DB,
  OPCODE_SELECT_DB,
  OPCODE_TOMBSTONE,
  RDB_MAGIC,
  TYPE_STRING,
} from "./format.ts";

export interface RdbWriterOptions {
  /** `rdbcompression`: LZF for strings over 20 bytes. Default yes. */
  readonly compress?: boolean;
  /** `rdbchecksum`. Default yes; without, the file says that it has none. */
  readonly checksum?: boolean;
}

const LENGTH_MAX_BYTES = 9;
/** After so many strings in a row that LZF could not shorten, it is tried with one of so many, until one succeeds. */
const FAILURES_BEFORE_SAMPLING = 32;
const TRIED_OF = 8;

export class RdbWriter extends GatheredBytes implements PartSink {
  readonly #compress: boolean;
  readonly #withChecksum: boolean;
  readonly #checksum = new Crc64();
  /** Strings in a row that could not be compressed; and those not tried since. */
  #failures = 0;
  #passed = 0;

  constructor(sink: ByteSink, options: RdbWriterOptions = {}) {
    super(sink);
    this.#compress = options.compress ?? true;
    this.#withChecksum = options.checksum ?? true;
  }

  protected addToChecksum(bytes: Buffer, start: number, end: number): void {
    if (this.#withChecksum) this.#checksum.update(bytes, start, end);
  }

  appendHeader(version = RDB_VERSION_WRITTEN): void {
    this.appendBytes(Buffer.from(RDB_MAGIC + String(version).padStart(4, "0")));
  }

  /** A metadata field. Readers skip names they do not know. */
  appendAux(name: string, value: string): void {
    this.#appendByte(OPCODE_AUX);
    this.appendText(Buffer.from(name));
    this.appendText(Buffer.from(value));
  }

  /** A function library's source. */
  appendFunction(code: Uint8Array): void {
    this.#appendByte(OPCODE_FUNCTION2);
    this.appendText(code);
  }

  protected appendSelectDb(db: number): void {
    this.#appendByte(OPCODE_SELECT_DB);
    this.appendLength(db);
  }

  /** How many keys, and keys with an expiry, the database holds: a hint. */
  appendResizeDb(keys: number, expires: number): void {
    this.#appendByte(OPCODE_RESIZE_DB);
    this.appendLength(keys);
    this.appendLength(expires);
  }

  /** Attribute: the next entry's expiry, unix time in milliseconds. */
  appendExpire(expireMs: number): void {
    this.#appendByte(OPCODE_EXPIRE_MS);
    this.reserve(8);
    // Two 32-bit halves of a signed 64-bit number, without a bigint.
    const high = Math.floor(expireMs / 0x100000000);
    this.buffer.writeUInt32LE(expireMs - high * 0x100000000, this.length);
    this.buffer.writeInt32LE(high, this.length + 4);
    this.length += 8;
  }

  /** Attribute: seconds since the next entry was used. */
  appendIdle(seconds: number): void {
    this.#appendByte(OPCODE_IDLE);
    this.appendLength(seconds);
  }

  /** Attribute: the next entry's LFU counter, 0..255. */
  appendFrequency(frequency: number): void {
    this.#appendByte(OPCODE_FREQUENCY);
    this.#appendByte(frequency);
  }

  /** Attribute: the cold tier holds a record of the next entry's key. Only where the manifest names the tier. */
  appendRecordBelow(): void {
    this.#appendByte(OPCODE_RECORD_BELOW);
  }

  /** A deleted key of which the cold tier still holds a record. Only where the manifest names the tier. */
  appendTombstone(key: Uint8Array, keyStart = 0, keyLength = key.length): void {
    this.#appendByte(OPCODE_TOMBSTONE);
    this.appendText(key, keyStart, keyLength);
  }

  /** Some of the hashes of the database's cold keys, `left` of which follow. Only where the manifest names the tier. */
  appendColdKeys(left: number, differences: Uint8Array): void {
    this.#appendByte(OPCODE_COLD_KEYS);
    this.appendLength(left);
    this.appendText(differences);
  }

  /** An entry of type string: key and value are slices of larger buffers. */
  appendString(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): void {
    this.#appendByte(TYPE_STRING);
    this.appendText(key, keyStart, keyLength);
    this.appendText(value, valueStart, valueLength);
  }

  /** An entry whose value is encoded already (as in DUMP, or in a cold record). */
  appendPayload(
    type: number,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    payload: Uint8Array,
    payloadStart = 0,
    payloadLength = payload.length,
  ): void {
    this.appendEntryHead(type, key, keyStart, keyLength);
    this.appendBytes(payload, payloadStart, payloadLength);
  }

  /** An entry whose value follows in pieces (`appendBytes`, `appendLength`, `appendText`), its RDB encoding. */
  appendEntryHead(type: number, key: Uint8Array, keyStart = 0, keyLength = key.length): void {
    this.#appendByte(type);
    this.appendText(key, keyStart, keyLength);
  }

  /** The end mark and the checksum. No drain may be under way. */
  appendEnd(): void {
    if (this.isDraining) throw new Error("RdbWriter.appendEnd called while it drains");
    this.#appendByte(OPCODE_END);
    this.sum();
    this.appendBytes(this.#withChecksum ? this.#checksum.digest() : Buffer.alloc(8));
    this.leaveOut();
  }

  #appendByte(byte: number): void {
    this.reserve(1);
    this.buffer[this.length++] = byte;
  }

  /** A length, as part of an entry's value. */
  appendLength(length: number): void {
    this.reserve(LENGTH_MAX_BYTES);
    this.length = encodeLength(this.buffer, this.length, length);
  }

  /** A string, as part of an entry's value. */
  appendText(text: Uint8Array, start = 0, length = text.length): void {
    this.reserve(length + STRING_OVERHEAD_BYTES);
    const at = this.length;
    const isTried = this.#compress && this.#isWorthTrying(length);
    this.length = encodeString(this.buffer, at, text, start, length, isTried);
    if (!isTried || length <= COMPRESSION_MIN_BYTES) return;
    if (this.buffer[at] === COMPRESSED) this.#failures = 0;
    else this.#failures++;
  }

  /** Values of one dataset are much alike: after many that could not be compressed only a few are tried. */
  #isWorthTrying(length: number): boolean {
    if (this.#failures < FAILURES_BEFORE_SAMPLING || length <= COMPRESSION_MIN_BYTES) return true;
    return (++this.#passed & (TRIED_OF - 1)) === 0;
  }

  /** A number of 64 bits in binary, as part of an entry's value. */
  appendDouble(value: number): void {
    this.reserve(8);
    this.length = this.buffer.writeDoubleLE(value, this.length);
  }
}

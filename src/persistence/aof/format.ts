/**
 * What stands in an append-only directory: names of files, annotations, checksummed blocks. Pure text and bytes;
 * the reader and the writer share it.
 *
 * Names are Redis 7's: `<appendfilename>.<seq>.base.rdb` or `.base.aof`, `<appendfilename>.<seq>.incr.aof`,
 * `<appendfilename>.manifest`; what is not finished yet begins with `temp-`.
 *
 * An AOF file is a sequence of commands (RESP arrays of bulk strings) and annotations: lines that begin with `#`,
 * stand between commands, and which Redis 7 skips. Redis reads at most 1023 bytes of a line, line end included.
 *
 *     #TS:<unix seconds>\r\n                              Redis's own: everything after it happened then or later
 *     #TSREDIS-AOF:2\r\n                                  ours, the first line: this file consists of blocks
 *     #BLOCK:<length>:<checksum>:<synced>[:<db>]\r\n      ours, the last line of each block
 *     #OLD\r\n                                            ours: all keys of the command behind it existed before it, so
 *                                                         that who repeats it and replaces them need not read them
 *
 * A block is what one write to the file carried:
 *
 *     *3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n            commands and #TS lines: `length` bytes, from the end of
 * the
 *     ...                                                 previous #BLOCK line (or of the first line) up to the line
 *     #BLOCK:29:0a1b2c3d:16:0\r\n
 *
 * checksum: CRC-32C, 8 lower case hexadecimal digits, of the block's bytes followed by the text
 * `<length>:<synced>:<db>@<offset>`, so that a damaged line is noticed like damaged data. The offset is the line's
 * own in its file: so a copy of a block that lies in a value is none, whatever happened to the bytes around it, and
 * who looks for the next block behind a damaged one finds only what the writer wrote there.
 * synced: how much of this file, counted from its start, the writer knew to be on the disk (datasync returned)
 * before it wrote the line; at most the offset of the line itself. It separates the two reasons for bad bytes: a
 * power cut may spoil anything after the last synced offset, only damage spoils something before it.
 * db: the database that was selected before the block's first byte; left out if the writer does not know it, or none
 * was. With it, the commands of a block mean the same when those before it are lost.
 * A block may be empty (length 0): then the line only says how far the file is synced.
 *
 * Behind the last block there may be filling: annotations of 511 times `#` and a line feed, which end at multiples of
 * 512 in the file. The blocks that follow are written over it (so a filling may begin in the middle of its first line).
 * A datasync is quicker by half where neither the file's size nor its blocks on the disk change.
 */
import { crc32c } from "../../base/checksum.ts";

/** The longest annotation that Redis 7 reads as one line, in bytes, line end included: it reads into 1024 bytes, with
 * a final NUL. */
export const ANNOTATION_MAX_BYTES = 1023;

/** Filling: see above. */
export const FILLING_LINE_BYTES = 512;
const HASH = 0x23;
const STAR = 0x2a;
const LINE_FEED = 0x0a;

/** Whether filling has this byte at this offset of the file. At a line's end it may be `#` too, which joins two lines:
 * a block that ends just before leaves it, since what begins with a line feed is no annotation. */
export function isFilling(byte: number, offset: number): boolean {
  return byte === HASH || (byte === LINE_FEED && isFillingLineEnd(offset));
}

/** Whether filling has a line feed at this offset. */
export function isFillingLineEnd(offset: number): boolean {
  return (offset + 1) % FILLING_LINE_BYTES === 0;
}

/** Filling for the bytes from `start` to `end` of a file. */
export function encodeFilling(start: number, end: number): Buffer {
  const bytes = Buffer.alloc(end - start, HASH);
  const firstLineEnd = FILLING_LINE_BYTES - 1 - (start % FILLING_LINE_BYTES);
  for (let i = firstLineEnd; i < bytes.length; i += FILLING_LINE_BYTES) bytes[i] = LINE_FEED;
  if (firstLineEnd === 0) bytes[0] = HASH;
  return bytes;
}

/** The first line of a file made of checksummed blocks. A later version must have another checksum, too: where a block
 * of this one is found behind a line that names another, the line is damaged. */
export const BLOCKS_HEADER: Buffer = Buffer.from("#TSREDIS-AOF:2\r\n");
/** How the first line begins in every version of the format. */
export const BLOCKS_HEADER_PREFIX = "#TSREDIS-AOF:";
/** How a block's last line begins. */
export const BLOCK_LINE_PREFIX = "#BLOCK:";
const TIMESTAMP_PREFIX = "#TS:";
/** Says that the keys of the command behind it existed. */
export const OLD_LINE = "#OLD\r\n";

export interface BlockLine {
  /** Bytes of the block before its line. */
  readonly length: number;
  readonly checksum: number;
  /** Offset up to which the file was known to be on the disk. */
  readonly synced: number;
  /** Database selected where the block begins; undefined if the line does not say. */
  readonly db: number | undefined;
}

/** What a block line says besides its checksum, and where it stands. */
export interface BlockLinePlace {
  readonly length: number;
  readonly synced: number;
  readonly db?: number | undefined;
  /** Offset of the line in its file. */
  readonly offset: number;
}

/**
 * The line that ends a block.
 * @param place length: bytes of the block; synced: offset in this file up to which datasync has returned
 * @param bytesChecksum CRC-32C of the block's bytes (`crc32c`, from seed 0; may be computed piece by piece)
 */
export function encodeBlockLine(place: BlockLinePlace, bytesChecksum: number): Buffer {
  const checksum = blockChecksum(bytesChecksum, place).toString(16).padStart(8, "0");
  const db = place.db === undefined ? "" : `:${place.db}`;
  return Buffer.from(`${BLOCK_LINE_PREFIX}${place.length}:${checksum}:${place.synced}${db}\r\n`, "latin1");
}

/** The checksum a block line must carry: that of the block's bytes, continued over the line's own numbers. */
export function blockChecksum(bytesChecksum: number, { length, synced, db, offset }: BlockLinePlace): number {
  return crc32c(Buffer.from(`${length}:${synced}:${db ?? ""}@${offset}`, "latin1"), bytesChecksum);
}

const BLOCK_LINE =
  /^#BLOCK:(0|[1-9][0-9]{0,15}):([0-9a-f]{8}):(0|[1-9][0-9]{0,15})(?::(0|[1-9][0-9]{0,8}))?\r\n$/;

/** Decodes a block line (line end included); undefined if it is not one, letter by letter. */
export function parseBlockLine(line: string): BlockLine | undefined {
  const match = BLOCK_LINE.exec(line);
  if (match === null) return undefined;
  const length = Number(match[1]);
  const synced = Number(match[3]);
  if (!Number.isSafeInteger(length) || !Number.isSafeInteger(synced)) return undefined;
  const db = match[4] === undefined ? undefined : Number(match[4]);
  return { length, checksum: Number.parseInt(match[2], 16), synced, db };
}

const BLOCK_LINE_START =
  /^#BLOCK:(?:[0-9]{1,16}(?::(?:[0-9a-f]{1,8}(?::(?:[0-9]{1,16}(?::[0-9]{0,9})?(?:\r\n?)?)?)?)?)?)?/;

/** How far a malformed block line, which at least begins like one, could still have become one. */
export function blockLinePrefixLength(line: string): number {
  return BLOCK_LINE_START.exec(line)?.[0].length ?? 0;
}

/** Redis's timestamp annotation. */
export function encodeTimestampLine(unixSeconds: number): Buffer {
  return Buffer.from(`${TIMESTAMP_PREFIX}${unixSeconds}\r\n`, "latin1");
}

/** Unix seconds of a timestamp annotation (line end included); undefined if it is none or does not hold a number. */
export function parseTimestampLine(line: string): number | undefined {
  if (!line.startsWith(TIMESTAMP_PREFIX)) return undefined;
  const match = /^#TS:(-?[0-9]{1,15})\r\n$/.exec(line);
  return match === null ? undefined : Number(match[1]);
}

/** What an AOF file begins with: an RDB ("REDIS" or "VALKEY", a base file or an old preamble) or commands. */
export function detectFormat(firstBytes: Uint8Array): "rdb" | "aof" {
  return /^(?:REDIS|VALKEY)/.test(Buffer.from(firstBytes.subarray(0, 6)).toString("latin1")) ? "rdb" : "aof";
}

/**
 * How a file of a set is written: by its first bytes; a base that is called an RDB and begins with no command is one,
 * too, damaged or empty as it may be.
 */
export function formatOfFile(name: string, firstBytes: Uint8Array): "rdb" | "aof" {
  const [first] = firstBytes;
  const isCommands = first === STAR || first === HASH;
  return name.endsWith(".base.rdb") && !isCommands ? "rdb" : detectFormat(firstBytes);
}

const FILE_NAME = /^(.+)\.([1-9][0-9]{0,15})\.(base\.rdb|base\.aof|incr\.aof)$/;

/** Name of a base file; `format` is how it is written: "rdb", or commands ("aof"). */
export function baseFileName(appendfilename: string, sequence: number, format: "rdb" | "aof"): string {
  return `${appendfilename}.${sequence}.base.${format}`;
}

export function incrFileName(appendfilename: string, sequence: number): string {
  return `${appendfilename}.${sequence}.incr.aof`;
}

/** What the name of a base or incr file says. */
export interface AofFileName {
  readonly appendfilename: string;
  readonly sequence: number;
  readonly isIncr: boolean;
}

export function parseFileName(name: string): AofFileName | undefined {
  const match = FILE_NAME.exec(name);
  if (match === null) return undefined;
  return { appendfilename: match[1], sequence: Number(match[2]), isIncr: match[3] === "incr.aof" };
}

export function manifestFileName(appendfilename: string): string {
  return `${appendfilename}${MANIFEST_SUFFIX}`;
}

/** How the names of files begin that do not count yet. */
export const TEMPORARY_PREFIX = "temp-";
export const MANIFEST_SUFFIX = ".manifest";

/** The manifest while it is being written, and any other file that does not count yet. */
export function temporaryFileName(finalName: string): string {
  return `${TEMPORARY_PREFIX}${finalName}`;
}

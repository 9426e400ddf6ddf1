/**
 * Looks at the bytes around a damaged place of an AOF file, to tell what a power cut leaves from what only damage
 * does.
 * Only the verifier uses it, once per file and only when something is wrong, so it reads bytes again rather than
 * keeping them.
 */
import { crc32c } from "../../base/checksum.ts";
import type { FileHandle } from "../../base/files.ts";
import { BLOCK_LINE_PREFIX, type BlockLine, blockChecksum, isFilling, parseBlockLine } from "./format.ts";
import { COMMAND, FramingScanner, NEED_MORE } from "./framing.ts";

const CHUNK_BYTES = 1 << 18;
/** A disk writes whole sectors, of at least this size. */
const SECTOR_BYTES = 512;
/** Shorter runs of zeros or filling at a sector's end are taken for data. */
const RUN_BYTES = 16;
/** No block line is longer. */
const LINE_MAX_BYTES = 64;
/** Checking block lines may read at most this often the file's size: values that are full of forged lines must not
 * take forever. */
const READ_FACTOR_MAX = 16;

/** Calls `look` with successive chunks of file[start, end), until it returns true or the range ends. */
async function eachChunk(
  file: FileHandle,
  start: number,
  end: number,
  look: (chunk: Buffer, offset: number) => boolean,
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(CHUNK_BYTES, end - start)));
  for (let offset = start; offset < end; offset += buffer.length) {
    const chunk = buffer.subarray(0, Math.min(buffer.length, end - offset));
    if ((await file.read(chunk, offset)) < chunk.length)
      throw new Error("The file became shorter while it was read");
    if (look(chunk, offset)) return;
  }
}

/** Whether file[start, end) holds only what a power cut leaves where nothing was written: zero bytes and filling (at
 * least one byte). */
export async function isUnwritten(file: FileHandle, start: number, end: number): Promise<boolean> {
  return hasOnly(file, start, end, (byte, offset) => byte === 0 || isFilling(byte, offset));
}

/** Whether file[start, end) is filling (and not empty). */
export async function hasOnlyFilling(file: FileHandle, start: number, end: number): Promise<boolean> {
  return hasOnly(file, start, end, isFilling);
}

/** Whether the last bytes of file[start, end) that are not zero are filling: a run up to a sector's end, or to a place
 * where it was cut off. */
export async function endsInFilling(file: FileHandle, start: number, end: number): Promise<boolean> {
  let run = 0;
  await eachChunk(file, start, end, (chunk, offset) => {
    for (let i = 0; i < chunk.length; i++) {
      if (isFilling(chunk[i], offset + i)) run++;
      else if (chunk[i] !== 0) run = 0;
    }
    return false;
  });
  return run >= RUN_BYTES;
}

async function hasOnly(
  file: FileHandle,
  start: number,
  end: number,
  isRight: (byte: number, offset: number) => boolean,
): Promise<boolean> {
  let isSo = start < end;
  await eachChunk(file, start, end, (chunk, offset) => {
    isSo = chunk.every((byte, i) => isRight(byte, offset + i));
    return !isSo;
  });
  return isSo;
}

/** CRC-32C of file[start, end). */
async function rangeChecksum(file: FileHandle, start: number, end: number): Promise<number> {
  let checksum = 0;
  await eachChunk(file, start, end, (chunk) => {
    checksum = crc32c(chunk, checksum);
    return false;
  });
  return checksum;
}

/**
 * Looks in file[start, end), whole commands and annotations, for a sector of a command that may never have been
 * written: a run of at least RUN_BYTES zero bytes, or of filling, that ends at a multiple of SECTOR_BYTES.
 * @returns the start of the item that holds the first such run, and how far the file is valid before it (the same, or
 * the start of its MULTI)
 */
export async function findMissingSector(
  file: FileHandle,
  start: number,
  end: number,
): Promise<{ offset: number; validUpTo: number } | undefined> {
  for (let from = start; from < end; ) {
    const runEnd = await findRunEnd(file, from, end);
    if (runEnd === undefined) return undefined;
    const item = await findItem(file, start, end, runEnd);
    if (item === undefined || item.isCommand) return item;
    // Filling between commands is nothing missing: whoever wrote behind it did not know what it is.
    from = item.end;
  }
  return undefined;
}

/** End of the first run of zeros or filling that reaches a sector's end. */
async function findRunEnd(file: FileHandle, start: number, end: number): Promise<number | undefined> {
  let runEnd: number | undefined;
  let zeros = 0;
  let filling = 0;
  await eachChunk(file, start, end, (chunk, offset) => {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      zeros = byte === 0 ? zeros + 1 : 0;
      filling = isFilling(byte, offset + i) ? filling + 1 : 0;
      if ((zeros >= RUN_BYTES || filling >= RUN_BYTES) && (offset + i + 1) % SECTOR_BYTES === 0) {
        runEnd = offset + i + 1;
        return true;
      }
    }
    return false;
  });
  return runEnd;
}

interface FoundItem {
  /** Where it begins and ends. */
  readonly offset: number;
  readonly end: number;
  readonly isCommand: boolean;
  /** How far the file is valid before it. */
  readonly validUpTo: number;
}

/** The item that holds the byte before `position`. */
async function findItem(
  file: FileHandle,
  start: number,
  end: number,
  position: number,
): Promise<FoundItem | undefined> {
  const scanner = new FramingScanner(start, "");
  let multiStart: number | undefined;
  let found: FoundItem | undefined;
  await eachChunk(file, start, end, (chunk) => {
    scanner.next = 0;
    for (;;) {
      const event = scanner.push(chunk, scanner.next, chunk.length);
      if (event === NEED_MORE) return false;
      const offset = scanner.itemStart;
      if (scanner.offset >= position) {
        const isCommand = event === COMMAND;
        found = { offset, end: scanner.offset, isCommand, validUpTo: multiStart ?? offset };
        return true;
      }
      if (event === COMMAND) multiStart = scanner.isInTransaction ? (multiStart ?? offset) : undefined;
    }
  });
  return found;
}

interface EvidenceSearch {
  /** The file's end. */
  readonly size: number;
  /** Start of the block that is bad; no other block begins before it. */
  readonly blockStart: number;
  readonly badOffset: number;
}

/** Whether a later intact block line says that the file was synced beyond `badOffset`. */
export async function wasSyncedBeyond(file: FileHandle, search: EvidenceSearch): Promise<boolean> {
  let readsLeft = search.size * READ_FACTOR_MAX;
  const candidates: { offset: number; line: BlockLine }[] = [];
  // Chunks overlap by one line, and by the line end before it.
  const step = CHUNK_BYTES - LINE_MAX_BYTES;
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  for (let offset = Math.max(0, search.badOffset); offset < search.size; offset += step) {
    const chunk = buffer.subarray(0, Math.min(CHUNK_BYTES, search.size - offset));
    if ((await file.read(chunk, offset)) < chunk.length)
      throw new Error("The file became shorter while it was read");
    candidates.length = 0;
    collectLines(chunk, offset, step, search, candidates);
    for (const { offset: lineStart, line } of candidates) {
      readsLeft -= line.length;
      // Refusing to start is the lesser evil: nothing is lost by it.
      if (readsLeft < 0) return true;
      const checksum = await rangeChecksum(file, lineStart - line.length, lineStart);
      if (line.checksum === blockChecksum(checksum, { ...line, offset: lineStart })) return true;
    }
  }
  return false;
}

/** The block lines in a chunk that would be evidence if their checksums are right. */
function collectLines(
  chunk: Buffer,
  chunkOffset: number,
  step: number,
  search: EvidenceSearch,
  into: { offset: number; line: BlockLine }[],
): void {
  let index = chunk.indexOf(BLOCK_LINE_PREFIX, 0, "latin1");
  while (index !== -1 && index <= step) {
    const lineStart = chunkOffset + index;
    const lineEnd = chunk.indexOf(0x0a, index);
    const followsLine = index > 0 ? chunk[index - 1] === 0x0a : lineStart === 0;
    if (followsLine && lineEnd !== -1 && lineEnd - index < LINE_MAX_BYTES) {
      const line = parseBlockLine(chunk.toString("latin1", index, lineEnd + 1));
      if (
        line !== undefined &&
        line.synced > search.badOffset &&
        line.synced <= lineStart &&
        lineStart - line.length >= search.blockStart
      ) {
        into.push({ offset: lineStart, line });
      }
    }
    index = chunk.indexOf(BLOCK_LINE_PREFIX, index + 1, "latin1");
  }
}

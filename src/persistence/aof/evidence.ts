/**
 * Looks at the bytes around a damaged place of an AOF file, to tell what a power cut leaves from what only damage
 * does.
 * It is used where something is wrong only, so it reads bytes again rather than keeping them.
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
export async function eachChunk(
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
export async function rangeChecksum(file: FileHandle, start: number, end: number): Promise<number> {
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
    // Filling between commands means nothing: a server that does not know it wrote behind it.
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
  return eachBlockLine(file, search.badOffset, search.size, async (lineStart, line) => {
    const isEvidence =
      line.synced > search.badOffset &&
      line.synced <= lineStart &&
      lineStart - line.length >= search.blockStart;
    if (!isEvidence) return false;
    readsLeft -= line.length;
    // Refusing to start is the lesser evil: nothing is lost by it.
    return readsLeft < 0 || (await isIntactBlock(file, lineStart, line));
  });
}

/** Whether the bytes before a block line are what it says. */
async function isIntactBlock(file: FileHandle, lineStart: number, line: BlockLine): Promise<boolean> {
  const checksum = await rangeChecksum(file, lineStart - line.length, lineStart);
  return line.checksum === blockChecksum(checksum, { ...line, offset: lineStart });
}

/** A block found behind damaged bytes. */
export interface FoundBlock {
  readonly start: number;
  /** Database selected where it begins, if its line says so. */
  readonly db: number | undefined;
}

/**
 * The first intact block of file[from, size) that does not begin at `except` and whose line is in that range. Exact: a
 * block's checksum holds its place, so that nothing within a value can be taken for one.
 */
export async function findBlock(
  file: FileHandle,
  from: number,
  size: number,
  except = -1,
): Promise<FoundBlock | undefined> {
  let readsLeft = size * READ_FACTOR_MAX;
  let previousEnd = -1;
  let found: FoundBlock | undefined;
  await eachBlockLine(file, from, size, async (lineStart, line, lineEnd) => {
    const start = lineStart - line.length;
    // Those that follow the line before cannot add up to more than the file.
    if (start !== previousEnd) readsLeft -= line.length;
    const isCandidate = start >= from && start !== except && line.synced <= lineStart;
    if (isCandidate && (readsLeft >= 0 || start === previousEnd)) {
      if (await isIntactBlock(file, lineStart, line)) found = { start, db: line.db };
    }
    previousEnd = lineEnd;
    return found !== undefined;
  });
  return found;
}

/** Shows all that could be block lines and begin in file[from, size), until `look` returns true. Returns whether it
 * did. */
export async function eachBlockLine(
  file: FileHandle,
  from: number,
  size: number,
  look: (lineStart: number, line: BlockLine, lineEnd: number) => Promise<boolean>,
): Promise<boolean> {
  // Chunks overlap by one line, and by the line end before it.
  const step = CHUNK_BYTES - LINE_MAX_BYTES;
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  for (let offset = Math.max(0, from); offset < size; offset += step) {
    const chunk = buffer.subarray(0, Math.min(CHUNK_BYTES, size - offset));
    if ((await file.read(chunk, offset)) < chunk.length)
      throw new Error("The file became shorter while it was read");
    let index = chunk.indexOf(BLOCK_LINE_PREFIX, 0, "latin1");
    while (index !== -1 && index <= step) {
      const lineStart = offset + index;
      const lineEnd = chunk.indexOf(0x0a, index);
      const followsLine = index > 0 ? chunk[index - 1] === 0x0a : lineStart === from;
      if (followsLine && lineEnd !== -1 && lineEnd - index < LINE_MAX_BYTES) {
        const line = parseBlockLine(chunk.toString("latin1", index, lineEnd + 1));
        if (line !== undefined && (await look(lineStart, line, offset + lineEnd + 1))) return true;
      }
      index = chunk.indexOf(BLOCK_LINE_PREFIX, index + 1, "latin1");
    }
  }
  return false;
}

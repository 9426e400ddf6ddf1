/**
 * Finds blocks of an append-only file that lie nearer to its beginning than where they were written: somewhere before
 * them a piece of the file is missing. No power cut does that.
 *
 * A block's checksum covers the offset of its line, so it is right for one place only. Which place that was can be
 * worked out: CRCs are linear, so of an offset's digits the last five can be looked up when the others are given. In a
 * billion offsets, one checksum in four fits somewhere by chance; two blocks in a row that fit the same distance are
 * no chance.
 */
import { crc32c } from "../../base/checksum.ts";
import type { FileHandle } from "../../base/files.ts";
import { eachBlockLine, rangeChecksum } from "./evidence.ts";
import type { BlockLine } from "./format.ts";

/** Larger missing pieces are not found. */
const MISSING_BYTES_MAX = 1 << 30;
/** Working out takes some milliseconds; values may be full of lines that look like those of blocks. */
const ATTEMPTS_MAX = 16;
const LAST_DIGITS = 5;
const LAST_RANGE = 10 ** LAST_DIGITS;
const DIGIT_0 = 0x30;

/** Where intact blocks begin that lie nearer to the beginning than they did. */
export interface DisplacedBlocks {
  readonly start: number;
  /** Database selected where the first begins, if its line says so. */
  readonly db: number | undefined;
  readonly missingBytes: number;
}

/** A block line, and the checksum of the bytes that it belongs to. */
interface Candidate {
  readonly line: BlockLine;
  readonly offset: number;
  readonly bytesChecksum: number;
}

/** The first two blocks in a row in file[from, size) that are whole and displaced. */
export async function findDisplaced(
  file: FileHandle,
  from: number,
  size: number,
): Promise<DisplacedBlocks | undefined> {
  let before: Candidate | undefined;
  let previousEnd = -1;
  let attempts = 0;
  let found: DisplacedBlocks | undefined;
  await eachBlockLine(file, from, size, async (offset, line, lineEnd) => {
    const start = offset - line.length;
    const follows = start === previousEnd;
    previousEnd = lineEnd;
    // Only what follows a line is read: so no more than the file is.
    const bytesChecksum = follows ? await rangeChecksum(file, start, offset) : 0;
    const candidate = follows ? { line, offset, bytesChecksum } : undefined;
    if (before !== undefined && candidate !== undefined && !fits(before, 0) && !fits(candidate, 0)) {
      const first = before;
      const missingBytes = distancesOf(first).find((distance) => fits(candidate, distance));
      if (missingBytes !== undefined)
        found = { start: first.offset - first.line.length, db: first.line.db, missingBytes };
      attempts++;
    }
    before = candidate;
    return found !== undefined || attempts === ATTEMPTS_MAX;
  });
  return found;
}

function fits(candidate: Candidate, distance: number): boolean {
  const { line, offset } = candidate;
  const written = offset + distance;
  return line.synced <= written && line.checksum === withDigits(checksumBeforeOffset(candidate), written);
}

/** All distances at which a block's checksum would be right. */
function distancesOf(candidate: Candidate): number[] {
  const { line, offset } = candidate;
  const found: number[] = [];
  const beforeDigits = checksumBeforeOffset(candidate);
  for (let each = offset + 1; each < LAST_RANGE; each++)
    if (withDigits(beforeDigits, each) === line.checksum) found.push(each);
  const table = lastDigits();
  const zerosChecksum = withDigits(0, 0, LAST_DIGITS);
  const from = Math.max(1, Math.floor(offset / LAST_RANGE));
  for (let first = from; first * LAST_RANGE <= offset + MISSING_BYTES_MAX; first++) {
    // What the last digits must have for a checksum by themselves.
    const withZeros = withDigits(withDigits(beforeDigits, first), 0, LAST_DIGITS);
    const last = table.get((line.checksum ^ withZeros ^ zerosChecksum) >>> 0);
    if (last !== undefined) found.push(first * LAST_RANGE + last);
  }
  return found.map((each) => each - offset).filter((distance) => distance > 0 && fits(candidate, distance));
}

/** The checksum of all that comes before the offset's digits. */
function checksumBeforeOffset({ bytesChecksum, line }: Candidate): number {
  const { db, length, synced } = line;
  return crc32c(Buffer.from(`${length}:${synced}:${db ?? ""}@`), bytesChecksum);
}

let knownDigits: ReadonlyMap<number, number> | undefined;

/** Numbers of five digits by their checksum. */
function lastDigits(): ReadonlyMap<number, number> {
  if (knownDigits !== undefined) return knownDigits;
  const table = new Map<number, number>();
  for (let number = 0; number < LAST_RANGE; number++) table.set(withDigits(0, number, LAST_DIGITS), number);
  knownDigits = table;
  return table;
}

/** The polynomial of CRC-32C, its bits reversed. */
const POLYNOMIAL = 0x82f63b78;
const CHECKSUMS_OF_BYTES = Uint32Array.from({ length: 256 }, (_, byte) => {
  let checksum = byte;
  for (let bit = 0; bit < 8; bit++) checksum = (checksum >>> 1) ^ (checksum & 1 ? POLYNOMIAL : 0);
  return checksum;
});

/** Continues a checksum over a number's digits, with zeros in front up to so many. For a few bytes a call of the
 * native package takes far longer. */
function withDigits(checksum: number, number: number, atLeast = 1): number {
  let digits = atLeast;
  while (number >= 10 ** digits) digits++;
  let register = ~checksum;
  for (let unit = 10 ** (digits - 1); unit >= 1; unit /= 10) {
    const byte = DIGIT_0 + (Math.floor(number / unit) % 10);
    register = CHECKSUMS_OF_BYTES[(register ^ byte) & 255] ^ (register >>> 8);
  }
  return ~register >>> 0;
}

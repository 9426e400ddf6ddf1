/**
 * LZF, the compression of strings in RDB files (LibLZF's format).
 *
 * Compressed data is a sequence of
 *     000LLLLL <L+1 bytes>                        L+1 literal bytes (1..32)
 *     LLLooooo oooooooo                           copy L+2 bytes (3..8, L = 1..6) from o+1 bytes back (o: 13 bits)
 *     111ooooo LLLLLLLL oooooooo                  copy L+9 bytes (9..264) from o+1 bytes back
 *
 * Any compressor that produces this is compatible; ours need not produce the same bytes as LibLZF.
 */
import { copyTwoWords, VIEW, type ViewedBuffer } from "./byte-copy.ts";

const HASH_BITS = 14;
const LITERALS_MAX = 32;
const DISTANCE_MAX = 8192;
const MATCH_MAX = 264;
/** Runs are copied in steps of so many bytes, if both buffers carry views: a third less time for texts of 200 bytes. */
const STEP_BYTES = 8;
/** The longer nothing was found, the more bytes are passed over before the next look (as LZ4 does), up to this number:
 * of noise, which takes the processor's predictions away, little is looked at. */
const SKIP_MAX = 32;

/**
 * Where the three bytes with a given hash were last seen, as position + `epoch`. A new call begins a new epoch above
 * every old entry, so the table need not be cleared, which would cost more than compressing a short string.
 */
const lastSeen = new Int32Array(1 << HASH_BITS).fill(-1);
let epoch = 0;

/** Makes what the table holds so far void for an input of this length; returns the epoch before. */
function beginEpoch(length: number): number {
  if (epoch > 0x7fffffff - length) {
    lastSeen.fill(-1);
    epoch = 0;
  }
  const begun = epoch;
  epoch += length;
  return begun;
}

/**
 * Compresses input[start, start + length) into `output` from `position` on, using at most `limit` bytes there.
 * @returns the number of bytes written; 0 if it does not fit
 */
export function lzfCompress(
  input: Uint8Array,
  start: number,
  length: number,
  output: Uint8Array,
  position: number,
  limit: number,
): number {
  if (length < 4 || limit < 4) return 0;
  // Buffers with and without views, on memory that grows or does not: where V8 has met more than four kinds, each byte
  // takes four to seven times as long for ever. A view made here is of one kind, or two.
  return compress(new Uint8Array(input.buffer, input.byteOffset + start, length), output, position, limit);
}

function compress(input: Uint8Array, output: Uint8Array, position: number, limit: number): number {
  const { length } = input;
  const shift = beginEpoch(length); // an index of `input` plus this is an entry of the table
  const outputEnd = position + limit;
  let write = position + 1; // room for the first literal run's length
  let literals = 0;
  let misses = 0;
  let read = 0;
  while (read < length - 2) {
    const a = input[read];
    const b = input[read + 1];
    const c = input[read + 2];
    const slot = Math.imul((a << 16) | (b << 8) | c, 0x9e3779b1) >>> (32 - HASH_BITS);
    const from = lastSeen[slot] - shift;
    lastSeen[slot] = read + shift;
    const distance = read - from;
    if (
      from < 0 ||
      distance > DISTANCE_MAX ||
      input[from] !== a ||
      input[from + 1] !== b ||
      input[from + 2] !== c
    ) {
      const end = Math.min(read + 1 + Math.min(misses++ >> 6, SKIP_MAX), length - 2);
      for (; read < end; read++) {
        if (write >= outputEnd) return 0;
        output[write++] = input[read];
        literals++;
        if (literals === LITERALS_MAX) {
          output[write - literals - 1] = literals - 1;
          literals = 0;
          write++;
        }
      }
      continue;
    }
    misses = 0;
    let match = 3;
    const matchMax = Math.min(length - read, MATCH_MAX);
    while (match < matchMax && input[from + match] === input[read + match]) match++;
    if (write + 4 >= outputEnd) return 0;
    if (literals > 0) output[write - literals - 1] = literals - 1;
    else write--; // nobody needs the length byte kept free
    const offset = distance - 1;
    if (match < 9) {
      output[write++] = ((match - 2) << 5) | (offset >> 8);
    } else {
      output[write++] = 0xe0 | (offset >> 8);
      output[write++] = match - 9;
    }
    output[write++] = offset & 0xff;
    literals = 0;
    write++;
    read += match;
  }
  if (write + (length - read) >= outputEnd) return 0; // one more than the rest: a run may fill up on the way
  return writeRest(input.subarray(read), output, write, literals) - position;
}

/** Writes `rest` as literals that continue the present run, and closes the last run; returns where output ends. */
function writeRest(rest: Uint8Array, output: Uint8Array, position: number, literalsBefore: number): number {
  let write = position;
  let literals = literalsBefore;
  for (const byte of rest) {
    output[write++] = byte;
    literals++;
    if (literals === LITERALS_MAX) {
      output[write - literals - 1] = literals - 1;
      literals = 0;
      write++;
    }
  }
  if (literals > 0) output[write - literals - 1] = literals - 1;
  else write--;
  return write;
}

/**
 * Decompresses the bytes of `input` from `start` to before `end` into the buffer that `room` gives for exactly `length`
 * bytes; it may be longer. Nothing is allocated for a lie.
 * @returns undefined if they are not LZF, or do not yield exactly `length` bytes
 */
export function lzfDecompress(
  input: Uint8Array,
  length: number,
  start = 0,
  end: number = input.length,
  room: (length: number) => Buffer = newRoom,
): Buffer | undefined {
  if (decompressedLength(input, start, end) !== length) return undefined;
  const output = room(length);
  const from = (input as ViewedBuffer)[VIEW];
  const into = (output as ViewedBuffer)[VIEW];
  // The last step of a run may go beyond it, but not beyond the bytes that are meant.
  const areViewed = from !== undefined && into !== undefined;
  const readSteps = areViewed ? end - STEP_BYTES : -1;
  const writeSteps = areViewed ? length - STEP_BYTES : -1;
  let read = start;
  let write = 0;
  while (read < end) {
    const control = input[read++];
    if (control < LITERALS_MAX) {
      const readEnd = read + control + 1;
      const writeEnd = write + control + 1;
      if (readEnd <= readSteps && writeEnd <= writeSteps) {
        for (; read < readEnd; read += STEP_BYTES, write += STEP_BYTES)
          copyTwoWords(from!, read, into!, write);
      } else while (read < readEnd) output[write++] = input[read++];
      read = readEnd;
      write = writeEnd;
      continue;
    }
    let count = (control >> 5) + 2;
    if (count === 9) count += input[read++];
    const distance = (((control & 0x1f) << 8) | input[read++]) + 1;
    const writeEnd = write + count;
    if (distance >= STEP_BYTES && writeEnd <= writeSteps) {
      for (; write < writeEnd; write += STEP_BYTES) copyTwoWords(into!, write - distance, into!, write);
      write = writeEnd;
    } else for (; write < writeEnd; write++) output[write] = output[write - distance];
  }
  return output;
}

/** A buffer of its own for so many bytes. */
export function newRoom(length: number): Buffer {
  return Buffer.allocUnsafe(length);
}

/** How many bytes the input decompresses to; -1 if it is cut off or refers to bytes before the first. */
function decompressedLength(input: Uint8Array, start: number, end: number): number {
  let length = 0;
  let read = start;
  while (read < end) {
    const control = input[read++];
    if (control < LITERALS_MAX) {
      read += control + 1;
      length += control + 1;
      continue;
    }
    let count = (control >> 5) + 2;
    if (count === 9) count += input[read++];
    const distance = (((control & 0x1f) << 8) | input[read++]) + 1;
    if (distance > length) return -1;
    length += count;
  }
  return read === end ? length : -1;
}

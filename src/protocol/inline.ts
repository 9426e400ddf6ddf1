/**
 * Splits a line into arguments as Redis does for inline commands and for its configuration file: words between
 * blanks, "double quotes" with escapes (\n \r \t \b \a \xHH, and any other character for itself), 'single quotes'
 * with \' only. A closing quote must be followed by a blank or the end. The line ends at its first NUL byte, as
 * C's text does.
 */
import { isBlank } from "../base/numbers.ts";

const NUL = 0x00;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;
const LOWER_X = 0x78;

/** Escapes in double quotes that do not stand for the character itself. */
const ESCAPES: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, b: 0x08, a: 0x07 };

/** Whether a byte outside quotes ends a word: not all blanks do. */
export function endsWord(byte: number): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB;
}

/** The arguments in the line, or undefined if its quotes are unbalanced. */
export function splitArguments(line: Buffer): Buffer[] | undefined {
  const nul = line.indexOf(NUL);
  const end = nul < 0 ? line.length : nul;
  const words: Buffer[] = [];
  // Unquoting only ever shortens, so the words of one line fit one buffer of its length.
  const target = Buffer.allocUnsafe(end);
  let written = 0;
  let position = 0;
  for (;;) {
    while (position < end && isBlank(line[position])) position++;
    if (position >= end) return words;
    const first = written;
    for (let inWord = true; inWord; ) {
      const byte = position < end ? line[position] : NUL;
      position++;
      if (byte === NUL || endsWord(byte)) {
        inWord = false;
      } else if (byte !== DOUBLE_QUOTE && byte !== SINGLE_QUOTE) {
        target[written++] = byte;
      } else {
        const close = closingQuote(line, position, end, byte);
        if (close < 0) return undefined;
        written = unquote(line, position, close, byte, target, written);
        position = close + 1;
        inWord = false;
      }
    }
    words.push(target.subarray(first, written));
  }
}

/** Where the quote that opened before `start` closes; -1 if it does not, or if a word goes on behind it. */
function closingQuote(line: Buffer, start: number, end: number, quote: number): number {
  for (let i = start; i < end; i++) {
    if (line[i] === BACKSLASH && i + 1 < end && (quote === DOUBLE_QUOTE || line[i + 1] === SINGLE_QUOTE)) {
      i++;
    } else if (line[i] === quote) {
      return i + 1 === end || isBlank(line[i + 1]) ? i : -1;
    }
  }
  return -1;
}

/** Copies what stands between quotes, escapes resolved; returns the end of what was written. */
function unquote(
  line: Buffer,
  start: number,
  end: number,
  quote: number,
  target: Buffer,
  to: number,
): number {
  let written = to;
  for (let i = start; i < end; i++) {
    if (line[i] !== BACKSLASH || i + 1 >= end) {
      target[written++] = line[i];
    } else if (quote === SINGLE_QUOTE) {
      if (line[i + 1] === SINGLE_QUOTE) i++;
      target[written++] = line[i];
    } else if (line[i + 1] === LOWER_X && i + 3 < end && isHex(line[i + 2]) && isHex(line[i + 3])) {
      target[written++] = Number.parseInt(line.toString("latin1", i + 2, i + 4), 16);
      i += 3;
    } else {
      i++;
      target[written++] = ESCAPES[String.fromCharCode(line[i])] ?? line[i];
    }
  }
  return written;
}

function isHex(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

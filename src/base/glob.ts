/**
 * Redis's glob patterns (KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET, ACL), over bytes.
 *
 * `*` any run, `?` any byte, `[abc]` `[a-z]` `[^a]` a class, `\x` the byte x. The result equals that of Redis 7.0's
 * `stringmatchlen` for every input, its oddities included: an empty text matches the empty pattern only (not even
 * `*`), a class that is never closed ends with the pattern, bytes above 127 order before the others in a range, and
 * an escaped byte within a class is compared exactly even when case is ignored.
 *
 * Time is at most pattern length x text length: when a `*` follows, the part before it keeps its first match and is
 * never tried again, because a later match leaves a shorter rest, in which the same continuation fails too.
 */

const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;
const BACKSLASH = 0x5c;

/** Position after the class that `matchClass` read last: a second result without an object per call. */
let classEnd = 0;

/** Whether the whole of `text` matches `pattern`; `ignoreCase` folds ASCII letters. */
export function globMatch(pattern: Uint8Array, text: Uint8Array, ignoreCase = false): boolean {
  return globMatchRange(pattern, text, 0, text.length, ignoreCase);
}

/** As `globMatch`, for the `length` bytes of `source` from `start`. */
export function globMatchRange(
  pattern: Uint8Array,
  source: Uint8Array,
  start: number,
  length: number,
  ignoreCase = false,
): boolean {
  const patternLength = pattern.length;
  if (length === 0) return patternLength === 0;
  const textEnd = start + length;
  let patternAt = 0;
  let textAt = start;
  // Where to resume when the part after the last star fails: one byte later in the text, same place in the pattern.
  let starPattern = -1;
  let starText = 0;
  while (textAt < textEnd) {
    if (patternAt < patternLength && pattern[patternAt] === STAR) {
      while (patternAt < patternLength && pattern[patternAt] === STAR) patternAt++;
      if (patternAt === patternLength) return true;
      starPattern = patternAt;
      starText = textAt;
    } else if (
      patternAt < patternLength &&
      matchOne(pattern, patternAt, source[textAt] as number, ignoreCase)
    ) {
      patternAt = classEnd;
      textAt++;
    } else {
      if (starPattern === -1) return false;
      patternAt = starPattern;
      starText++;
      textAt = starText;
    }
  }
  while (patternAt < patternLength && pattern[patternAt] === STAR) patternAt++;
  return patternAt === patternLength;
}

/** Whether the pattern's element at `at` (not a star) takes `byte`; leaves the position after it in `classEnd`. */
function matchOne(pattern: Uint8Array, at: number, byte: number, ignoreCase: boolean): boolean {
  const element = pattern[at] as number;
  if (element === OPEN) return matchClass(pattern, at + 1, byte, ignoreCase);
  if (element === QUESTION) {
    classEnd = at + 1;
    return true;
  }
  const isEscape = element === BACKSLASH && at + 1 < pattern.length;
  classEnd = isEscape ? at + 2 : at + 1;
  const literal = isEscape ? (pattern[at + 1] as number) : element;
  return literal === byte || (ignoreCase && toLower(literal) === toLower(byte));
}

/** The class whose first byte (after the bracket) is at `start`. */
function matchClass(pattern: Uint8Array, start: number, byte: number, ignoreCase: boolean): boolean {
  const length = pattern.length;
  let at = start;
  const isNegated = at < length && pattern[at] === CARET;
  if (isNegated) at++;
  let found = false;
  while (at < length && pattern[at] !== CLOSE) {
    const first = pattern[at] as number;
    if (first === BACKSLASH && at + 1 < length) {
      at++;
      if (pattern[at] === byte) found = true;
    } else if (at + 2 < length && pattern[at + 1] === DASH) {
      if (isWithin(byte, first, pattern[at + 2] as number, ignoreCase)) found = true;
      at += 2;
    } else if (first === byte || (ignoreCase && toLower(first) === toLower(byte))) {
      found = true;
    }
    at++;
  }
  // An unclosed class ends with the pattern; otherwise step over the closing bracket.
  classEnd = at < length ? at + 1 : length;
  return found !== isNegated;
}

/** Range test on signed bytes, as the `char` of Redis's platforms is signed. */
function isWithin(byte: number, from: number, to: number, ignoreCase: boolean): boolean {
  let low = signed(from);
  let high = signed(to);
  if (low > high) [low, high] = [high, low];
  if (!ignoreCase) return signed(byte) >= low && signed(byte) <= high;
  const folded = toLower(signed(byte));
  return folded >= toLower(low) && folded <= toLower(high);
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}

function toLower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/**
 * Where a command's keys stand, worked out from its key specifications.
 */
import { leadingInt32, parseInteger } from "../base/numbers.ts";
import type { Request } from "../protocol/request.ts";
import type { CommandSpec, KeyArgument, KeyRangeSpec, KeySpec } from "./command.ts";

/** The one range of keys that older clients know of: from argument `first` to `last` (negative: from the end). */
export interface KeyRange {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

const MAX_INT32 = 2 ** 31 - 1;
const NO_KEYS: KeyRange = { first: 0, last: 0, step: 0 };

/**
 * The range that covers the command's specifications, as far as they follow one another without a gap; those that do
 * not are left out (and the command must have the flag movablekeys).
 */
export function keyRangeOf(spec: CommandSpec): KeyRange {
  const [only] = spec.keys;
  if (only === undefined) return NO_KEYS;
  if (spec.keys.length === 1 && only.kind === "range")
    return { first: only.first, last: only.last, step: only.step };
  let range = NO_KEYS;
  for (const key of spec.keys) {
    if (!continues(range, key)) continue;
    range = { first: range === NO_KEYS ? key.first : range.first, last: key.last, step: 1 };
  }
  return range;
}

/** Whether some specification does not fit the range that keyRangeOf gives. */
export function hasMovableKeys(spec: CommandSpec): boolean {
  if (spec.keys.some((key) => key.kind !== "range" || key.flags.includes("incomplete"))) return true;
  if (spec.keys.length < 2) return false;
  let range = NO_KEYS;
  for (const key of spec.keys) {
    if (!continues(range, key)) return true;
    range = { first: key.first, last: key.last, step: 1 };
  }
  return false;
}

function continues(range: KeyRange, key: KeySpec): key is KeyRangeSpec {
  return key.kind === "range" && key.step === 1 && (range === NO_KEYS || range.last === key.first - 1);
}

/** Whether any argument of the command is a key. */
export function hasKeys(spec: CommandSpec): boolean {
  return spec.keys.some(isKey);
}

/** The arguments that one specification finds in a request. */
export class KeyPlaces {
  first = 0;
  last = 0;
  step = 1;

  /**
   * Looks for the keys of one specification in a request whose command name is argument `nameAt` (0, but for commands
   * that are arguments themselves). Sets `last` below `first` where there are none. Allocates nothing.
   * @returns false if the request cannot be one of the command
   */
  find(key: KeySpec, request: Request, nameAt: number): boolean {
    this.step = 1;
    if (key.kind === "range") {
      this.first = nameAt + key.first;
      this.last = key.last < 0 ? request.argc + key.last : nameAt + key.last;
      this.step = key.step;
    } else if (key.kind === "counted") {
      const countAt = nameAt + key.countAt;
      if (countAt >= request.argc) return false;
      const { buf, start, len } = request;
      let count = parseInteger(buf, start[countAt], len[countAt]);
      // NaN, too: such a command will fail, but as in Redis its keys must be allowed before.
      if (!(Math.abs(count) <= MAX_INT32)) count = leadingInt32(buf, start[countAt], len[countAt]);
      if (count < 1) return false;
      this.first = countAt + 1;
      this.last = countAt + count;
    } else if (key.kind === "keyword") {
      const word = placeOfWord(request, key.word, key.from, nameAt);
      this.first = word + 1;
      this.last = word;
      if (word === 0) return true;
      this.last = key.share === 0 ? word + 1 : word + Math.floor((request.argc - word - 1) / key.share);
    } else {
      return false;
    }
    return this.last < request.argc && this.last >= this.first && this.first < request.argc;
  }
}

/** The argument that is the word, in any case; 0 if none is. The last on the way is not looked at, as in Redis. */
function placeOfWord(request: Request, word: string, from: number, nameAt: number): number {
  const isForward = from > 0;
  const end = isForward ? request.argc - 1 : nameAt + 1;
  const step = isForward ? 1 : -1;
  for (let i = isForward ? nameAt + from : request.argc + from; (end - i) * step > 0; i += step) {
    if (request.len[i] === word.length && request.text(i).toUpperCase() === word) return i;
  }
  return 0;
}

const places = new KeyPlaces();

/**
 * The arguments that are keys, of a request whose command name is argument `nameAt`; undefined if the request cannot
 * be one.
 */
export function keysOfRequest(
  spec: CommandSpec,
  request: Request,
  nameAt: number,
): readonly KeyArgument[] | undefined {
  if (spec.keysOf !== undefined) return spec.keysOf(request, nameAt);
  const keys: KeyArgument[] = [];
  for (const key of spec.keys) {
    if (!isKey(key)) continue;
    if (!places.find(key, request, nameAt)) return undefined;
    for (let i = places.first; i <= places.last; i += places.step)
      keys.push({ position: i, flags: key.flags });
  }
  return keys;
}

function isKey(key: KeySpec): boolean {
  return !key.flags.includes("not_key");
}

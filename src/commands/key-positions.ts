/**
 * Where a command's keys stand, worked out from its key specifications.
 */
import type { CommandSpec, KeyFlag, KeySpec } from "./command.ts";

/** The one range of keys that older clients know of: from argument `first` to `last` (negative: from the end). */
export interface KeyRange {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

const NO_KEYS: KeyRange = { first: 0, last: 0, step: 0 };

/**
 * The range that covers the command's specifications, as far as they follow one another without a gap; those that do
 * not are left out (and the command must have the flag movablekeys).
 */
export function keyRangeOf(spec: CommandSpec): KeyRange {
  const [only] = spec.keys;
  if (only === undefined) return NO_KEYS;
  if (spec.keys.length === 1) return { first: only.first, last: only.last, step: only.step };
  let range = NO_KEYS;
  for (const key of spec.keys) {
    if (!continues(range, key)) continue;
    range = { first: range === NO_KEYS ? key.first : range.first, last: key.last, step: 1 };
  }
  return range;
}

/** Whether some specification does not fit the range that keyRangeOf gives. */
export function hasMovableKeys(spec: CommandSpec): boolean {
  if (spec.keys.some((key) => key.flags.includes("incomplete"))) return true;
  if (spec.keys.length < 2) return false;
  let range = NO_KEYS;
  for (const key of spec.keys) {
    if (!continues(range, key)) return true;
    range = { first: key.first, last: key.last, step: 1 };
  }
  return false;
}

function continues(range: KeyRange, key: KeySpec): boolean {
  return key.step === 1 && (range === NO_KEYS || range.last === key.first - 1);
}

/** Whether any argument of the command is a key. */
export function hasKeys(spec: CommandSpec): boolean {
  return spec.keys.some(isKey);
}

/** An argument that is a key, and what the command does to it. */
export interface KeyArgument {
  readonly position: number;
  readonly flags: readonly KeyFlag[];
}

/**
 * The arguments that are keys, of a request of the command with `argc` arguments; undefined if the request cannot be
 * one.
 */
export function keyPositions(spec: CommandSpec, argc: number): KeyArgument[] | undefined {
  const keys: KeyArgument[] = [];
  for (const key of spec.keys) {
    if (!isKey(key)) continue;
    const last = key.last < 0 ? argc + key.last : key.last;
    if (last >= argc || last < key.first || key.first >= argc) return undefined;
    for (let i = key.first; i <= last; i += key.step) keys.push({ position: i, flags: key.flags });
  }
  return keys;
}

function isKey(key: KeySpec): boolean {
  return !key.flags.includes("not_key");
}

/**
 * Numbers as configuration writes them. BigInt, because ranges are those of C's 64-bit types, and a value is
 * compared with its range, and reported, before it becomes a (rounded) number.
 */

export const INT_MIN = -(2n ** 31n);
export const INT_MAX = 2n ** 31n - 1n;
export const UINT_MAX = 2n ** 32n - 1n;
export const LONG_MAX = 2n ** 63n - 1n;
export const ULONG_MAX = 2n ** 64n - 1n;

const UNIT_BYTES: ReadonlyMap<string, bigint> = new Map([
  ["", 1n],
  ["b", 1n],
  ["k", 1000n],
  ["kb", 1n << 10n],
  ["m", 1000n ** 2n],
  ["mb", 1n << 20n],
  ["g", 1000n ** 3n],
  ["gb", 1n << 30n],
]);

/** A decimal integer exactly as Redis's `string2ll` takes it (no plus sign, no leading zeros or blanks, 64 bits). */
export function parseInteger(text: string): bigint | undefined {
  if (!/^(?:0|-?[1-9]\d{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value > LONG_MAX || value < -LONG_MAX - 1n ? undefined : value;
}

/**
 * Bytes, with Redis's units in any case: `k` 1000, `kb` 1024, `m`, `mb`, `g`, `gb`, `b`. Where Redis reads something
 * that was surely not meant (a unit without digits as 0, more than 64 bits wrapped around) the answer is undefined.
 */
export function parseMemory(text: string): bigint | undefined {
  const match = /^(\d{1,127})([a-z]*)$/i.exec(text);
  if (match === null) return undefined;
  const [, digits = "", unit = ""] = match;
  const factor = UNIT_BYTES.get(unit.toLowerCase());
  if (factor === undefined) return undefined;
  const value = BigInt(digits) * factor;
  return value > ULONG_MAX ? undefined : value;
}

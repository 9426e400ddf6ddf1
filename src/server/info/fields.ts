/**
 * How INFO prints numbers, and the fields they are printed in.
 */

/** One line `name:value` of INFO. */
export type Field = readonly [name: string, value: string | number];

const KILO = 1024;
const UNITS = ["B", "K", "M", "G", "T", "P"];

/** Bytes for people: "512B", "1.50K", "2.00G". */
export function humanBytes(bytes: number): string {
  if (bytes < KILO) return `${bytes}B`;
  let value = bytes;
  let unit = 0;
  for (; value >= KILO && unit < UNITS.length - 1; unit++) value /= KILO;
  return `${value.toFixed(2)}${UNITS[unit]}`;
}

/** The field and its twin for people. */
export function withHuman(name: string, bytes: number): Field[] {
  return [
    [name, bytes],
    [`${name}_human`, humanBytes(bytes)],
  ];
}

/** `part` of `whole` in percent. */
export function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (part * 100) / whole).toFixed(2)}%`;
}

/** Two decimals; 0 instead of a division by zero. */
export function ratio(part: number, whole: number): string {
  return (whole === 0 ? 0 : part / whole).toFixed(2);
}

export function flag(isSet: boolean): number {
  return isSet ? 1 : 0;
}

export function status(isOk: boolean): string {
  return isOk ? "ok" : "err";
}

/** Whole seconds, rounded down; -1 stays -1. */
export function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}

/** A text as a value or part of a name: without the bytes that have a meaning between fields. */
export function safeText(text: string): string {
  return text.replace(/[#:\r\n]/g, "_");
}

/**
 * The forms of hashes, and the numbers by which entries know them.
 *
 *     LISTPACK         in the entry: field, value, field, value ...
 *     TIMED_LISTPACK   in the entry: field, value, time, field, value, time ... in the order of times; fields that do
 *                      not expire have the time 0 and are the last ones. A time is Unix milliseconds.
 *     TABLE            an element table: fields are keys, values are payloads
 *
 * Whether a table's fields may expire is told by its root (hash-table-form.ts).
 */
import { ROOTED } from "../rooted.ts";

/** Entry type of hashes. */
export const HASH = 4;

export const LISTPACK = 0;
export const TIMED_LISTPACK = 1;
export const TABLE: number = ROOTED | 2;
/** A table some of whose fields may expire. */
export const TIMED_TABLE: number = ROOTED | 3;

/** What OBJECT ENCODING answers. */
export function encodingName(encoding: number): string {
  if (encoding === LISTPACK) return "listpack";
  return encoding === TIMED_LISTPACK ? "listpackex" : "hashtable";
}

/**
 * The forms of hashes, and the numbers by which entries know them.
 *
 *     LISTPACK         in the entry: field, value, field, value ...
 *     TIMED_LISTPACK   in the entry: field, value, time, field, value, time ... in the order of times; fields that do
 *                      not expire have the time 0 and are the last ones. A time is Unix milliseconds.
 *     TABLE            a table of names and values (table-fields.ts)
 *     TIMED_TABLE      the same with times beside it (field-times.ts)
 *
 * A hash gets a form with times when a field gets its first time, and keeps it, as in Redis 7.4.
 */
import { ROOTED } from "../rooted.ts";

/** Entry type of hashes. */
export const HASH = 4;

export const LISTPACK = 0;
export const TIMED_LISTPACK = 1;
export const TABLE: number = ROOTED | 2;
export const TIMED_TABLE: number = ROOTED | 3;

/** The bit that tells forms with times from those without, and where an entry's head has type and encoding. */
const TIMED = 1;
const TYPE_AND_TIMED = 0xf | (TIMED << 4);

/** Whether the entry with this head (its word 0) is a hash in a form with times. */
export function hasTimedForm(head: number): boolean {
  return (head & TYPE_AND_TIMED) === (HASH | (TIMED << 4));
}

/** What OBJECT ENCODING answers. */
export function encodingName(encoding: number): string {
  if (encoding === LISTPACK) return "listpack";
  return encoding === TIMED_LISTPACK ? "listpackex" : "hashtable";
}

/**
 * The forms of sets, and the numbers by which entries know them.
 *
 *     INTSET   in the entry: integers only (../intset/intset.ts)
 *     TABLE    an element table (../element-table) whose keys are the members, without payloads
 */
import { ROOTED } from "../rooted.ts";

/** Entry type of sets. */
export const SET = 2;

export const INTSET = 0;
export const TABLE: number = ROOTED | 1;

/** Payload length of the tables. */
export const MEMBER_PAYLOAD = 0;

/** What OBJECT ENCODING answers. */
export function encodingName(encoding: number): string {
  return encoding === INTSET ? "intset" : "hashtable";
}

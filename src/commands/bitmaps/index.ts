/** The commands of the bitmap group. */
import type { CommandSpec } from "../command.ts";
import { bitfield, bitfieldRo } from "./bit-field.ts";
import { bitop } from "./bit-operations.ts";
import { bitcount, bitpos } from "./bit-ranges.ts";
import { getbit, setbit } from "./bits.ts";

export const bitmapCommands: readonly CommandSpec[] = [
  setbit,
  getbit,
  bitcount,
  bitpos,
  bitop,
  bitfield,
  bitfieldRo,
];

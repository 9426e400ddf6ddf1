/**
 * How much memory a key takes, with all that its value has outside the entry.
 */
import type { ValueImage } from "../types/data-type.ts";
import { dataTypeOf } from "../types/registry.ts";
import { isRooted, rootOf } from "../types/rooted.ts";
import type { ValueMemory } from "../types/value-memory.ts";

/** Values of so many elements take some milliseconds to be written; a string, which is only copied, may be longer. */
const LARGE_BYTES = 256 * 1024;
/** Strings from this length on are written in parts. They have a buffer of their own. */
export const LARGE_STRING_BYTES: number = 512 * 1024;
/** Elements looked at to find out whether a value is large. */
const SAMPLES = 5;

/** Bytes of the entry and its value; of a value of many parts estimated from `samples` of them, where its type has to
 * look at each. */
export function entryBytes(memory: ValueMemory, address: number, samples: number): number {
  const { entries } = memory;
  const bytes = entries.sizeBytes(address);
  if (!isRooted(entries.head(address))) return bytes;
  const { rooted } = dataTypeOf(entries.type(address));
  return bytes + rooted!.sizeBytes(memory, rootOf(entries, address), samples);
}

/** Whether the value is so large that everybody would notice if it were written in one go. */
export function isLarge(memory: ValueMemory, address: number): boolean {
  const { entries } = memory;
  if (!isRooted(entries.head(address))) return entries.valueLength(address) >= LARGE_STRING_BYTES;
  return entryBytes(memory, address, SAMPLES) >= LARGE_BYTES;
}

/** How many blocks an image of a large value freezes: none of a string, which is frozen at once. */
export function imageBlocks(memory: ValueMemory, address: number): number {
  const { entries } = memory;
  if (!isRooted(entries.head(address))) return 0;
  return dataTypeOf(entries.type(address)).imageBlocks!(memory, address);
}

/** The image of a large value, if it is no string; undefined of a small one. */
export function imageOf(memory: ValueMemory, address: number): ValueImage | undefined {
  const { entries } = memory;
  if (!isRooted(entries.head(address)) || !isLarge(memory, address)) return undefined;
  return dataTypeOf(entries.type(address)).image!(memory, address);
}

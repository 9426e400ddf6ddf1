/**
 * How much memory a key takes, with all that its value has outside the entry.
 */
import { dataTypeOf } from "../types/registry.ts";
import { isRooted, rootOf } from "../types/rooted.ts";
import type { ValueMemory } from "../types/value-memory.ts";

/** Bytes of the entry and its value; of a value of many parts estimated from `samples` of them, where its type has to
 * look at each. */
export function entryBytes(memory: ValueMemory, address: number, samples: number): number {
  const { entries } = memory;
  const bytes = entries.sizeBytes(address);
  if (!isRooted(entries.head(address))) return bytes;
  const { rooted } = dataTypeOf(entries.type(address));
  return bytes + rooted!.sizeBytes(memory, rootOf(entries, address), samples);
}

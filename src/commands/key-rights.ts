/**
 * What a command does to a key, reduced to what rules of users can allow: reading and writing.
 */
import type { KeyFlag } from "./command.ts";

/** Bits. */
export const KEY_READ = 1;
export const KEY_WRITE = 2;

/** Bits of what a command with these flags does to a key. To ask only whether there is such a key, needs none. */
export function keyRightsOf(flags: readonly KeyFlag[]): number {
  let rights = flags.includes("access") ? KEY_READ : 0;
  if (flags.includes("insert") || flags.includes("delete") || flags.includes("update")) rights |= KEY_WRITE;
  return rights;
}

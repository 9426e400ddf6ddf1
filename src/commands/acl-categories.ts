/**
 * ACL categories: those that a command declares, and those that its flags imply, in one place.
 */
import type { CommandFlag, CommandSpec } from "./command.ts";

/** All categories, in the order in which COMMAND INFO names them. */
export const ACL_CATEGORIES = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
] as const;

export type AclCategory = (typeof ACL_CATEGORIES)[number];

const IMPLIED: Readonly<Partial<Record<CommandFlag, readonly AclCategory[]>>> = {
  write: ["write"],
  admin: ["admin", "dangerous"],
  pubsub: ["pubsub"],
  fast: ["fast"],
  blocking: ["blocking"],
};

/** The command's categories (without "@") in the order of ACL_CATEGORIES. What is not fast is slow. */
export function aclCategoriesOf(spec: CommandSpec): AclCategory[] {
  const categories = new Set<string>(spec.categories);
  for (const flag of spec.flags) {
    for (const category of IMPLIED[flag] ?? []) categories.add(category);
  }
  // Scripts read, but what they may do besides keeps them out of @read.
  if (spec.flags.includes("readonly") && !categories.has("scripting")) categories.add("read");
  if (!categories.has("fast")) categories.add("slow");
  return ACL_CATEGORIES.filter((category) => categories.has(category));
}

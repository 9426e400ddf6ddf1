/**
 * A command as COMMAND and COMMAND INFO describe it: ten elements, in Redis 7.0's order.
 */
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { aclCategoriesOf } from "../acl-categories.ts";
import type { CommandFlag, CommandSpec, KeyFlag, KeyRangeSpec, KeySpec, KeywordKeySpec } from "../command.ts";
import { hasMovableKeys, keyRangeOf } from "../key-positions.ts";

/** The orders in which flags are named. */
const COMMAND_FLAGS: readonly CommandFlag[] = [
  "write",
  "readonly",
  "denyoom",
  "admin",
  "pubsub",
  "noscript",
  "blocking",
  "loading",
  "stale",
  "skip_monitor",
  "skip_slowlog",
  "asking",
  "fast",
  "no_auth",
  "no_async_loading",
  "no_mandatory_keys",
  "no_multi",
  "movablekeys",
  "allow_busy",
];
const KEY_FLAGS: readonly KeyFlag[] = [
  "RO",
  "RW",
  "OW",
  "RM",
  "access",
  "update",
  "insert",
  "delete",
  "not_key",
  "incomplete",
  "variable_flags",
];

/** Writes the description of a command; `container` is that of a subcommand. */
export function replyCommand(reply: ReplyWriter, spec: CommandSpec, container?: CommandSpec): void {
  const range = keyRangeOf(spec);
  reply.array(10);
  reply.bulkText(fullNameOf(spec, container));
  reply.integer(spec.arity);
  replyNames(reply, COMMAND_FLAGS.filter(hasFlag(spec)));
  reply.integer(range.first);
  reply.integer(range.last);
  reply.integer(range.step);
  replyNames(
    reply,
    aclCategoriesOf(spec).map((category) => `@${category}`),
  );
  const tips = spec.tips ?? [];
  reply.set(tips.length);
  for (const tip of tips) reply.bulkText(tip);
  reply.set(spec.keys.length);
  for (const key of spec.keys) replyKeySpec(reply, key);
  replySubcommands(reply, spec);
}

/** "get", or "client|list" for a subcommand. */
export function fullNameOf(spec: CommandSpec, container: CommandSpec | undefined): string {
  return container === undefined ? spec.name : `${container.name}|${spec.name}`;
}

/** What a command does to a key, as a set of names. */
export function replyKeyFlags(reply: ReplyWriter, flags: readonly KeyFlag[]): void {
  replyNames(
    reply,
    KEY_FLAGS.filter((flag) => flags.includes(flag)),
  );
}

function hasFlag(spec: CommandSpec): (flag: CommandFlag) => boolean {
  const movable = hasMovableKeys(spec);
  return (flag) => spec.flags.includes(flag) || (flag === "movablekeys" && movable);
}

function replyNames(reply: ReplyWriter, names: readonly string[]): void {
  reply.set(names.length);
  for (const name of names) reply.simple(name);
}

function replySubcommands(reply: ReplyWriter, spec: CommandSpec): void {
  const { subcommands } = spec;
  // A set where there can be none, an array where there are: so does Redis, and RESP3 shows the difference.
  if (subcommands === undefined) {
    reply.set(0);
    return;
  }
  reply.array(subcommands.length);
  for (const subcommand of subcommands) replyCommand(reply, subcommand, spec);
}

function replyKeySpec(reply: ReplyWriter, key: KeySpec): void {
  reply.map(key.notes === undefined ? 3 : 4);
  if (key.notes !== undefined) {
    reply.bulkText("notes");
    reply.bulkText(key.notes);
  }
  reply.bulkText("flags");
  replyKeyFlags(reply, key.flags);
  reply.bulkText("begin_search");
  if (key.kind === "range") replyTyped(reply, "index", [["index", key.first]]);
  else if (key.kind === "counted") replyTyped(reply, "index", [["index", key.countAt]]);
  else if (key.kind === "unknown") replyTyped(reply, "unknown", []);
  else {
    replyTyped(reply, "keyword", [
      ["keyword", key.word],
      ["startfrom", key.from],
    ]);
  }
  reply.bulkText("find_keys");
  if (key.kind === "unknown") {
    replyTyped(reply, "unknown", []);
  } else if (key.kind === "counted") {
    replyTyped(reply, "keynum", [
      ["keynumidx", 0],
      ["firstkey", 1],
      ["keystep", 1],
    ]);
  } else {
    replyTyped(reply, "range", [
      ["lastkey", lastKeyOf(key)],
      ["keystep", key.kind === "range" ? key.step : 1],
      ["limit", limitOf(key)],
    ]);
  }
}

/** Redis counts the last key from the first one, unless it counts from the end. */
function lastKeyOf(key: KeyRangeSpec | KeywordKeySpec): number {
  if (key.kind === "keyword") return key.share === 0 ? 0 : -1;
  return key.last < 0 ? key.last : key.last - key.first;
}

/** The part of the arguments that may be keys; for all of them Redis says 0. */
function limitOf(key: KeyRangeSpec | KeywordKeySpec): number {
  return key.kind === "range" || key.share === 1 ? 0 : key.share;
}

function replyTyped(
  reply: ReplyWriter,
  type: string,
  fields: readonly (readonly [string, number | string])[],
): void {
  reply.map(2);
  reply.bulkText("type");
  reply.bulkText(type);
  reply.bulkText("spec");
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkText(name);
    if (typeof value === "string") reply.bulkText(value);
    else reply.integer(value);
  }
}

/**
 * The generic key commands.
 */
import type { CommandSpec } from "../command.ts";
import { dump, restore, restoreAsking } from "./dump.ts";
import { expire, expireat, persist, pexpire, pexpireat } from "./expire.ts";
import { exists, touch, type } from "./inspect.ts";
import { memory } from "./memory.ts";
import { migrate } from "./migrate.ts";
import { copy, move, rename, renamenx } from "./move.ts";
import { object } from "./object.ts";
import { del, unlink } from "./remove.ts";
import { keys, randomkey, scan } from "./scan.ts";
import { sort, sortRo } from "./sort.ts";
import { expiretime, pexpiretime, pttl, ttl } from "./ttl.ts";

export const keyCommands: readonly CommandSpec[] = [
  copy,
  del,
  dump,
  exists,
  expire,
  expireat,
  expiretime,
  keys,
  memory,
  migrate,
  move,
  object,
  persist,
  pexpire,
  pexpireat,
  pexpiretime,
  pttl,
  randomkey,
  rename,
  renamenx,
  restore,
  restoreAsking,
  scan,
  sort,
  sortRo,
  touch,
  ttl,
  type,
  unlink,
];

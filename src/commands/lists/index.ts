/** The commands of the list group. */
import type { CommandSpec } from "../command.ts";
import { blmove, blmpop, blpop, brpop, brpoplpush } from "./blocking.ts";
import { linsert, lrem, lset, ltrim } from "./change.ts";
import { lmove, rpoplpush } from "./move.ts";
import { lmpop, lpop, rpop } from "./pop.ts";
import { lpush, lpushx, rpush, rpushx } from "./push.ts";
import { lindex, llen, lpos, lrange } from "./read.ts";

export const listCommands: readonly CommandSpec[] = [
  lpush,
  rpush,
  lpushx,
  rpushx,
  lpop,
  rpop,
  lmpop,
  llen,
  lindex,
  lrange,
  lpos,
  lset,
  linsert,
  lrem,
  ltrim,
  lmove,
  rpoplpush,
  blpop,
  brpop,
  blmpop,
  blmove,
  brpoplpush,
];

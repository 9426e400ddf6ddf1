/** The commands of the set group. */
import type { CommandSpec } from "../command.ts";
import { sdiff, sdiffstore, sinter, sintercard, sinterstore, sunion, sunionstore } from "./algebra.ts";
import { sadd, smove, srem } from "./members.ts";
import { spop, srandmember } from "./random.ts";
import { scard, sismember, smembers, smismember, sscan } from "./read.ts";

export const setCommands: readonly CommandSpec[] = [
  sadd,
  scard,
  sdiff,
  sdiffstore,
  sinter,
  sintercard,
  sinterstore,
  sismember,
  smembers,
  smismember,
  smove,
  spop,
  srandmember,
  srem,
  sscan,
  sunion,
  sunionstore,
];

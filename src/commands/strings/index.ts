/** The commands of the string group. */
import type { CommandSpec } from "../command.ts";
import { decr, decrby, incr, incrby, incrbyfloat } from "./counters.ts";
import { get, getdel, getex, getset, psetex, set, setex, setnx } from "./get-set.ts";
import { lcs } from "./lcs.ts";
import { mget, mset, msetnx } from "./multi-key.ts";
import { append, getrange, setrange, strlen, substr } from "./ranges.ts";

export const stringCommands: readonly CommandSpec[] = [
  get,
  set,
  setnx,
  setex,
  psetex,
  getset,
  getdel,
  getex,
  mget,
  mset,
  msetnx,
  append,
  strlen,
  setrange,
  getrange,
  substr,
  incr,
  decr,
  incrby,
  decrby,
  incrbyfloat,
  lcs,
];

/** The commands of the hash group. */
import type { CommandSpec } from "../command.ts";
import { hincrby, hincrbyfloat } from "./counters.ts";
import { hexpire, hexpireat, hpersist, hpexpire, hpexpireat } from "./expire.ts";
import { hexists, hget, hlen, hmget, hstrlen } from "./get.ts";
import { hrandfield } from "./random.ts";
import { hdel } from "./remove.ts";
import { hscan } from "./scan.ts";
import { hmset, hset, hsetnx } from "./set.ts";
import { hexpiretime, hpexpiretime, hpttl, httl } from "./ttl.ts";
import { hgetall, hkeys, hvals } from "./whole.ts";

export const hashCommands: readonly CommandSpec[] = [
  hset,
  hsetnx,
  hmset,
  hget,
  hmget,
  hgetall,
  hkeys,
  hvals,
  hdel,
  hexists,
  hlen,
  hstrlen,
  hincrby,
  hincrbyfloat,
  hrandfield,
  hscan,
  hexpire,
  hpexpire,
  hexpireat,
  hpexpireat,
  hpersist,
  httl,
  hpttl,
  hexpiretime,
  hpexpiretime,
];

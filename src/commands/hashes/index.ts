/** The commands of the hash group. */
import type { CommandSpec } from "../command.ts";
import { hincrby, hincrbyfloat } from "./counters.ts";
import { hexists, hget, hlen, hmget, hstrlen } from "./get.ts";
import { hrandfield } from "./random.ts";
import { hdel } from "./remove.ts";
import { hscan } from "./scan.ts";
import { hmset, hset, hsetnx } from "./set.ts";
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
];

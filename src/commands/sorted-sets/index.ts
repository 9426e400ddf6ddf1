/** The commands of the sorted set group. */
import type { CommandSpec } from "../command.ts";
import { zadd, zincrby } from "./add.ts";
import { zdiff, zdiffstore, zinter, zintercard, zinterstore, zunion, zunionstore } from "./algebra.ts";
import { zcard, zcount, zlexcount } from "./count.ts";
import { bzmpop, bzpopmax, bzpopmin, zmpop, zpopmax, zpopmin } from "./pop.ts";
import { zrandmember } from "./random.ts";
import {
  zrange,
  zrangebylex,
  zrangebyscore,
  zrangestore,
  zrevrange,
  zrevrangebylex,
  zrevrangebyscore,
} from "./range.ts";
import { zrem, zremrangebylex, zremrangebyrank, zremrangebyscore } from "./remove.ts";
import { zscan } from "./scan.ts";
import { zmscore, zrank, zrevrank, zscore } from "./scores.ts";

export const sortedSetCommands: readonly CommandSpec[] = [
  zadd,
  zincrby,
  zrem,
  zremrangebyrank,
  zremrangebyscore,
  zremrangebylex,
  zcard,
  zcount,
  zlexcount,
  zscore,
  zmscore,
  zrank,
  zrevrank,
  zrange,
  zrevrange,
  zrangebyscore,
  zrevrangebyscore,
  zrangebylex,
  zrevrangebylex,
  zrangestore,
  zpopmin,
  zpopmax,
  zmpop,
  bzpopmin,
  bzpopmax,
  bzmpop,
  zunion,
  zinter,
  zdiff,
  zunionstore,
  zinterstore,
  zdiffstore,
  zintercard,
  zrandmember,
  zscan,
];

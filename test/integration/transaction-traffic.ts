/**
 * Random steps of clients that watch each other's keys: commands of all types on a few keys, so that many of them meet
 * a value of the wrong type, one without the member, or change nothing. Whether WATCH takes that for a change is the
 * question. Replies must not depend on chance or on the moment.
 */
import type { Random } from "../../src/base/random.ts";
import { fillTemplate } from "../support/command-template.ts";

/** K is a key, V a value or member, N a small number, F one that may be zero or negative. */
const COMMANDS = {
  strings: `SET K V|SET K V NX|SET K V XX|SET K V XX GET|SET K V KEEPTTL|SET K V EX 1000|GET K|GETSET K V|GETDEL K|GETEX K
GETEX K PERSIST|GETEX K EX 500|SETNX K V|SETEX K 100 V|APPEND K V|APPEND K ""|SETRANGE K N V|SETRANGE K N ""|STRLEN K|INCR K|INCRBY K F
DECRBY K F|INCRBYFLOAT K 1.5|INCRBYFLOAT K 0|MSET K V K V|MSETNX K V K V|MGET K K|GETRANGE K 0 N|LCS K K
SETBIT K N 1|SETBIT K N 0|GETBIT K N|BITCOUNT K|BITOP AND K K K|BITOP NOT K K|BITFIELD K SET u4 N N|BITFIELD K GET u4 N
BITFIELD K INCRBY u4 0 0|BITFIELD K INCRBY u2 0 N|BITFIELD_RO K GET u4 0
PFADD K V|PFADD K|PFADD K V V|PFCOUNT K|PFCOUNT K K|PFMERGE K K|PFMERGE K`,
  lists: `LPUSH K V|RPUSH K V V V|LPUSHX K V|RPUSHX K V|LPOP K|RPOP K N|LPOP K 0|LLEN K|LINDEX K F|LSET K F V|LRANGE K 0 -1|LINSERT K BEFORE V V
LINSERT K AFTER V V|LREM K F V|LTRIM K N -1|LTRIM K 0 -1|LTRIM K 0 N|LTRIM K 5 1|LMOVE K K LEFT RIGHT|RPOPLPUSH K K|LMPOP 2 K K LEFT
LPOS K V|BLPOP K 1 x|BLMOVE K K LEFT LEFT x|BLMPOP x 1 K LEFT`,
  sets: `SADD K V|SADD K V V|SADD K N|SREM K V|SREM K V V|SISMEMBER K V|SCARD K|SMOVE K K V|SINTERSTORE K K K|SUNIONSTORE K K K
SDIFFSTORE K K K|SINTERCARD 2 K K|SMISMEMBER K V V|SPOP K 0|SRANDMEMBER x`,
  sortedSets: `ZADD K N V|ZADD K NX N V|ZADD K XX N V|ZADD K GT N V|ZADD K LT CH N V|ZADD K INCR N V|ZADD K N V N V|ZREM K V|ZINCRBY K F V|ZCARD K
ZSCORE K V|ZRANGE K 0 -1 WITHSCORES|ZPOPMIN K|ZPOPMAX K N|ZRANGESTORE K K 0 -1|ZRANGESTORE K K 5 1|ZUNIONSTORE K 2 K K|ZINTERSTORE K 2 K K
ZDIFFSTORE K 2 K K|ZREMRANGEBYRANK K 0 0|ZREMRANGEBYSCORE K N N|ZCOUNT K -inf +inf|ZMPOP 2 K K MIN|ZRANK K V
GEOADD K 13.3 38.1 V|GEOADD K NX 13.3 38.1 V|GEOADD K CH 15.1 37.5 V|GEOPOS K V|GEOSEARCHSTORE K K FROMLONLAT 15 37 BYRADIUS 200 km ASC
GEORADIUS K 15 37 200 km STORE K|GEORADIUS K 15 37 1 m STORE K|GEODIST K V V`,
  hashes: `HSET K V V|HSET K V V V V|HSETNX K V V|HDEL K V|HDEL K V V|HGET K V|HMGET K V V|HLEN K|HINCRBY K V F|HINCRBYFLOAT K V 1.5|HINCRBY K V 0
HEXISTS K V|HSTRLEN K V|HMSET K V V`,
  streams: `XADD K 5-N f V|XADD K NOMKSTREAM 7-N f V|XADD K MAXLEN 2 9-N f V|XLEN K|XRANGE K - +|XDEL K 5-N|XDEL K 99-1|XTRIM K MAXLEN N|XTRIM K MAXLEN 100
XTRIM K MINID 6|XGROUP CREATE K g 0|XGROUP CREATE K g $ MKSTREAM|XGROUP DESTROY K g|XGROUP SETID K g 0|XGROUP CREATECONSUMER K g V
XGROUP DELCONSUMER K g V|XREADGROUP GROUP g V COUNT N STREAMS K >|XREADGROUP GROUP g V NOACK STREAMS K >|XREADGROUP GROUP g V STREAMS K 0
XACK K g 5-N|XACK K g 5-0 5-1 5-2 7-1|XCLAIM K g V 0 5-N JUSTID|XCLAIM K g V 0 5-N FORCE JUSTID|XAUTOCLAIM K g V 0 0 JUSTID
XSETID K 100-N|XREAD STREAMS K 0|XPENDING K g`,
  any: `DEL K|DEL K K|UNLINK K|EXISTS K|TOUCH K|TYPE K|RENAME K K|RENAMENX K K|COPY K K|COPY K K REPLACE|COPY K K DB 1|MOVE K 1|MOVE K 0
EXPIRE K 1000|EXPIRE K -1|EXPIRE K 1000 NX|EXPIRE K 900 GT|EXPIRE K 2000 LT|PEXPIREAT K 1|PERSIST K|OBJECT ENCODING K|DUMP x
SORT K|SORT K ALPHA STORE K|SORT K BY nosort STORE K|SORT K BY K LIMIT 0 N STORE K
SELECT 1|SELECT 0|DBSIZE|nothing|GET|PING|ECHO V|SET K|CLIENT GETNAME|CONFIG SET maxmemory-samples 5`,
};
/** These come much rarer, as they end what others need. */
const RARE =
  `FLUSHDB|FLUSHALL|SWAPDB 0 1|SWAPDB 1 0|SWAPDB 1 1|RESET|SELECT 2|MULTI x|EXEC x|WATCH|SHUTDOWN x`
    .split("|")
    .map((line) => line.split(" "));
/** Two of each type, as far as no other comes in the way. */
export const KEYS = Array.from({ length: 12 }, (_, i) => `k${i}`);
const FAMILIES = Object.values(COMMANDS).map((text) => text.split(/[|\n]/).map((line) => line.split(" ")));
/** The last family is of all types. */
const TYPED = FAMILIES.length - 1;
const RARE_ONE_IN = 40;

/** One step of some client. */
export function nextStep(random: Random): string[] {
  const kind = random.below(24);
  if (kind < 3) return ["WATCH", ...Array.from({ length: 1 + random.below(3) }, () => pick(random, KEYS))];
  if (kind < 6) return ["MULTI"];
  if (kind < 9) return ["EXEC"];
  if (kind === 9) return [random.below(2) === 0 ? "DISCARD" : "UNWATCH"];
  return nextCommand(random);
}

/** A command that may change something. */
export function nextCommand(random: Random): string[] {
  if (random.below(RARE_ONE_IN) === 0) return fillTemplate(pick(random, RARE), random, KEYS);
  const family = random.below(FAMILIES.length);
  const isTyped = family < TYPED && random.below(8) > 0;
  const keys = isTyped ? KEYS.slice(2 * family, 2 * family + 2) : KEYS;
  return fillTemplate(pick(random, FAMILIES[family]), random, keys);
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)];
}

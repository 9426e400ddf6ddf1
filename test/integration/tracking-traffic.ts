/**
 * Random requests of clients that cache keys, and of others that change them.
 */
import type { Random } from "../../src/base/random.ts";

const KEYS = ["a", "b", "ab", "ba", "c", ""];
/** Stands for the id of the client that messages are redirected to. */
export const RECEIVER = "<receiver>";

const READS: readonly ((random: Random) => string[])[] = [
  (random) => ["GET", key(random)],
  (random) => ["MGET", key(random), key(random), key(random)],
  (random) => ["EXISTS", key(random), key(random)],
  (random) => ["HGETALL", `h${key(random)}`],
  (random) => ["LRANGE", `l${key(random)}`, "0", "-1"],
  (random) => ["SMEMBERS", `s${key(random)}`],
  (random) => ["TTL", key(random)],
  (random) => ["TYPE", key(random)],
  (random) => ["SORT_RO", `l${key(random)}`, "ALPHA"],
  (random) => ["ZUNION", "2", `z${key(random)}`, `z${key(random)}`],
  (random) => ["EVAL", "return redis.call('get', KEYS[1])", "2", key(random), key(random)],
  (random) => ["EVAL_RO", "return redis.call('get', ARGV[1])", "1", key(random), key(random)],
  () => ["DBSIZE"],
];

const WRITES: readonly ((random: Random) => string[])[] = [
  (random) => ["SET", key(random), "1"],
  (random) => ["SET", key(random), "1", "XX"],
  (random) => ["SET", key(random), "1", "PXAT", "1"],
  (random) => ["SETEX", key(random), "1000", "5"],
  (random) => ["GETSET", key(random), "2"],
  (random) => ["GETDEL", key(random)],
  (random) => ["GETEX", key(random), "PERSIST"],
  (random) => ["MSET", key(random), "1", key(random), "2", key(random), "3"],
  (random) => ["INCR", key(random)],
  (random) => ["APPEND", key(random), "1"],
  (random) => ["DEL", key(random), key(random)],
  (random) => ["UNLINK", key(random)],
  (random) => ["EXPIRE", key(random), "1000"],
  (random) => ["EXPIRE", key(random), "-1"],
  (random) => ["PERSIST", key(random)],
  (random) => ["RENAME", key(random), key(random)],
  (random) => ["COPY", key(random), key(random), "REPLACE"],
  (random) => ["HSET", `h${key(random)}`, "f", "v"],
  (random) => ["HDEL", `h${key(random)}`, "f"],
  (random) => ["RPUSH", `l${key(random)}`, "x", "y"],
  (random) => ["LPOP", `l${key(random)}`],
  (random) => ["LMOVE", `l${key(random)}`, `l${key(random)}`, "LEFT", "RIGHT"],
  (random) => ["LREM", `l${key(random)}`, "0", "none"],
  (random) => ["SADD", `s${key(random)}`, "m"],
  (random) => ["SREM", `s${key(random)}`, "m"],
  (random) => ["SMOVE", `s${key(random)}`, `s${key(random)}`, "m"],
  (random) => ["SUNIONSTORE", `s${key(random)}`, `s${key(random)}`, `s${key(random)}`],
  (random) => ["ZADD", `z${key(random)}`, "1", "m"],
  (random) => ["SORT", `l${key(random)}`, "ALPHA", "STORE", `l${key(random)}`],
  (random) => ["EVAL", "return redis.call('incr', KEYS[1])", "1", key(random)],
  (random) => ["EVAL", "redis.call('get', KEYS[1]); return redis.call('set', KEYS[1], 1)", "1", key(random)],
];

const RARE: readonly string[][] = [["FLUSHALL"], ["FLUSHDB"], ["SWAPDB", "0", "1"], ["NOTHING"], ["GET"]];

const BROADCASTS: readonly string[][] = [
  ["CLIENT", "TRACKING", "ON", "BCAST"],
  ["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "a", "PREFIX", "ha"],
  ["CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP", "PREFIX", "b"],
  ["CLIENT", "TRACKING", "ON", "BCAST", "REDIRECT", RECEIVER, "PREFIX", "l"],
];

const TRACKING: readonly string[][] = [
  ["CLIENT", "TRACKING", "ON"],
  ["CLIENT", "TRACKING", "OFF"],
  ["CLIENT", "TRACKING", "ON", "NOLOOP"],
  ["CLIENT", "TRACKING", "ON", "OPTIN"],
  ["CLIENT", "TRACKING", "ON", "OPTOUT", "NOLOOP"],
  ["CLIENT", "TRACKING", "ON", "REDIRECT", RECEIVER],
  ["CLIENT", "CACHING", "YES"],
  ["CLIENT", "CACHING", "NO"],
  ["CLIENT", "TRACKINGINFO"],
  ["HELLO", "2"],
  ["HELLO", "3"],
  ["RESET"],
];

function key(random: Random): string {
  return KEYS[random.below(KEYS.length)];
}

function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)];
}

/** What one client sends in one piece. `broadcasts`: clients may be told of all keys with a prefix. */
export function nextTrackingStep(random: Random, broadcasts: boolean): string[][] {
  const kind = random.below(20);
  if (kind === 0) return [oneOf(random, RARE)];
  if (kind < 3) return [oneOf(random, TRACKING)];
  if (kind === 3) return [oneOf(random, broadcasts ? BROADCASTS : TRACKING)];
  const requests = Array.from({ length: 1 + random.below(4) }, () => nextRequest(random));
  if (kind < 8) return [["MULTI"], ...requests, ["EXEC"]];
  if (kind === 8) return [["CLIENT", "CACHING", oneOf(random, ["YES", "NO"])], ...requests];
  return requests;
}

function nextRequest(random: Random): string[] {
  return oneOf(random, random.below(2) === 0 ? READS : WRITES)(random);
}

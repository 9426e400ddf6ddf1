/**
 * What is compared with Redis, and how fast it is meant to be: 50 clients, values of 64 bytes, 100,000 keys,
 * members or fields.
 */

export const CLIENTS = 50;
export const VALUE_BYTES = 64;
export const KEYS = 100_000;
/** Keys of each MGET and MSET, as in redis-benchmark's own MSET. */
const KEYS_PER_COMMAND = 10;
/** What redis-benchmark's LRANGE finds when it is left to fill the list itself: as many elements as requests. */
const RANGE_LIST_ELEMENTS = 100_000;

/** What redis-benchmark replaces by a number below KEYS, in 12 digits: the names that its own tests use. */
const RANDOM_KEY = "key:__rand_int__";

export type Persistence = "none" | "everysec" | "always";

/** What a server holds when a round begins: nothing but this, under the names of redis-benchmark's own tests. */
export interface Content {
  readonly kind: "nothing" | "strings" | "list" | "set" | "sorted set";
  /** Keys, elements or members. "requests": one for each command of the round, so that every pop finds one. */
  readonly size: number | "requests";
}

export interface SpeedCase {
  readonly name: string;
  readonly persistence: Persistence;
  readonly pipeline: number;
  /** Commands in one round, unless --requests says otherwise. */
  readonly requests: number;
  /** What redis-benchmark is to send; or transactions of ten commands, each of which counts as one. */
  readonly workload: readonly string[] | "transactions";
  /** Connections that are subscribed to the channel "channel". */
  readonly subscribers?: number;
  readonly content: Content;
  /** Wanted as a multiple of Redis's: commands per second, without an append-only file per second of processor time. */
  readonly target: number;
}

/** Growth of memory with a million keys of 16 B and values of 64 B; wanted as a multiple of Redis's. */
export const MEMORY_CASE = { name: "memory", keys: 1_000_000, target: 1.0 };

const NOTHING: Content = { kind: "nothing", size: 0 };
const STRINGS: Content = { kind: "strings", size: KEYS };
const RANGE_LIST: Content = { kind: "list", size: RANGE_LIST_ELEMENTS };

const GET_SCRIPT = "return redis.call('GET', KEYS[1])";
const TEN_CALLS_SCRIPT = "for i = 1, 10 do redis.call('SET', KEYS[1], i) end";

const MGET = ["mget", ...Array<string>(KEYS_PER_COMMAND).fill(RANDOM_KEY)];

const PUBLISH = ["publish", "channel", "x".repeat(VALUE_BYTES)];
const SUBSCRIBERS = 100;

/** Commands on collections: requests of a round with pipelines of 16 and of 1, and what they work on. */
const COLLECTION_CASES: readonly [test: string, pipelined: number, single: number, content: Content][] = [
  ["lpush", 1_000_000, 200_000, NOTHING],
  ["rpush", 1_000_000, 200_000, NOTHING],
  ["lpop", 1_000_000, 200_000, { kind: "list", size: "requests" }],
  ["rpop", 1_000_000, 200_000, { kind: "list", size: "requests" }],
  ["sadd", 1_000_000, 200_000, NOTHING],
  ["hset", 1_000_000, 200_000, NOTHING],
  ["spop", 1_000_000, 200_000, { kind: "set", size: "requests" }],
  ["zadd", 1_000_000, 200_000, NOTHING],
  ["zpopmin", 1_000_000, 200_000, { kind: "sorted set", size: "requests" }],
  ["lrange_100", 200_000, 100_000, RANGE_LIST],
  ["lrange_300", 100_000, 50_000, RANGE_LIST],
  ["lrange_500", 60_000, 40_000, RANGE_LIST],
  ["lrange_600", 60_000, 40_000, RANGE_LIST],
];

export const SPEED_CASES: readonly SpeedCase[] = [
  plain("get-p16", 16, 1_500_000, ["-t", "get"], 1.2),
  plain("set-p16", 16, 1_500_000, ["-t", "set"], 1.2),
  plain("incr-p16", 16, 1_500_000, ["-t", "incr"], 1.2),
  plain("mget-p16", 16, 300_000, MGET, 1.2),
  plain("mset-p16", 16, 300_000, ["-t", "mset"], 1.2),
  plain("get-p1", 1, 200_000, ["-t", "get"], 0.9),
  plain("set-p1", 1, 200_000, ["-t", "set"], 0.9),
  plain("eval-get-p16", 16, 500_000, ["eval", GET_SCRIPT, "1", RANDOM_KEY], 0.7),
  plain("eval-ten-p16", 16, 150_000, ["eval", TEN_CALLS_SCRIPT, "1", RANDOM_KEY], 0.7),
  plain("multi-ten", 1, 50_000, "transactions", 0.7),
  { ...plain("publish-p1", 1, 20_000, PUBLISH, 1.0), subscribers: SUBSCRIBERS },
  { ...plain("publish-p16", 16, 40_000, PUBLISH, 1.0), subscribers: SUBSCRIBERS },
  ...COLLECTION_CASES.flatMap(collectionCases),
  { ...plain("set-everysec-p16", 16, 1_000_000, ["-t", "set"], 1.4), persistence: "everysec" },
  { ...plain("set-always-p1", 1, 100_000, ["-t", "set"], 1.5), persistence: "always" },
  { ...plain("set-always-p16", 16, 500_000, ["-t", "set"], 1.5), persistence: "always" },
];

function plain(
  name: string,
  pipeline: number,
  requests: number,
  workload: SpeedCase["workload"],
  target: number,
): SpeedCase {
  return { name, persistence: "none", pipeline, requests, workload, content: STRINGS, target };
}

function collectionCases([test, pipelined, single, content]: (typeof COLLECTION_CASES)[number]): SpeedCase[] {
  const workload = collectionWorkload(test);
  return [
    { ...plain(`${test}-p16`, 16, pipelined, workload, 1.0), content },
    { ...plain(`${test}-p1`, 1, single, workload, 0.9), content },
  ];
}

/**
 * How redis-benchmark is asked for one of its tests. LRANGE is spelled out: left to itself it would first push
 * as many elements as it is to send requests, within what is measured.
 */
function collectionWorkload(test: string): string[] {
  const [, elements] = /^lrange_(\d+)$/.exec(test) ?? [];
  return elements === undefined ? ["-t", test] : ["lrange", "mylist", "0", String(Number(elements) - 1)];
}

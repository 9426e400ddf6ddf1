/**
 * What is compared with Redis, and how fast it is meant to be: 50 clients, values of 64 bytes, 100,000 keys.
 */

export const CLIENTS = 50;
export const VALUE_BYTES = 64;
export const KEYS = 100_000;
/** Keys of each MGET and MSET, as in redis-benchmark's own MSET. */
const KEYS_PER_COMMAND = 10;

/** What redis-benchmark replaces by a number below KEYS, in 12 digits: the names that its own tests use. */
const RANDOM_KEY = "key:__rand_int__";

export type Persistence = "none" | "everysec" | "always";

export interface SpeedCase {
  readonly name: string;
  readonly persistence: Persistence;
  readonly pipeline: number;
  /** Commands in one round, unless --requests says otherwise. */
  readonly requests: number;
  /** What redis-benchmark is to send: one of its tests, or a command. */
  readonly workload: readonly string[];
  /** Wanted as a multiple of Redis's: commands per second, without an append-only file per second of processor time. */
  readonly target: number;
}

/** Growth of memory with a million keys of 16 B and values of 64 B; wanted as a multiple of Redis's. */
export const MEMORY_CASE = { name: "memory", keys: 1_000_000, target: 1.0 };

const MGET = ["mget", ...Array<string>(KEYS_PER_COMMAND).fill(RANDOM_KEY)];

export const SPEED_CASES: readonly SpeedCase[] = [
  plain("get-p16", 16, 1_500_000, ["-t", "get"], 1.2),
  plain("set-p16", 16, 1_500_000, ["-t", "set"], 1.2),
  plain("incr-p16", 16, 1_500_000, ["-t", "incr"], 1.2),
  plain("mget-p16", 16, 300_000, MGET, 1.2),
  plain("mset-p16", 16, 300_000, ["-t", "mset"], 1.2),
  plain("hset-p16", 16, 1_000_000, ["-t", "hset"], 1.0),
  plain("get-p1", 1, 200_000, ["-t", "get"], 0.9),
  plain("set-p1", 1, 200_000, ["-t", "set"], 0.9),
  plain("hset-p1", 1, 200_000, ["-t", "hset"], 0.9),
  { ...plain("set-everysec-p16", 16, 1_000_000, ["-t", "set"], 1.4), persistence: "everysec" },
  { ...plain("set-always-p1", 1, 100_000, ["-t", "set"], 1.5), persistence: "always" },
  { ...plain("set-always-p16", 16, 500_000, ["-t", "set"], 1.5), persistence: "always" },
];

function plain(
  name: string,
  pipeline: number,
  requests: number,
  workload: readonly string[],
  target: number,
): SpeedCase {
  return { name, persistence: "none", pipeline, requests, workload, target };
}

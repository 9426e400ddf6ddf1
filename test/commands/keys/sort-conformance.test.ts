/**
 * SORT and SORT_RO against the real Redis 7: random options on lists, sets and sorted sets, with keys of every kind to
 * sort by and to get, must get the same replies byte for byte and leave the same encodings. Where Redis's own order
 * is that of a hash table (ties, and sets that are not sorted) nothing is asked. The seed is printed with a failure.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { hashCommands } from "../../../src/commands/hashes/index.ts";
import { keyCommands } from "../../../src/commands/keys/index.ts";
import { listCommands } from "../../../src/commands/lists/index.ts";
import { setCommands } from "../../../src/commands/sets/index.ts";
import { sortedSetCommands } from "../../../src/commands/sorted-sets/index.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { type Argument, CommandHarness } from "../../support/command-harness.ts";
import { compareReplies } from "../../support/comparison.ts";
import { RedisOracle } from "../../support/redis-oracle.ts";
import { hasRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";

const SEQUENCES = 40;
const COMMANDS = 120;
const ELEMENTS = 20;
const PATTERNS = ["weight_*", "hash_*->field", "hash_*->none", "nothing_*", "list", "*_", "->*", "hash_*->"];
const NUMBERS = ["0", "-1", "3", "2.5", "1e3", "-0.001", "inf", "-inf", "", " 7", "9007199254740993"];

class SortGenerator {
  private readonly random: SeededRandom;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  next(): Argument[] {
    const n = this.random.below(10);
    if (n === 0) return ["SET", `weight_${this.element()}`, this.pick([...NUMBERS, "text"])];
    if (n === 1) return ["HSET", `hash_${this.element()}`, "field", this.pick(NUMBERS)];
    if (n === 2) return ["OBJECT", "ENCODING", this.pick(["list", "set", "zset", "stored"])];
    if (n === 3) return this.addition();
    return this.sort();
  }

  private addition(): Argument[] {
    const member = this.element();
    return this.pick([
      ["RPUSH", "list", member, this.element()],
      ["SADD", "set", member, this.element()],
      ["ZADD", "zset", this.random.below(5), member],
      ["LTRIM", "list", "-9", "-1"],
      ["ZREMRANGEBYRANK", "zset", "3", "3"],
      ["DEL", this.pick(["list", "set", "zset"])],
      ["LPUSH", "list", this.pick(["a", "", "-0", "nan", "\0", "a\0b", "a\0a"])],
    ]);
  }

  private sort(): Argument[] {
    const key = this.pick(["list", "list", "set", "zset", "stored", "none", "weight_1"]);
    const options: Argument[][] = [];
    const isAlphabetical = this.chance(2);
    const by = this.pick([...PATTERNS, "", "", "", "nosort"]);
    // Ties keep the order of a list; that of others is the order of Redis's hash tables.
    const isPlain = by === "" || (by === "nosort" && key !== "set");
    const isOfList = key === "list" || key === "stored";
    if (isAlphabetical) options.push(["ALPHA"]);
    const keepsTies = isPlain || !isAlphabetical || isOfList;
    if (by !== "" && keepsTies && (by.includes("*") || key !== "set")) options.push(["by", by]);
    if (this.chance(3) && (isPlain || !isAlphabetical)) options.push(["Limit", this.number(), this.number()]);
    if (this.chance(3)) options.push([this.pick(["DESC", "asc"])]);
    for (let i = this.random.below(3); i > 0; i--) options.push(["GET", this.pick(["#", ...PATTERNS])]);
    const isStored = this.chance(6);
    if (isStored) options.push(["STORE", "stored"]);
    if (this.chance(40)) options.push(["UNKNOWN"]);
    this.shuffle(options);
    return [isStored || this.chance(2) ? "SORT" : "SORT_RO", key, ...options.flat()];
  }

  private element(): string {
    return String(this.random.below(ELEMENTS));
  }

  private number(): string {
    return this.chance(30) ? "x" : String(this.random.below(9) - 2);
  }

  private chance(oneIn: number): boolean {
    return this.random.below(oneIn) === 0;
  }

  private pick<T>(values: readonly T[]): T {
    return values[this.random.below(values.length)];
  }

  private shuffle<T>(values: T[]): void {
    for (let i = values.length - 1; i > 0; i--) {
      const k = this.random.below(i + 1);
      [values[i], values[k]] = [values[k], values[i]];
    }
  }
}

function newSortHarness(): CommandHarness {
  const commands = [
    ...hashCommands,
    ...keyCommands,
    ...listCommands,
    ...setCommands,
    ...sortedSetCommands,
    ...stringCommands,
  ];
  return new CommandHarness({ commands, startMs: Date.now() });
}

describe.skipIf(!hasRedisServer)("SORT as in the real Redis (skipped where redis-server is missing)", () => {
  let oracle: RedisOracle;

  beforeAll(async () => {
    oracle = await RedisOracle.start();
  });

  afterAll(() => oracle.stop());

  test.each([2, 3] as const)("random options in RESP%i", async (resp) => {
    await oracle.client.run("HELLO", resp);
    const firstSeed = usualSeed();
    for (let seed = firstSeed; seed < firstSeed + SEQUENCES; seed++) {
      await oracle.client.run("FLUSHALL");
      const harness = newSortHarness();
      harness.client.resp = resp;
      const generator = new SortGenerator(new SeededRandom(seed));
      const requests = Array.from({ length: COMMANDS }, () => generator.next());
      await compareReplies(oracle.client, harness, requests, `seed ${seed}`);
    }
  });

  test("a sorted set is large afterwards, a whole one or none", async () => {
    await oracle.client.runAll([["HELLO", 2], ["FLUSHALL"]]);
    const requests: Argument[][] = [
      ["SORT", "zset"],
      ["ZADD", "zset", "1", "1", "123456789012345680", "2"],
      ["SORT_RO", "zset", "LIMIT", "0", "x"],
      ["OBJECT", "ENCODING", "zset"],
      ["SORT_RO", "zset", "BY", "nosort", "LIMIT", "0", "0"],
      ["OBJECT", "ENCODING", "zset"],
      ["ZSCAN", "zset", "0", "MATCH", "2"],
    ];
    const harness = newSortHarness();
    await compareReplies(oracle.client, harness, requests, "encodings");
    expect(harness.takeEffects()).toEqual(["ZADD zset 1 1 123456789012345680 2"]);
  });
});

/**
 * Random commands on a few sorted sets: every command and option, right and wrong arguments, scores and members at the
 * edges of every range. Deterministic for a seed.
 */
import type { Random } from "../../../src/base/random.ts";
import type { Argument } from "../../support/command-harness.ts";

const SCORES =
  "0 1 -1 2 3 1.5 -2.25 0.1 1e-300 1e300 3.0e3 .5 5. 100 1000 -1000 16777216 9007199254740991 9007199254740992 -9007199254740993 4611686018427387904 4611686018427387905 9223372036854775807 1e18 -1e19 inf -inf +inf -0 0x10 2147483648 128 4096 32768 8388608".split(
    " ",
  );
const NOT_SCORES = ["nan", "abc", "", " 1", "1 ", "1e400", "1e-400", "0x", "--1", "1\0", "(1"];
const NOT_INTEGERS = ["abc", "", "1.5", " 1", "9223372036854775808", "+1"];
const INDEXES = "0 1 2 5 10 100 -1 -2 -5 -100 9223372036854775807 -9223372036854775808".split(" ");
const BOUNDS = ["-", "+", "[a", "(a", "[b", "(c", "[", "(", "[m5", "(m3", "[\xff", "(z", "[1", "(10"];
const NOT_BOUNDS = ["a", "", "++", "-x", "x[", "+\0", "1"];
const COUNTS = ["0", "1", "2", "5", "100", "-1", "x", "9223372036854775807"];
const LONG_MEMBER = "a member that is longer than what a listpack usually takes in: ";

export interface SortedSetGeneratorOptions {
  /** Whether all sets stay small: then ranges by member are asked of sets with different scores too. */
  readonly isSmall: boolean;
}

export class SortedSetCommandGenerator {
  /** Sorted sets with scores of all kinds; with equal scores; results; sets; a string; a key that is never there. */
  readonly keys: readonly string[] = [
    "z1",
    "z2",
    "z3",
    "flat1",
    "flat2",
    "to",
    "set",
    "integers",
    "string",
    "none",
  ];
  private readonly random: Random;
  private readonly options: SortedSetGeneratorOptions;
  private readonly makers: readonly (() => Argument[])[];

  constructor(random: Random, options: SortedSetGeneratorOptions) {
    this.random = random;
    this.options = options;
    this.makers = [
      ...this.changes(),
      ...this.changes(),
      ...this.ranges(),
      ...this.questions(),
      ...this.combinations(),
    ];
  }

  next(): Argument[] {
    const request = this.pick(this.makers)();
    request[0] = this.anyCase(String(request[0]));
    return request;
  }

  private changes(): (() => Argument[])[] {
    return [
      () => ["ZADD", this.key(), ...this.pairs()],
      () => ["ZADD", this.key(), ...this.pairs()],
      () => ["ZADD", this.key(), ...this.addOptions(), ...this.pairs()],
      () => ["ZADD", this.key(), ...this.addOptions(), this.score(), this.member()],
      () => ["ZADD", this.flatKey(), ...this.flatPairs()],
      () => ["ZADD", this.flatKey(), ...this.flatPairs()],
      () => ["SADD", "set", ...this.many(() => [this.member()])],
      () => ["SADD", "integers", ...this.many(() => [String(this.random.below(20))])],
      () => ["ZINCRBY", this.key(), this.score(), this.member()],
      () => ["ZREM", this.anyKey(), ...this.many(() => [this.member()])],
      () => ["ZREMRANGEBYRANK", this.anyKey(), this.index(), this.index()],
      () => ["ZREMRANGEBYSCORE", this.anyKey(), this.scoreBound(), this.scoreBound()],
      () => ["ZREMRANGEBYLEX", this.lexKey(), this.bound(), this.bound()],
      () => ["ZPOPMIN", this.anyKey(), ...this.maybe(() => [this.pick(COUNTS)])],
      () => ["ZPOPMAX", this.anyKey(), ...this.maybe(() => [this.pick(COUNTS)])],
      () => ["ZMPOP", ...this.counted(), this.pick(["MIN", "MAX", "min", "x"]), ...this.countOption()],
      () => ["BZPOPMIN", ...this.many(() => [this.anyKey()]), this.timeout()],
      () => ["BZPOPMAX", ...this.many(() => [this.anyKey()]), this.timeout()],
      () => ["BZMPOP", this.timeout(), ...this.counted(), this.pick(["MIN", "MAX"]), ...this.countOption()],
    ];
  }

  private ranges(): (() => Argument[])[] {
    return [
      () => ["ZRANGE", this.anyKey(), this.index(), this.index(), ...this.rangeOptions()],
      () => [
        "ZRANGE",
        this.anyKey(),
        this.scoreBound(),
        this.scoreBound(),
        "BYSCORE",
        ...this.rangeOptions(),
      ],
      () => ["ZRANGE", this.lexKey(), this.bound(), this.bound(), "BYLEX", ...this.rangeOptions()],
      () => ["ZREVRANGE", this.anyKey(), this.index(), this.index(), ...this.withScores()],
      () => ["ZRANGEBYSCORE", this.anyKey(), this.scoreBound(), this.scoreBound(), ...this.limited()],
      () => ["ZREVRANGEBYSCORE", this.anyKey(), this.scoreBound(), this.scoreBound(), ...this.limited()],
      () => ["ZRANGEBYLEX", this.lexKey(), this.bound(), this.bound(), ...this.limit()],
      () => ["ZREVRANGEBYLEX", this.lexKey(), this.bound(), this.bound(), ...this.limit()],
      () => ["ZRANGESTORE", "to", this.anyKey(), this.index(), this.index(), ...this.rangeOptions()],
      () => [
        "ZRANGESTORE",
        this.pick(["to", "z1"]),
        this.anyKey(),
        this.scoreBound(),
        this.scoreBound(),
        "BYSCORE",
        ...this.rangeOptions(),
      ],
      () => ["ZRANGESTORE", "to", this.lexKey(), this.bound(), this.bound(), "BYLEX", ...this.limit()],
    ];
  }

  private questions(): (() => Argument[])[] {
    return [
      () => ["ZCARD", this.anyKey()],
      () => ["ZCOUNT", this.anyKey(), this.scoreBound(), this.scoreBound()],
      () => ["ZLEXCOUNT", this.lexKey(), this.bound(), this.bound()],
      () => ["ZSCORE", this.anyKey(), this.member()],
      () => ["ZMSCORE", this.anyKey(), ...this.many(() => [this.member()])],
      () => ["ZRANK", this.anyKey(), this.member()],
      () => ["ZREVRANK", this.anyKey(), this.member()],
      () => ["ZSCAN", this.smallKey(), this.pick(["0", "0", "7", "x"]), ...this.scanOptions()],
      () => ["ZRANDMEMBER", this.anyKey(), this.pick(["0", "1000000", "x", "-9223372036854775808"])],
      () => ["ZRANDMEMBER", this.anyKey(), "1000000", this.pick(["withscores", "x"])],
      () => ["ZSCAN", this.smallKey(), this.pick(["0", "0", "7", "x"]), ...this.scanOptions()],
      () => ["ZRANDMEMBER", this.anyKey(), this.pick(["0", "4611686018427387904"]), "WITHSCORES"],
    ];
  }

  private combinations(): (() => Argument[])[] {
    return [
      () => ["ZUNION", ...this.counted(), ...this.weights(), ...this.withScores()],
      () => ["ZINTER", ...this.counted(), ...this.weights(), ...this.withScores()],
      () => ["ZDIFF", ...this.counted(), ...this.withScores()],
      () => ["ZUNIONSTORE", this.target(), ...this.counted(), ...this.weights()],
      () => ["ZINTERSTORE", this.target(), ...this.counted(), ...this.weights()],
      () => ["ZDIFFSTORE", this.target(), ...this.counted()],
      () => ["ZINTERCARD", ...this.counted(), ...this.maybe(() => ["LIMIT", this.pick(COUNTS)])],
    ];
  }

  /** A key whose set is walked through in an order that both servers share: all at once. */
  private smallKey(): string {
    return this.options.isSmall ? this.anyKey() : "none";
  }

  private scanOptions(): string[] {
    const match = this.maybe(() => ["MATCH", this.pick(["*", "m*", "m?", "[a-b]*", ""])]);
    return [...match, ...this.maybe(() => ["COUNT", this.pick(["1", "100", "0", "-1", "x"])])];
  }

  private key(): string {
    return this.random.below(25) === 0 ? "string" : this.pick(["z1", "z2", "z3"]);
  }

  private flatKey(): string {
    return this.pick(["flat1", "flat2"]);
  }

  private lexKey(): string {
    return this.options.isSmall ? this.anyKey() : this.pick(["flat1", "flat2", "none"]);
  }

  private anyKey(): string {
    return this.pick(this.keys);
  }

  private target(): string {
    return this.pick(["to", "to", "z1", "string"]);
  }

  private member(): Argument {
    const { random } = this;
    switch (random.below(12)) {
      case 0:
        return "";
      case 1:
        return String(random.below(20));
      case 2:
        return this.pick(["9223372036854775807", "-5", "007", "65536"]);
      case 3:
        return random.bytes(random.below(4));
      case 4:
        return random.below(6) === 0 ? LONG_MEMBER + random.below(3) : "a";
      case 5:
        return this.pick(["a", "b", "c", "ab", "aa", "z"]);
      default:
        return `m${random.below(14)}`;
    }
  }

  private score(): string {
    const { random } = this;
    if (random.below(30) === 0) return this.pick(NOT_SCORES);
    if (random.below(3) === 0) return String(random.below(10));
    if (random.below(4) === 0) return String((random.next() - 2 ** 31) / 2 ** random.below(50));
    return this.pick(SCORES);
  }

  private pairs(): Argument[] {
    return this.many(() => [this.score(), this.member()]);
  }

  private flatPairs(): Argument[] {
    return this.many(() => ["0", this.member()]);
  }

  private addOptions(): string[] {
    return this.many(() => [
      this.anyCase(this.pick(["NX", "XX", "GT", "LT", "CH", "INCR", "GT", "CH"])),
    ]).slice(0, this.random.below(3));
  }

  private scoreBound(): string {
    const { random } = this;
    if (random.below(25) === 0) return this.pick(["(", "x", "(x", "nan", "1 ", " 1", "(  2", "1e400", ""]);
    const score = random.below(4) === 0 ? this.pick(["-inf", "+inf", "inf"]) : this.pick(SCORES);
    return random.below(3) === 0 ? `(${score}` : score;
  }

  private bound(): Buffer {
    const { random } = this;
    const text = random.below(20) === 0 ? this.pick(NOT_BOUNDS) : this.pick(BOUNDS);
    return Buffer.from(text, "latin1");
  }

  private index(): string {
    return this.random.below(25) === 0 ? this.pick(NOT_INTEGERS) : this.pick(INDEXES);
  }

  private limit(): string[] {
    return this.maybe(() => ["LIMIT", this.index(), this.index()]);
  }

  private withScores(): string[] {
    return this.maybe(() => [this.pick(["WITHSCORES", "withscores", "WITHSCORE"])]);
  }

  private limited(): string[] {
    return [...this.limit(), ...this.withScores()];
  }

  private rangeOptions(): string[] {
    const rev = this.maybe(() => [this.pick(["REV", "rev", "BYSCORE"])]);
    return [...rev, ...this.limit(), ...this.withScores().slice(this.random.below(2))];
  }

  private weights(): string[] {
    const { random } = this;
    const parts: string[] = [];
    if (random.below(3) === 0) {
      parts.push("WEIGHTS");
      for (let i = 0; i <= random.below(4); i++)
        parts.push(this.pick(["0", "1", "2", "-1", "0.5", "inf", "x", "1e308"]));
    }
    if (random.below(3) === 0) parts.push("AGGREGATE", this.pick(["SUM", "MIN", "MAX", "min", "AVG"]));
    return parts;
  }

  private counted(): string[] {
    const { random } = this;
    const keys = Array.from({ length: 1 + random.below(4) }, () => this.pick(this.keys.slice(0, 8)));
    if (random.below(12) === 0) keys[0] = this.pick(this.keys);
    const count = random.below(25) === 0 ? this.pick(["0", "-1", "x", "9", "1"]) : String(keys.length);
    return [count, ...keys];
  }

  private countOption(): string[] {
    return this.maybe(() => ["COUNT", this.pick(COUNTS)]);
  }

  /** Commands that would wait are given a time that is over at once. */
  private timeout(): string {
    return this.pick(["0.001", "0.001", "0.001", "-1", "x", "0.0005"]);
  }

  private many<T>(make: () => T[]): T[] {
    return Array.from({ length: 1 + this.random.below(4) }, make).flat();
  }

  private maybe<T>(make: () => T[]): T[] {
    return this.random.below(2) === 0 ? make() : [];
  }

  private anyCase(word: string): string {
    return this.random.below(2) === 0 ? word : word.toLowerCase();
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)];
  }
}

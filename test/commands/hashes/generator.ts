/**
 * Random commands on a few hashes: fields that are met again, values at the edges of what a listpack takes, right and
 * wrong arguments. Deterministic for a seed.
 */
import type { Random } from "../../../src/base/random.ts";
import type { Argument } from "../../support/command-harness.ts";

const INTEGERS = ["0", "1", "-1", "5", "127", "128", "-4096", "4095", "65536", "-8388609", "2147483648"];
const LARGE_INTEGERS = [
  "9007199254740991",
  "9007199254740993",
  "-9007199254740992",
  "9223372036854775807",
  "-9223372036854775808",
  "9223372036854775806",
];
const NO_INTEGERS = ["9223372036854775808", "-0", "+1", "01", " 1", "", "abc", "1.5"];
const FLOATS = [
  "0.1",
  "-2.50",
  "1e3",
  "1e-20",
  ".5",
  "5.",
  "0x1p4",
  "3.0e3",
  "1e4932",
  "1234567890123456789",
];
const NO_FLOATS = ["nan", "inf", "-inf", "1e5000", "", "x", " 1", "1 "];
const COUNTS = ["0", "1000000", "-9223372036854775808", "9223372036854775807", "x", "1.5"];

export interface GeneratorOptions {
  /** Different fields that a hash may get. */
  readonly fields: number;
  /** The limit for names and values of a listpack. */
  readonly maxListpackValue: number;
}

export class HashCommandGenerator {
  /** "string" is no hash. */
  readonly keys: readonly string[] = ["first", "second", "third", "string", "none"];
  private readonly random: Random;
  private readonly options: GeneratorOptions;

  constructor(random: Random, options: GeneratorOptions) {
    this.random = random;
    this.options = options;
  }

  next(): Argument[] {
    const request = this.pick(this.makers)();
    if (this.random.below(4) === 0) request[0] = String(request[0]).toLowerCase();
    return request;
  }

  private readonly makers: readonly (() => Argument[])[] = [
    () => ["HSET", this.key(), ...this.pairs()],
    () => ["HSET", this.key(), ...this.pairs()],
    () => ["HSET", this.key(), ...this.pairs()],
    () => ["HSET", this.key(), this.field(), this.value()],
    () => ["HSET", this.key(), this.field(), this.value(), this.field()],
    () => ["HMSET", this.key(), ...this.pairs()],
    () => ["HMSET", this.key(), this.field(), this.value(), this.field()],
    () => ["HSETNX", this.key(), this.field(), this.value()],
    () => ["HGET", this.key(), this.field()],
    () => ["HMGET", this.key(), ...this.fields()],
    () => ["HGETALL", this.key()],
    () => ["HKEYS", this.key()],
    () => ["HVALS", this.key()],
    () => ["HDEL", this.key(), ...this.fields()],
    () => ["HDEL", this.key(), ...this.fields()],
    () => ["HDEL", this.key(), this.field()],
    () => ["HEXISTS", this.key(), this.field()],
    () => ["HLEN", this.key()],
    () => ["HSTRLEN", this.key(), this.field()],
    () => ["HINCRBY", this.key(), this.field(), this.pick([...INTEGERS, ...LARGE_INTEGERS])],
    () => ["HINCRBY", this.key(), this.field(), this.pick(INTEGERS)],
    () => ["HINCRBY", this.key(), this.field(), this.pick(NO_INTEGERS)],
    () => ["HINCRBYFLOAT", this.key(), this.field(), this.pick([...INTEGERS, ...FLOATS])],
    () => ["HINCRBYFLOAT", this.key(), this.field(), this.pick(NO_FLOATS)],
    () => this.hrandfield(),
    () => this.hscan(),
    () => ["DEL", this.random.below(3) === 0 ? this.key() : "none"],
    () => ["COPY", this.key(), this.pick(["first", "second", "third"]), "REPLACE"],
    () => ["RENAME", this.key(), this.pick(["first", "second", "third"])],
    () => [this.pick(["PERSIST", "TTL", "TYPE"]), this.key()],
    () => ["EXPIRE", this.key(), "1000000"],
    () => ["OBJECT", "ENCODING", this.key()],
  ];

  /** Such as have one right answer. */
  private hrandfield(): Argument[] {
    if (this.random.below(5) === 0) return ["HRANDFIELD", "never"];
    const rest = this.pick([[], ["WITHVALUES"], ["withvalues"], ["withvalues", "x"], ["VALUES"]]);
    if (this.random.below(5) === 0) return ["HRANDFIELD", "never", "-9223372036854775807", ...rest];
    return ["HRANDFIELD", this.key(), this.pick(COUNTS), ...rest];
  }

  /** All fields in one step, or an error. */
  private hscan(): Argument[] {
    const { random } = this;
    if (random.below(6) === 0)
      return ["HSCAN", this.key(), this.pick(["x", "-", "18446744073709551616", " 1"])];
    const options: Argument[][] = [
      ["COUNT", "100000"],
      ["COUNT", "100000", "MATCH", this.pick(["*", "*1*", "field:[1-5]*", "", "\\"])],
      ["COUNT", this.pick(["0", "x", "-1"])],
      ["TYPE", "hash"],
      ["MATCH"],
      ["NOVALUES"],
    ];
    return ["HSCAN", this.key(), "0", ...this.pick(options)];
  }

  private pairs(): Argument[] {
    const count = 1 + this.random.below(this.random.below(8) === 0 ? 20 : 4);
    return Array.from({ length: count }, () => [this.field(), this.value()]).flat();
  }

  private fields(): Argument[] {
    return Array.from({ length: 1 + this.random.below(6) }, () => this.field());
  }

  private field(): Argument {
    const { random, options } = this;
    const number = random.below(options.fields);
    switch (number % 7) {
      case 0:
        return String(number);
      case 1:
        return Buffer.of(0xff, number & 0xff, 0, number >> 8);
      case 2:
        return number === 2 ? "" : `-${number}000000000`;
      case 3:
        return number < 8 ? this.long(options.maxListpackValue) : `field:${number}`;
      default:
        return `field:${number}`;
    }
  }

  private value(): Argument {
    const { random, options } = this;
    switch (random.below(12)) {
      case 0:
        return this.pick([...INTEGERS, ...LARGE_INTEGERS]);
      case 1:
        return this.pick(NO_INTEGERS);
      case 2:
        return this.pick(FLOATS);
      case 3:
        return random.bytes(random.below(options.maxListpackValue + 1));
      case 4:
        return this.long(options.maxListpackValue + (random.below(10) === 0 ? 1 : 0));
      case 5:
        return random.below(20) === 0 ? this.long(this.pick([100, 255, 300, 5000])) : "x";
      default:
        return String(random.below(100_000));
    }
  }

  private long(length: number): Buffer {
    return Buffer.alloc(length, 0x61 + this.random.below(2));
  }

  private key(): string {
    const { random, keys } = this;
    return keys[random.below(random.below(20) === 0 ? keys.length : keys.length - 2)];
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)];
  }
}

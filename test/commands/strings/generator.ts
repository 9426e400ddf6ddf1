/**
 * Random commands on a few string keys: every command and option, right and wrong arguments, values at the edges of
 * every range. Deterministic for a seed.
 */
import type { Random } from "../../../src/base/random.ts";
import type { Argument } from "../../support/command-harness.ts";

const INTEGERS = [
  "0",
  "1",
  "-1",
  "5",
  "9",
  "10",
  "99",
  "-10",
  "9007199254740991",
  "9007199254740992",
  "-9007199254740991",
  "-9007199254740993",
  "9223372036854775806",
  "9223372036854775807",
  "-9223372036854775807",
  "-9223372036854775808",
  "4611686018427387904",
];
const NOT_INTEGERS = [
  "9223372036854775808",
  "-9223372036854775809",
  "-0",
  "+1",
  "01",
  " 1",
  "1 ",
  "",
  "abc",
  "1.5",
];
const FLOATS = [
  "0.1",
  "-2.50",
  "1e3",
  "1e-20",
  ".5",
  "5.",
  "inf",
  "-inf",
  "nan",
  "1e4932",
  "0x1p4",
  "1e5000",
  "3.0e3",
];
const TIMES = [
  "0",
  "-5",
  "1000000",
  "99999999",
  "9223372036854775807",
  "9223372036854775",
  "9223372036854776",
  "x",
];
const FAR_TIMES = [
  "1",
  "5000",
  "33000000000",
  "3300000000000",
  "9007199254740993",
  "9223372036854775",
  "abc",
  "0",
];
const INDEXES = [
  "0",
  "1",
  "3",
  "7",
  "44",
  "-1",
  "-3",
  "-50",
  "1000",
  "-9223372036854775808",
  "-9223372036854775807",
  "9223372036854775807",
];
const OFFSETS = [
  "0",
  "1",
  "3",
  "20",
  "44",
  "60",
  "300",
  "-1",
  "1048576",
  "1048575",
  "9223372036854775807",
  "abc",
];
const SET_WORDS = ["NX", "XX", "GET", "KEEPTTL", "PERSIST", "FOO"];
const GETEX_WORDS = ["PERSIST", "KEEPTTL", "NX", "FOO"];
const LCS_WORDS = ["LEN", "IDX", "WITHMATCHLEN", "MINMATCHLEN", "FOO"];
const LETTERS = ["a", "b", "c"];
/** With more zeros and fives than chance gives: there ties are found. */
const DIGITS = "05050123456789".split("");
const SPECIAL_NUMBERS =
  "inf -inf infinity nan 1e 1e+ 0x . 1.e5 0x.p1 0e999999999 1e-4951 3.6e-4951 1.8e-4951 1.9e-4951 1e4932" +
  " 1.189731495357231765e4932 1.189731495357231766e4932 1e-4950 1_ 0b1 0x1p-16446 0x1.0001p-16446 0x1p16383";

export class StringCommandGenerator {
  readonly keys = ["a", "b", "c", "d", "list", "a key with a longer name than the others have"];
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  next(): Argument[] {
    const make = this.pick(this.makers);
    const request = make();
    // Rarely an argument more, and commands in any case.
    if (this.random.below(60) === 0) request.push(this.value());
    request[0] = this.anyCase(String(request[0]));
    return request;
  }

  /** What INCRBYFLOAT may be given: all lengths, exponents and forms, and near misses. */
  longDouble(): string {
    const { random } = this;
    const sign = this.pick(["", "", "-", "+"]);
    switch (random.below(8)) {
      case 0:
      case 1:
        return `${sign}${this.digits(20)}.${this.digits(25)}`;
      case 2:
      case 3:
        return `${sign}${this.digits(22)}7.${this.digits(22)}e${random.below(40) - 20}`;
      case 4:
        return `${sign}${this.digits(30)}3e${random.below(10_200) - 5100}`;
      case 5: {
        const hexadecimal = BigInt(`0x${random.bytes(1 + random.below(14)).toString("hex")}`).toString(16);
        return `${sign}0x${hexadecimal}.${hexadecimal.slice(0, random.below(5))}p${random.below(34_000) - 17_000}`;
      }
      case 6:
        return sign + this.pick(SPECIAL_NUMBERS.split(" "));
      default:
        return `${sign}1${this.digits(5000)}.${this.digits(100)}`;
    }
  }

  private readonly makers: readonly (() => Argument[])[] = [
    () => ["GET", this.key()],
    () => ["SET", this.key(), this.value()],
    () => ["SET", this.key(), this.value()],
    () => ["SET", this.key(), this.value(), ...this.options(SET_WORDS)],
    () => ["SET", this.key(), this.value(), ...this.options(SET_WORDS)],
    () => ["SETNX", this.key(), this.value()],
    () => ["SETEX", this.key(), this.pick(TIMES), this.value()],
    () => ["PSETEX", this.key(), this.pick(TIMES), this.value()],
    () => ["GETSET", this.key(), this.value()],
    () => ["GETDEL", this.key()],
    () => ["GETEX", this.key(), ...this.options(GETEX_WORDS)],
    () => ["MGET", ...this.many(() => [this.key()])],
    () => ["MSET", ...this.many(() => [this.key(), this.value()])],
    () => ["MSETNX", ...this.many(() => [this.key(), this.value()])],
    () => ["APPEND", this.key(), this.value()],
    () => ["STRLEN", this.key()],
    () => ["SETRANGE", this.key(), this.pick(OFFSETS), this.value()],
    () => ["GETRANGE", this.key(), this.index(), this.index()],
    () => ["SUBSTR", this.key(), this.index(), this.index()],
    () => ["INCR", this.key()],
    () => ["DECR", this.key()],
    () => ["INCRBY", this.key(), this.integer()],
    () => ["DECRBY", this.key(), this.integer()],
    () => ["INCRBYFLOAT", this.key(), this.pick([...INTEGERS, ...FLOATS, ...NOT_INTEGERS])],
    () => ["LCS", this.key(), this.key(), ...this.lcsOptions()],
  ];

  private key(): string {
    return this.pick(this.keys);
  }

  private value(): Argument {
    const { random } = this;
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
        return this.pick(INTEGERS);
      case 3:
        return this.pick(NOT_INTEGERS);
      case 4:
        return this.pick(FLOATS);
      case 5:
        return "";
      case 6:
        return random.bytes(random.below(30));
      case 7:
        return Array.from({ length: random.below(60) }, () => this.pick(LETTERS)).join("");
      case 8:
        return Buffer.alloc(40 + random.below(10), "xyz");
      default:
        return Buffer.alloc(random.below(20) === 0 ? random.below(20_000) : random.below(600), "long text ");
    }
  }

  private integer(): string {
    return this.random.below(6) === 0 ? this.pick(NOT_INTEGERS) : this.pick(INTEGERS);
  }

  private index(): string {
    return this.random.below(10) === 0 ? this.pick(NOT_INTEGERS) : this.pick(INDEXES);
  }

  private options(words: readonly string[]): string[] {
    const result: string[] = [];
    for (let remaining = this.random.below(4); remaining > 0; remaining--) {
      const kind = this.random.below(5);
      if (kind < 3) result.push(this.anyCase(this.pick(words)));
      else if (kind === 3) result.push(this.anyCase(this.pick(["EX", "PX"])), this.pick(TIMES));
      else result.push(this.anyCase(this.pick(["EXAT", "PXAT"])), this.pick(FAR_TIMES));
    }
    return result;
  }

  private lcsOptions(): string[] {
    const result: string[] = [];
    for (let remaining = this.random.below(4); remaining > 0; remaining--) {
      const word = this.pick(LCS_WORDS);
      result.push(this.anyCase(word));
      // Now and then its number is missing.
      if (word === "MINMATCHLEN" && this.random.below(4) > 0) {
        result.push(this.pick(["0", "1", "2", "4", "-1", "x", "9223372036854775807"]));
      }
    }
    return result;
  }

  private many(make: () => Argument[]): Argument[] {
    return Array.from({ length: 1 + this.random.below(4) }, make).flat();
  }

  /** Fewer than `max` digits. */
  private digits(max: number): string {
    let text = "";
    for (let remaining = this.random.below(max); remaining > 0; remaining--) text += this.pick(DIGITS);
    return text;
  }

  private anyCase(word: string): string {
    return this.random.below(2) === 0 ? word : word.toLowerCase();
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)];
  }
}

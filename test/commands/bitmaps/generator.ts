/**
 * Random commands on the bits of a few keys: every command and option, right and wrong arguments, offsets and values
 * at the edges of every range, and now and then a plain value under a key. Deterministic for a seed.
 */
import type { Random } from "../../../src/base/random.ts";
import type { Argument } from "../../support/command-harness.ts";

const VALUES = ["", "1", "12345", "-9223372036854775808", "foobar", "text", "\0\0\0", "\xff\xff\xff\xff\xff"];
const NOT_OFFSETS = [
  "-1",
  "",
  "abc",
  "1.5",
  "01",
  " 1",
  "#1",
  "4294967296",
  "9223372036854775807",
  "9223372036854775808",
];
const INDEXES = [
  "0",
  "1",
  "2",
  "7",
  "8",
  "13",
  "40",
  "300",
  "-1",
  "-2",
  "-9",
  "-50",
  "-1000",
  "100000",
  "-9223372036854775808",
  "-9223372036854775807",
  "9223372036854775807",
];
const NOT_INTEGERS = ["9223372036854775808", "x", "", "-0", "+1", "1.5"];
const OPERANDS = [
  "0",
  "1",
  "-1",
  "2",
  "-2",
  "3",
  "100",
  "-100",
  "127",
  "128",
  "-128",
  "-129",
  "255",
  "256",
  "65536",
  "2147483647",
  "-2147483648",
  "4294967296",
  "9007199254740991",
  "9007199254740992",
  "-9007199254740993",
  "4611686018427387904",
  "9223372036854775807",
  "-9223372036854775808",
];
const NOT_TYPES = [
  "i0",
  "i65",
  "u0",
  "u64",
  "u",
  "i",
  "",
  "8",
  "x8",
  "U8",
  "i-1",
  "i01",
  "u8x",
  "i 8",
  "u8.0",
];
/** Where the offset is cut to 64 bits, and where one is just within, or beyond, a double's exact range. */
const HASHED = [
  "#9223372036854775807",
  "#2305843009213693952",
  "#4611686018427387905",
  "#-1",
  "#",
  "#x",
  "##1",
];
const UNITS = ["BYTE", "BIT", "bit", "Byte", "BITS", ""];
const OPERATIONS = ["AND", "OR", "XOR", "NOT", "and", "Xor"];
const OVERFLOWS = ["WRAP", "SAT", "FAIL", "sat", "Fail", "wrong"];

export interface BitmapTraffic {
  /** Most bits that a string may have, if it is few enough to be tried; offsets around it are given then. */
  readonly limitBits?: number;
}

export class BitmapCommandGenerator {
  readonly keys = ["a", "b", "c", "d", "list"];
  private readonly random: Random;
  private readonly edges: readonly string[];

  constructor(random: Random, { limitBits }: BitmapTraffic = {}) {
    this.random = random;
    this.edges = limitBits === undefined ? [] : [limitBits - 1, limitBits, limitBits - 64].map(String);
  }

  next(): Argument[] {
    const request = this.pick(this.makers)();
    // Rarely an argument more or less, and commands in any case.
    if (this.random.below(60) === 0) request.push(this.pick(["1", "BIT", "GET"]));
    if (this.random.below(60) === 0) request.pop();
    if (this.random.below(2) === 0) request[0] = String(request[0]).toLowerCase();
    return request;
  }

  private readonly makers: readonly (() => Argument[])[] = [
    () => ["SETBIT", this.key(), this.offset(), this.bit()],
    () => ["SETBIT", this.key(), this.offset(), this.bit()],
    () => ["GETBIT", this.key(), this.offset()],
    () => ["BITCOUNT", this.key()],
    () => ["BITCOUNT", this.key(), this.index(), this.index(), ...this.maybe(UNITS)],
    () => ["BITCOUNT", this.key(), this.index(), this.index(), ...this.maybe(UNITS)],
    () => ["BITPOS", this.key(), this.bit(), ...this.maybeRange()],
    () => ["BITPOS", this.key(), this.bit(), ...this.maybeRange()],
    () => ["BITOP", this.pick(OPERATIONS), this.target(), ...this.sources()],
    () => ["BITOP", this.pick(OPERATIONS), this.target(), ...this.sources()],
    () => ["BITFIELD", this.key(), ...this.fields()],
    () => ["BITFIELD", this.key(), ...this.fields()],
    () => ["BITFIELD", this.key(), ...this.fields()],
    () => [
      "BITFIELD_RO",
      this.key(),
      ...this.fields(["GET", "GET", "GET", "GET", "GET", "GET", "GET", "SET"]),
    ],
    () => ["SET", this.target(), this.value()],
    () => ["SET", this.target(), this.value(), "EX", "100000"],
    () => ["GET", this.key()],
  ];

  private key(): string {
    return this.random.below(12) === 0 ? "list" : this.target();
  }

  /** A key that may be overwritten, whatever type it has: seldom the only one that is no string. */
  private target(): string {
    return this.random.below(150) === 0 ? "list" : this.pick(["a", "b", "c", "d"]);
  }

  private value(): Argument {
    const { random } = this;
    if (random.below(3) > 0) return Buffer.from(this.pick(VALUES), "latin1");
    const length = random.below(random.below(10) === 0 ? 3000 : 60);
    return random.below(2) === 0 ? random.bytes(length) : Buffer.alloc(length, this.pick([0, 0xff]));
  }

  private bit(): string {
    return this.random.below(15) === 0 ? this.pick(["2", "-1", "x", "", "00"]) : this.pick(["0", "1"]);
  }

  private offset(): string {
    const { random } = this;
    const kind = random.below(40);
    if (kind === 0) return this.pick(NOT_OFFSETS);
    if (kind === 1 && this.edges.length > 0) return this.pick(this.edges);
    if (kind < 4) return String(random.below(40_000));
    return String(random.below(kind < 25 ? 130 : 700));
  }

  private index(): string {
    const kind = this.random.below(20);
    if (kind === 0) return this.pick(NOT_INTEGERS);
    return kind < 8 ? String(this.random.below(200) - 100) : this.pick(INDEXES);
  }

  private maybe(words: readonly string[]): string[] {
    return this.random.below(2) === 0 ? [] : [this.pick(words)];
  }

  private maybeRange(): string[] {
    const count = this.random.below(4);
    const range = [this.index(), this.index(), this.pick(UNITS)];
    return range.slice(0, count);
  }

  private sources(): string[] {
    return Array.from({ length: 1 + this.random.below(this.random.below(4) === 0 ? 6 : 2) }, () =>
      this.key(),
    );
  }

  private fields(kinds: readonly string[] = ["GET", "SET", "INCRBY", "OVERFLOW"]): string[] {
    const result: string[] = [];
    for (let remaining = this.random.below(6); remaining > 0; remaining--) {
      const kind = this.random.below(80) === 0 ? "NOTHING" : this.pick(kinds);
      const word = this.random.below(2) === 0 ? kind : kind.toLowerCase();
      if (kind === "OVERFLOW") {
        // A wrong one ends the command: not too often.
        const named = this.pick(OVERFLOWS);
        result.push(word, named === "wrong" && this.random.below(4) > 0 ? "FAIL" : named);
      } else {
        result.push(word, this.type(), this.fieldOffset());
        if (kind !== "GET") result.push(this.operand());
      }
    }
    return result;
  }

  private type(): string {
    const { random } = this;
    if (random.below(40) === 0) return this.pick(NOT_TYPES);
    // C reads it up to a zero byte.
    const end = random.below(60) === 0 ? "\0x" : "";
    if (random.below(3) === 0)
      return this.pick(["u8", "i64", "u63", "i32", "u32", "i33", "u53", "i54", "u1"]) + end;
    return random.below(2) === 0 ? `i${1 + random.below(64)}${end}` : `u${1 + random.below(63)}${end}`;
  }

  private fieldOffset(): string {
    const kind = this.random.below(40);
    if (kind === 0) return this.pick(HASHED);
    return kind < 10 ? `#${this.random.below(20)}` : this.offset();
  }

  private operand(): string {
    const kind = this.random.below(40);
    if (kind === 0) return this.pick(NOT_INTEGERS);
    return kind < 10 ? String(this.random.below(1000) - 500) : this.pick(OPERANDS);
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)];
  }
}

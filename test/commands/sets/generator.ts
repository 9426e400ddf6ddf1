/**
 * Random commands on a few sets: integers of all widths, texts that look like integers and are none, long and empty
 * texts; sets that grow over the limit of intsets. Deterministic for a seed.
 *
 * What chance chooses cannot be compared: SPOP and SRANDMEMBER take all members here, or the only one of "single".
 */
import type { Random } from "../../../src/base/random.ts";
import type { Argument } from "../../support/command-harness.ts";

const ODD_MEMBERS = [
  "",
  "-0",
  "+1",
  "01",
  " 1",
  "1 ",
  "1.0",
  "9223372036854775807",
  "9223372036854775808",
  "-9223372036854775808",
  "-9223372036854775809",
  "32767",
  "32768",
  "-32769",
  "2147483647",
  "2147483648",
  "-2147483649",
  "x".repeat(253),
  "x".repeat(300),
  "y".repeat(20_000),
  Buffer.from([0, 255, 13, 10]),
];
const NUMBERS = ["0", "1", "2", "-1", "1000", "x", "", "1.5", "9223372036854775807", "-9223372036854775808"];
const PATTERNS = ["*", "1*", "[0-9]", "m?", "", "*2", "x*"];

export interface SetGeneratorOptions {
  /** Members are drawn of so many. */
  readonly range: number;
}

export class SetCommandGenerator {
  /** Of the last three, two are rare, and one only ever has one member. */
  readonly keys: readonly string[] = ["first", "second", "third", "fourth", "string", "rare", "single"];
  private readonly random: Random;
  private readonly range: number;

  constructor(random: Random, { range }: SetGeneratorOptions) {
    this.random = random;
    this.range = range;
  }

  next(): Argument[] {
    const request = this.pick(this.makers)();
    if (this.random.below(2) === 0) request[0] = String(request[0]).toLowerCase();
    return request;
  }

  private readonly makers: readonly (() => Argument[])[] = [
    () => ["SADD", this.key(), ...this.members()],
    () => ["SADD", this.key(), ...this.members()],
    () => ["SADD", this.key(), ...this.members()],
    () => ["SADD", this.key(), ...this.integers()],
    () => ["SADD", this.key(), ...this.integers()],
    () => ["SREM", this.key(), ...this.members()],
    () => ["SREM", this.key(), ...this.integers()],
    () => ["SMOVE", this.key(), this.key(), this.member()],
    () => ["SMOVE", this.key(), this.key(), this.member()],
    () => ["SISMEMBER", this.key(), this.member()],
    () => ["SMISMEMBER", this.key(), ...this.members()],
    () => ["SCARD", this.key()],
    () => ["SMEMBERS", this.key()],
    () => ["SINTER", ...this.several()],
    () => ["SUNION", ...this.several()],
    () => ["SDIFF", ...this.several()],
    () => ["SINTERSTORE", this.key(), ...this.several()],
    () => ["SUNIONSTORE", this.key(), ...this.several()],
    () => ["SDIFFSTORE", this.key(), ...this.several()],
    () => this.sintercard(),
    () => this.sintercard(),
    () => ["SADD", "single", "member"],
    () => ["SPOP", "single"],
    () => ["SPOP", "single", ...this.count()],
    () => ["SRANDMEMBER", "single", ...this.count()],
    () => ["SRANDMEMBER", "single", String(-this.random.below(5))],
    () => ["SPOP", this.key(), this.pick(["0", "100000", "9223372036854775807", "x", "-1"])],
    () => ["SRANDMEMBER", this.key(), this.pick(["0", "100000", "9223372036854775807", "x"])],
    () => [
      "SSCAN",
      this.key(),
      this.pick(["0", "0", "0", "x", "+0", "", " 0", "18446744073709551616"]),
      ...this.options(),
    ],
    () => ["SSCAN", this.key(), "0", "COUNT", "100000", "MATCH", this.pick(PATTERNS)],
    () => ["DEL", this.key()],
    () => ["EXPIRE", this.key(), "1000"],
    () => ["COPY", this.key(), this.key(), "REPLACE"],
    () => ["RENAME", this.key(), this.key()],
    () => ["SET", "string", "text"],
  ];

  /** Mostly a set. */
  private key(): string {
    return this.random.below(12) === 0 ? this.pick(this.keys.slice(4, 6)) : this.keys[this.random.below(4)];
  }

  private several(): Argument[] {
    return this.list(1 + this.random.below(4), () => this.key());
  }

  private members(): Argument[] {
    const count = this.random.below(8) === 0 ? 1 + this.random.below(60) : 1 + this.random.below(4);
    return this.list(count, () => this.member());
  }

  private integers(): Argument[] {
    const scale = this.pick([1, 1, 1000, 100_000, 1e10, 1e15]);
    return this.list(
      1 + this.random.below(10),
      () => (this.random.below(this.range) - this.range / 4) * scale,
    );
  }

  private member(): Argument {
    const kind = this.random.below(10);
    if (kind === 0) return this.pick(ODD_MEMBERS);
    if (kind < 7) return String(this.random.below(this.range));
    return `m${this.random.below(this.range)}`;
  }

  private sintercard(): Argument[] {
    const keys = this.several();
    const count = this.random.below(6) === 0 ? this.pick(NUMBERS) : String(keys.length);
    const limit = this.random.below(3) === 0 ? ["LIMIT", this.pick(NUMBERS)] : [];
    const rest = this.random.below(12) === 0 ? [this.pick(["LIMIT", "limits"])] : [];
    return ["SINTERCARD", count, ...keys, ...limit, ...rest];
  }

  private count(): Argument[] {
    const values = this.list(this.random.below(8) === 0 ? 2 : this.random.below(2), () => this.pick(NUMBERS));
    // Of these, a negative number has no end.
    return values.filter((value) => value !== "-9223372036854775808");
  }

  private options(): Argument[] {
    const options: Argument[] = ["COUNT", "100000"];
    if (this.random.below(4) === 0) options.push("MATCH", this.pick(PATTERNS));
    if (this.random.below(8) === 0) options.push(this.pick(["TYPE", "MATCH"]), this.pick(NUMBERS));
    if (this.random.below(8) === 0) options.push("COUNT", this.pick(["0", "x", "-1", "9223372036854775807"]));
    if (this.random.below(8) === 0) options.push(this.pick(["COUNT", "MATCH"]));
    return options;
  }

  private list<Item>(length: number, make: () => Item): Item[] {
    return Array.from({ length }, make);
  }

  private pick<Item>(items: readonly Item[]): Item {
    return items[this.random.below(items.length)];
  }
}

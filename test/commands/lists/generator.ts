/**
 * Random commands on a few list keys: every command and option, right and wrong arguments, elements of every encoding
 * and size. Deterministic for a seed.
 */
import type { Random } from "../../../src/base/random.ts";
import type { Argument } from "../../support/command-harness.ts";

const ELEMENTS = [
  "a",
  "b",
  "c",
  "",
  "0",
  "7",
  "-1",
  "127",
  "128",
  "-4097",
  "65536",
  "12345678901",
  "007",
  "1.5",
];
const INDEXES = [
  "0",
  "1",
  "2",
  "5",
  "17",
  "-1",
  "-2",
  "-9",
  "100",
  "-100",
  "9223372036854775807",
  "-9223372036854775808",
];
const NOT_INTEGERS = ["", "x", "1.5", "9223372036854775808", " 1", "+1"];
const COUNTS = ["0", "1", "2", "3", "10", "1000", "-1", "9223372036854775807"];
const TIMEOUTS = ["0", "0.01", "1", "1e3", "-1", "x", "1e400", "nan", "99999999999999999999"];
const ENDS = ["LEFT", "RIGHT", "left", "Right", "UP"];
const LENGTHS = [60, 70, 130, 1000, 3000, 8000, 9000];

export class ListCommandGenerator {
  readonly keys: readonly string[] = ["l1", "l2", "l3", "l4", "string"];
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  next(): Argument[] {
    const pick = this.random.below(100);
    if (pick < 30) return this.push();
    if (pick < 42) return this.pop();
    if (pick < 62) return this.read();
    if (pick < 82) return this.change();
    if (pick < 90) return this.move();
    if (pick < 98) return this.severalKeys();
    return this.ofAnyType();
  }

  private push(): Argument[] {
    const name = this.one("LPUSH", "RPUSH", "RPUSH", "LPUSHX", "RPUSHX");
    const count = this.chance(10) ? 200 : 1 + this.random.below(4);
    return [name, this.key(), ...Array.from({ length: count }, () => this.element())];
  }

  private pop(): Argument[] {
    const request: Argument[] = [this.one("LPOP", "RPOP"), this.key()];
    if (this.chance(2)) request.push(this.count());
    if (this.chance(30)) request.push("1");
    return request;
  }

  private read(): Argument[] {
    switch (this.random.below(4)) {
      case 0:
        return ["LLEN", this.key()];
      case 1:
        return ["LINDEX", this.key(), this.index()];
      case 2:
        return ["LRANGE", this.key(), this.index(), this.index()];
      default:
        return this.position();
    }
  }

  private position(): Argument[] {
    const request: Argument[] = ["LPOS", this.key(), this.element()];
    if (this.chance(2)) request.push(this.word("RANK"), this.one("1", "2", "-1", "-2", "3", "0", "x", "100"));
    if (this.chance(2)) request.push(this.word("COUNT"), this.count());
    if (this.chance(3)) request.push(this.word("MAXLEN"), this.count());
    if (this.chance(20)) request.push(this.one("COUNT", "x", "RANK"));
    return request;
  }

  private change(): Argument[] {
    switch (this.random.below(5)) {
      case 0:
        return ["LSET", this.key(), this.index(), this.element()];
      case 1:
      case 2:
        return [
          "LINSERT",
          this.key(),
          this.one("BEFORE", "after", "AFTER", "x"),
          this.element(),
          this.element(),
        ];
      case 3:
        return ["LREM", this.key(), this.one("0", "1", "-1", "2", "-2", "x", "100"), this.element()];
      default:
        // Seldom much, so that lists grow.
        return this.chance(3)
          ? ["LTRIM", this.key(), this.index(), this.index()]
          : ["LTRIM", this.key(), this.one("0", "1"), this.one("-1", "-2")];
    }
  }

  private move(): Argument[] {
    switch (this.random.below(4)) {
      case 0:
        return ["RPOPLPUSH", this.key(), this.key()];
      case 1:
        return ["BRPOPLPUSH", this.key(), this.key(), this.timeout()];
      case 2:
        return ["LMOVE", this.key(), this.key(), this.end(), this.end()];
      default:
        return ["BLMOVE", this.key(), this.key(), this.end(), this.end(), this.timeout()];
    }
  }

  private severalKeys(): Argument[] {
    const keys = Array.from({ length: 1 + this.random.below(3) }, () => this.key());
    const numkeys = this.chance(8)
      ? this.one("0", "-1", "x", "7", "9223372036854775807")
      : String(keys.length);
    const rest: Argument[] = [numkeys, ...keys, this.end()];
    if (this.chance(2)) rest.push(this.word("COUNT"), this.count());
    if (this.chance(20)) rest.push(this.one("COUNT", "x"), "1");
    switch (this.random.below(4)) {
      case 0:
        return [this.one("BLPOP", "BRPOP"), ...keys, this.timeout()];
      case 1:
        return ["BLMPOP", this.timeout(), ...rest];
      default:
        return ["LMPOP", ...rest];
    }
  }

  private ofAnyType(): Argument[] {
    switch (this.random.below(6)) {
      case 0:
        return ["DEL", this.key()];
      case 1:
        return ["RENAME", this.key(), this.key()];
      case 2:
        return ["COPY", this.key(), this.key(), "REPLACE"];
      case 3:
        return ["TYPE", this.key()];
      case 4:
        return ["PEXPIRE", this.key(), "100000000"];
      default:
        return ["OBJECT", "ENCODING", this.key()];
    }
  }

  element(): Argument {
    if (this.chance(25)) {
      const length = LENGTHS[this.random.below(LENGTHS.length)];
      return Buffer.alloc(length, 0x61 + this.random.below(3));
    }
    if (this.chance(10)) return String(this.random.below(1_000_000));
    return this.one(...ELEMENTS);
  }

  private key(): string {
    return this.chance(20) ? "string" : this.keys[this.random.below(this.keys.length - 1)];
  }

  private index(): string {
    return this.chance(25) ? this.one(...NOT_INTEGERS) : this.one(...INDEXES);
  }

  private count(): string {
    return this.chance(25) ? this.one(...NOT_INTEGERS) : this.one(...COUNTS);
  }

  private timeout(): string {
    return this.chance(5) ? this.one(...TIMEOUTS) : "0.01";
  }

  private end(): string {
    return this.chance(15) ? this.one(...ENDS) : this.one("LEFT", "RIGHT");
  }

  private word(word: string): string {
    return this.chance(5) ? word.toLowerCase() : word;
  }

  private one(...choices: string[]): string {
    return choices[this.random.below(choices.length)];
  }

  /** One time of so many. */
  private chance(of: number): boolean {
    return this.random.below(of) === 0;
  }
}

/**
 * Random commands on a few keys in three databases: every command and option of the group, right and wrong arguments.
 * Deterministic for a seed.
 *
 * Relative times are compared with GT and LT nowhere: the two servers read their clocks at different moments.
 */
import type { Random } from "../../../src/base/random.ts";
import type { Argument } from "../../support/command-harness.ts";
import { plainDump, withFooter } from "../../support/dump-payloads.ts";

const KEYS = ["a", "b", "c", "d", ""];
const VALUES = ["1", "12345", "text", "x".repeat(60), "y".repeat(9000), ""];
const RELATIVE = [
  "100000",
  "7000000",
  "0",
  "-1",
  "-100000",
  "1.5",
  "abc",
  "9223372036854775807",
  "9223372036854775",
];
const RELATIVE_LIMITS = [
  "9223372036854776",
  "-9223372036854776",
  "-9223372036854775808",
  "99999999999999999999",
];
const ABSOLUTE_SECONDS = [
  "33000000000",
  "44000000000",
  "55000000000",
  "1",
  "0",
  "-5",
  "9223372036854776",
  "x",
];
/** The largest is one less than where times are cut off: later ones then compare with it as in Redis. */
const ABSOLUTE_MS = [
  "33000000000000",
  "44000000000000",
  "55000000000000",
  "1",
  "0",
  "-5",
  "9007199254740990",
  "",
];
const INDEXES = ["0", "1", "2", "1", "2", "16", "-1", "x", "2147483648", "99999999999999999999", "01"];
const OPTIONS = ["NX", "xx", "GT", "lt", "GX"];
const TIMES_TO_LIVE = [...RELATIVE, ...RELATIVE_LIMITS, "9007199254740993", "0", "0", "0"];
const INSTANTS = ["33000000000000", "44000000000000", "1", "0", "-5", "9223372036854775807", "x"];
const RESTORE_OPTIONS = [
  [],
  ["REPLACE"],
  ["replace", "REPLACE"],
  ["IDLETIME", "1000"],
  ["idletime", "16777214", "REPLACE"],
  ["IDLETIME", "-1"],
  ["IDLETIME", "x"],
  ["IDLETIME", "99999999999999999999"],
  ["IDLETIME", "5", "idletime", "6"],
  ["IDLETIME", "5", "FREQ", "6"],
  ["FREQ", "255"],
  ["freq", "0", "REPLACE"],
  ["FREQ", "256"],
  ["FREQ", "-1"],
  ["FREQ", "1.5"],
  ["FREQ", "5", "IDLETIME", "6"],
  ["FREQ"],
  ["REPLACE", "IDLETIME"],
  ["KEEPTTL"],
];
/** A string in all its forms, without footer. */
const STRINGS = bodies("c00c c12c01 c2ffffff7f 03303132 00 c3050a0061e00000 c30b0b0761626364656667682007");
/** None that ends too early or too late by less than the footer's ten bytes: Redis takes those. */
const DAMAGED = bodies(
  "c4 40 8000000050616263 81ffffffffffffffff61 c3010400 c302010061 c3050b0061e00000 c30581000000ffffffffff0061e00000",
);

/** Payloads of the string type without their footer, of hexadecimal words. */
function bodies(words: string): Buffer[] {
  return words.split(" ").map((word) => Buffer.from(`00${word}`, "hex"));
}

export class KeyCommandGenerator {
  readonly keys: readonly string[] = KEYS;
  private readonly random: Random;
  private readonly databases: boolean;

  /** `databases`: with commands that reach other databases than the first. */
  constructor(random: Random, databases: boolean) {
    this.random = random;
    this.databases = databases;
  }

  next(): Argument[] {
    const pick = this.random.below(this.databases ? 30 : 23);
    if (pick < 5) return ["SET", this.key(), this.from(VALUES)];
    if (pick >= 23) return this.acrossDatabases();
    return this.within(pick);
  }

  private within(pick: number): Argument[] {
    switch (pick) {
      case 5:
        return [this.from(["DEL", "UNLINK"]), ...this.someKeys()];
      case 6:
        return [this.from(["EXISTS", "touch", "Exists"]), ...this.someKeys()];
      case 7:
      case 8:
        return this.relativeExpiry();
      case 9:
      case 10:
      case 11:
        return this.absoluteExpiry();
      case 12:
      case 13:
        return [this.from(["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"]), this.key()];
      case 14:
        return ["PERSIST", this.key()];
      case 15:
      case 16:
        return [this.from(["RENAME", "RENAMENX"]), this.key(), this.key()];
      case 17:
        return [
          "COPY",
          this.key(),
          this.key(),
          ...this.from([[], ["REPLACE"], ["replace", "REPLACE"], ["DB"], ["x"]]),
        ];
      case 18:
        return ["TYPE", this.key()];
      case 19:
        return [this.from(["DUMP", "dump"]), this.key()];
      case 20:
      case 21:
        return this.restoration();
      default:
        return ["OBJECT", "ENCODING", this.key()];
    }
  }

  private acrossDatabases(): Argument[] {
    switch (this.random.below(8)) {
      case 0:
        return ["MOVE", this.key(), this.from(INDEXES)];
      case 1:
      case 2: {
        const tail = this.from([[], ["REPLACE"], ["db", this.from(INDEXES)], ["DB"]]);
        return ["COPY", this.key(), this.key(), "DB", this.from(INDEXES), ...tail];
      }
      case 3:
      case 4:
        return ["SELECT", this.from(INDEXES)];
      case 5:
        return ["SWAPDB", this.from(INDEXES), this.from(INDEXES)];
      case 6:
        return ["DBSIZE"];
      default:
        return this.random.below(3) > 0
          ? ["DBSIZE"]
          : [
              this.from(["FLUSHDB", "FLUSHALL"]),
              ...this.from([[], ["SYNC"], ["async"], ["x"], ["SYNC", "SYNC"]]),
            ];
    }
  }

  private relativeExpiry(): Argument[] {
    const time = this.from([...RELATIVE, ...RELATIVE, ...RELATIVE_LIMITS]);
    const options = this.from([
      [],
      [],
      ["NX"],
      ["xx"],
      ["NX", "XX"],
      ["NX", "GT"],
      ["LT", "GT"],
      ["what\r\never"],
      ["XX", ""],
    ]);
    return [this.from(["EXPIRE", "PEXPIRE"]), this.key(), time, ...options];
  }

  private absoluteExpiry(): Argument[] {
    const options: string[] = [];
    while (this.random.below(3) === 0) options.push(this.from(OPTIONS));
    return this.random.below(2) === 0
      ? ["EXPIREAT", this.key(), this.from(ABSOLUTE_SECONDS), ...options]
      : ["pexpireat", this.key(), this.from(ABSOLUTE_MS), ...options];
  }

  private restoration(): Argument[] {
    const { random } = this;
    const name = this.from(["RESTORE", "restore", "RESTORE", "RESTORE-ASKING"]);
    const isAbsolute = random.below(3) === 0;
    const time = this.from(isAbsolute ? INSTANTS : TIMES_TO_LIVE);
    const options = [...this.from(RESTORE_OPTIONS), ...(random.below(2) === 0 ? ["REPLACE"] : [])];
    if (isAbsolute)
      options.splice(random.below(2) === 0 ? 0 : options.length, 0, this.from(["ABSTTL", "absttl"]));
    return [name, this.key(), time, this.payload(), ...options];
  }

  private payload(): Buffer {
    const { random } = this;
    const whole = withFooter(this.from(STRINGS));
    switch (random.below(12)) {
      case 0:
        // Damage that the checksum shows.
        whole[random.below(whole.length)] ^= 1 << random.below(8);
        return whole;
      case 1:
        return whole.subarray(0, random.below(whole.length));
      case 2:
        return withFooter(this.from(STRINGS), this.from([0, 1, 9, 11, 12, 256, 65535]));
      case 3:
        return withFooter(this.from(DAMAGED));
      case 4:
      case 5:
        return whole;
      default:
        return plainDump(this.from(VALUES));
    }
  }

  private someKeys(): string[] {
    return Array.from({ length: 1 + this.random.below(4) }, () => this.key());
  }

  private key(): string {
    return this.from(KEYS);
  }

  private from<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)];
  }
}

/**
 * Random commands on a few HyperLogLogs: plain elements, and such as are made for neighbouring registers, so that runs
 * meet, divide and join; whole values that are set, and strings that are none. Deterministic for a seed.
 *
 * No value here is damaged: what stock Redis leaves of those is another matter, and has a test of its own.
 */
import type { Random } from "../../../src/base/random.ts";
import type { Argument } from "../../support/command-harness.ts";
import { craftedElement } from "../../types/string/hyperloglog/crafted-elements.ts";

const SUBCOMMANDS = ["ENCODING", "DECODE", "GETREG", "TODENSE", "encoding", "Decode", "decode", "nothing"];
const HEADER = Buffer.from("HYLL\x01\0\0\0\0\0\0\0\0\0\0\0", "latin1");
/** Opcodes of 16384 registers: few enough for a string to be embedded, and some with a cardinality that is wrong. */
const WHOLE = [
  [0x7f, 0xff],
  [0x80, 0x7f, 0xfe],
  [0x40, 0x00, 0x7f, 0xfe],
  [0x83, 0x83, 0x83, 0x00, 0x3f, 0x7f, 0xb2],
  [0xff, 0xfc, 0x7f, 0xfa],
];

export class HyperLogLogCommandGenerator {
  /** The last two are rare. */
  readonly keys: readonly string[] = ["first", "second", "third", "fourth", "list", "none"];
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  next(): Argument[] {
    const request = this.pick(this.makers)();
    if (this.random.below(2) === 0) request[0] = String(request[0]).toLowerCase();
    return request;
  }

  /** Elements for one PFADD, none to some hundred. */
  elements(): Argument[] {
    const { random } = this;
    const count = random.below(6) === 0 ? random.below(300) : random.below(5);
    const kind = random.below(4);
    const base = random.below(16384 - 40);
    return Array.from({ length: count }, () => {
      if (kind === 0) return String(random.below(50));
      if (kind === 1) return random.bytes(random.below(40));
      if (kind === 2) return this.crafted(base + random.below(40));
      return this.crafted(random.below(16384));
    });
  }

  private readonly makers: readonly (() => Argument[])[] = [
    () => ["PFADD", this.key(), ...this.elements()],
    () => ["PFADD", this.key(), ...this.elements()],
    () => ["PFADD", this.key(), ...this.elements()],
    () => ["PFADD", this.key(), ...this.elements()],
    () => ["PFADD", this.key(), this.crafted(this.random.below(16384))],
    () => ["PFCOUNT", this.key()],
    () => ["PFCOUNT", this.key()],
    () => ["PFCOUNT", this.key(), this.key()],
    () => ["PFCOUNT", ...this.several()],
    () => ["PFMERGE", this.key(), this.key()],
    () => ["PFMERGE", this.key()],
    () => ["PFMERGE", ...this.several()],
    () => ["PFDEBUG", this.random.below(4) === 0 ? this.pick(SUBCOMMANDS) : "decode", this.key()],
    () => ["GET", this.key()],
    () => ["GET", this.key()],
    () => ["STRLEN", this.key()],
    () => ["SET", this.key(), this.whole()],
    () =>
      this.random.below(3) === 0
        ? ["SET", this.key(), this.pick(["text", "12345", ""])]
        : ["GET", this.key()],
    () => ["GETDEL", this.key()],
    () => ["GETEX", this.key(), this.pick(["PERSIST", "EX"]), "1000000"].slice(0, 2 + this.random.below(3)),
  ];

  /** Mostly low ranks, as of real elements, and of few kinds; now and then one that no sparse register holds. */
  private crafted(index: number): Buffer {
    const { random } = this;
    const rank =
      random.below(40) === 0 ? 1 + random.below(random.below(4) === 0 ? 51 : 32) : 1 + random.below(3);
    return craftedElement(index, rank, BigInt(random.below(1 << 20)));
  }

  private whole(): Buffer {
    const header = Buffer.from(HEADER);
    if (this.random.below(2) === 0) header[15] = 0x80;
    else header[8] = this.random.below(256);
    return Buffer.concat([header, Buffer.from(this.pick(WHOLE))]);
  }

  private several(): Argument[] {
    return Array.from({ length: 1 + this.random.below(5) }, () => this.key());
  }

  private key(): string {
    const { random, keys } = this;
    return keys[random.below(random.below(20) === 0 ? keys.length : keys.length - 2)];
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)];
  }
}

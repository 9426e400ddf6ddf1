/**
 * Random commands on a few streams: every command and option, right and wrong arguments. Deterministic for a seed.
 * Ids are chosen so that most entries can be added; times so far apart that a few seconds between two servers do not
 * matter.
 */
import type { Random } from "../../../src/base/random.ts";
import type { Argument } from "../../support/command-harness.ts";

const MAX_UINT64 = "18446744073709551615";
/** Idle times are multiples of this one; what is compared with them lies between. */
export const IDLE_STEP_MS = 600_000;

const ODD_IDS = [
  "",
  "-",
  "+",
  "abc",
  "1-",
  "-1",
  "1-2-3",
  "*",
  "$",
  ">",
  "1-*",
  "(1",
  "1-a",
  " 1",
  "+2-3",
  "01-02",
  "1--0",
  `${MAX_UINT64}-${MAX_UINT64}`,
  MAX_UINT64,
  `0-${MAX_UINT64}`,
  "0-0",
  "0",
  "18446744073709551616",
  "1-1 ",
];
const ODD_NUMBERS = [
  "-1",
  "0",
  "abc",
  "",
  "1.5",
  "9223372036854775807",
  "9223372036854775808",
  "-9223372036854775808",
];
const VALUES = [
  "",
  "a",
  "0",
  "-1",
  "127",
  "128",
  "4095",
  "-4096",
  "4096",
  "32767",
  "8388607",
  "-8388609",
  "2147483648",
  "9223372036854775807",
  "-9223372036854775808",
  "9223372036854775808",
  "007",
  "+1",
  "-0",
  "text",
  "x".repeat(70),
];
const RECENT_IDS = 15;
const FIELDS = ["f", "g", "1", "field", "123456"];

export class StreamCommandGenerator {
  readonly keys: readonly string[] = ["s1", "s2", "s3"];
  private readonly random: Random;
  private ms = 3;
  /** What comes first: without a group most other commands would have nothing to do. */
  private readonly beginning: Argument[][] = ["s1", "s2"].flatMap((key) =>
    ["g1", "10"].map((group) => ["XGROUP", "CREATE", key, group, "0", "MKSTREAM"]),
  );
  /** Ids that entries may have. */
  private readonly recent: string[] = [];

  constructor(random: Random) {
    this.random = random;
  }

  next(): Argument[] {
    const { random } = this;
    const begun = this.beginning.pop();
    if (begun !== undefined) return begun;
    const choice = random.below(100);
    if (choice < 30) return this.add();
    if (choice < 34) return ["XDEL", this.key(), ...this.some(3, () => this.id())];
    if (choice < 37) return this.trim();
    if (choice < 43) return this.range();
    if (choice < 46) return this.read();
    if (choice < 58) return this.readGroup();
    if (choice < 64) return ["XACK", this.key(), this.group(), ...this.some(4, () => this.id())];
    if (choice < 72) return this.claim();
    if (choice < 77) return this.autoClaim();
    if (choice < 82) return this.pending();
    if (choice < 87) return this.info();
    if (choice < 95) return this.changeGroup();
    if (choice < 97) return this.setId();
    if (choice < 99) return this.readGroup();
    return this.other();
  }

  private pick<T>(values: readonly T[]): T {
    return values[this.random.below(values.length)];
  }

  /** True once in so many times. */
  private seldom(times: number): boolean {
    return this.random.below(times) === 0;
  }

  private some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: 1 + this.random.below(most) }, make);
  }

  private key(): string {
    if (this.seldom(40)) return this.pick(["plain", "none"]);
    return this.keys[Math.max(0, this.random.below(6) - 3)];
  }

  private group(): string {
    if (this.seldom(30)) return "nobody";
    return this.seldom(4) ? this.pick(["g2", "10"]) : "g1";
  }

  private consumer(): string {
    return this.pick(["c1", "c2", "c10", "7", ""]);
  }

  /** An id that there may be. */
  private id(): string {
    if (this.seldom(30)) return this.pick(ODD_IDS);
    if (this.recent.length > 0 && !this.seldom(4)) return this.pick(this.recent);
    const ms = Math.max(0, this.ms - this.random.below(12) + 1);
    return this.seldom(3) ? String(ms) : `${ms}-${this.random.below(3)}`;
  }

  private bound(): string {
    const id = this.pick(["-", "+", this.id(), this.id()]);
    return this.seldom(4) ? `(${id}` : id;
  }

  /** Mostly in small letters, as nobody minds. */
  private word(text: string): string {
    return this.seldom(3) ? text.toUpperCase() : text;
  }

  private number(most: number): string {
    return this.seldom(15) ? this.pick(ODD_NUMBERS) : String(this.random.below(most + 1));
  }

  private idle(): string {
    if (this.seldom(12)) return this.pick(["abc", "-1", ""]);
    return String(IDLE_STEP_MS * this.random.below(4));
  }

  private minIdle(): string {
    return this.seldom(20) ? this.pick(["abc", "-5"]) : this.pick(["0", "0", "300000", "900000"]);
  }

  private newId(): string {
    if (this.seldom(25)) return this.pick(ODD_IDS.filter((id) => id !== "*" && !id.startsWith(MAX_UINT64)));
    if (this.seldom(4)) return `${this.ms}-*`;
    if (!this.seldom(4)) this.ms += this.random.below(3);
    const id = this.seldom(3) ? String(this.ms) : `${this.ms}-${this.random.below(6)}`;
    this.recent.push(id);
    if (this.recent.length > RECENT_IDS) this.recent.shift();
    return id;
  }

  private add(): Argument[] {
    const trimming = this.seldom(4) ? this.trimming() : [];
    const options = this.seldom(15) ? ["nomkstream"] : [];
    const fields = this.seldom(3) ? this.some(4, () => this.pick(FIELDS)) : ["f", "g"];
    const pairs = fields.flatMap((field) => [field, this.pick(VALUES)]);
    if (this.seldom(50)) pairs.pop();
    return ["XADD", this.key(), ...options, ...trimming, this.newId(), ...pairs];
  }

  private trim(): Argument[] {
    return ["XTRIM", this.key(), ...this.trimming()];
  }

  private trimming(): string[] {
    const sign = this.pick([[], ["="], ["~"], ["~"]]);
    const bound = this.seldom(2) ? ["maxlen", ...sign, this.number(12)] : ["minid", ...sign, this.id()];
    const limit = this.seldom(4) ? ["limit", this.number(8)] : [];
    if (this.seldom(25)) return [...limit, "maxlen", "3", ...bound];
    if (this.seldom(30)) return [this.pick(["maxlen", "minid", "limit", "other"])];
    return this.seldom(2) ? [...bound, ...limit] : [...limit, ...bound].map((word) => this.word(word));
  }

  private count(): string[] {
    return this.seldom(2) ? [] : [this.word("count"), this.number(5)];
  }

  private range(): Argument[] {
    if (this.seldom(6)) return ["XLEN", this.key()];
    const extra = this.seldom(30) ? ["count"] : [];
    return [
      this.pick(["XRANGE", "XREVRANGE"]),
      this.key(),
      this.bound(),
      this.bound(),
      ...this.count(),
      ...extra,
    ];
  }

  private read(): Argument[] {
    const keys = this.some(3, () => this.key());
    const ids = keys.map(() => (this.seldom(6) ? "$" : this.id()));
    if (this.seldom(20)) ids.pop();
    const noise = this.seldom(20) ? [this.pick(["noack", "group", "other", "streams", "block"])] : [];
    return ["XREAD", ...this.count(), ...noise, this.word("streams"), ...keys, ...ids];
  }

  private readGroup(): Argument[] {
    const keys = this.seldom(4) ? this.some(2, () => this.key()) : [this.key()];
    const ids = keys.map(() => (this.seldom(4) ? this.id() : ">"));
    const noack = this.seldom(4) ? [this.word("noack")] : [];
    const name = this.seldom(30) ? [] : ["group", this.group(), this.consumer()];
    return ["XREADGROUP", ...name, ...this.count(), ...noack, "streams", ...keys, ...ids];
  }

  private claim(): Argument[] {
    const options: string[] = [];
    if (this.seldom(3)) options.push("force");
    if (this.seldom(3)) options.push("justid");
    if (this.seldom(3)) options.push(this.word("idle"), this.idle());
    if (this.seldom(4)) options.push("retrycount", this.number(9));
    if (this.seldom(5)) options.push("lastid", this.id());
    if (this.seldom(20)) options.push("time", this.pick(["1", "-1", "99999999999999", "x"]));
    if (this.seldom(25)) options.push(this.pick(["idle", "other", "5-5", "lastid"]));
    const ids = this.some(4, () => this.id());
    return ["XCLAIM", this.key(), this.group(), this.consumer(), this.minIdle(), ...ids, ...options];
  }

  private autoClaim(): Argument[] {
    const options = [
      ...this.count(),
      ...(this.seldom(3) ? ["justid"] : []),
      ...(this.seldom(30) ? ["x"] : []),
    ];
    return [
      "XAUTOCLAIM",
      this.key(),
      this.group(),
      this.consumer(),
      this.minIdle(),
      this.bound(),
      ...options,
    ];
  }

  private pending(): Argument[] {
    if (this.seldom(4)) return ["XPENDING", this.key(), this.group()];
    const idle = this.seldom(3) ? ["idle", this.pick(["0", "300000", "900000", "x", "-1"])] : [];
    const consumer = this.seldom(2) ? [this.consumer()] : [];
    const extra = this.seldom(20) ? this.some(4, () => this.id()) : [];
    return [
      "XPENDING",
      this.key(),
      this.group(),
      ...idle,
      this.bound(),
      this.bound(),
      this.number(5),
      ...consumer,
      ...extra,
    ];
  }

  private info(): Argument[] {
    const name = this.pick(["stream", "stream", "groups", "consumers", "STREAM", "none"]);
    if (name === "consumers") return ["XINFO", name, this.key(), this.group()];
    if (name === "groups" || this.seldom(2)) return ["XINFO", name, this.key()];
    const options = this.seldom(10)
      ? ["full", "other"]
      : this.seldom(2)
        ? ["full"]
        : ["full", "count", this.number(5)];
    return ["XINFO", name, this.key(), ...options];
  }

  private changeGroup(): Argument[] {
    const name = this.pick([
      "create",
      "create",
      "create",
      "create",
      "create",
      "setid",
      "setid",
      "createconsumer",
      "delconsumer",
      this.seldom(4) ? "destroy" : "create",
      "other",
    ]);
    const at = this.pick(["$", "0", "0", "0", this.id(), this.id(), "-"]);
    const read = this.seldom(4) ? ["entriesread", this.number(9)] : [];
    const consumer = name.endsWith("consumer") ? [this.consumer()] : [];
    const position = name === "create" || name === "setid" ? [at, ...read] : [];
    const makes = name === "create" && this.seldom(2) ? ["mkstream"] : [];
    const extra = this.seldom(30) ? [this.pick(["mkstream", "entriesread", "x"])] : [];
    return [
      "XGROUP",
      this.word(name),
      this.key(),
      this.group(),
      ...position,
      ...consumer,
      ...makes,
      ...extra,
    ];
  }

  private setId(): Argument[] {
    const added = this.seldom(2) ? ["entriesadded", this.number(99)] : [];
    const deleted = this.seldom(2) ? ["maxdeletedid", this.id()] : [];
    // Below what is deleted Redis itself loses its way.
    return ["XSETID", this.key(), this.seldom(3) ? this.id() : String(this.ms + 1), ...added, ...deleted];
  }

  private other(): Argument[] {
    const [from, to] = [this.pick(this.keys), this.pick(this.keys)];
    if (this.seldom(8)) return ["DEL", from];
    if (this.seldom(6)) return ["RENAME", from, to];
    return this.seldom(3) ? ["COPY", from, to, "replace"] : ["SET", this.pick(["plain", "none"]), "text"];
  }
}

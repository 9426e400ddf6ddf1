/**
 * Random commands over a handful of large values of every type, among small ones: what makes them, and every way to
 * change, replace or remove one, by single commands, in transactions, by scripts, and by time.
 *
 * What a snapshot has to write in parts is larger than 256 KB; what is made here is a little more than that.
 */
import type { Random } from "../../src/base/random.ts";

type Request = readonly string[];

const TYPES = ["list", "set", "hash", "sorted", "stream", "timed", "text"] as const;
type Kind = (typeof TYPES)[number];

/** Those of which an image takes more than one step. */
const LISTED_LONG: readonly Kind[] = ["timed", "sorted", "sorted"];

/** Keys of each type; key 0 is not made large. */
const KEYS = 3;
const ELEMENTS = 1400;
const ELEMENT_BYTES = 270;
/** A string is large from 512 KB on; one of more than 8 MB grows where it is. */
const TEXT_BYTES = 700_000;
const GROUP = "workers";
/** Changes the key that it is given, in a way that every type allows. */
const SCRIPT =
  "for i = 1, #KEYS do redis.call('PERSIST', KEYS[i]) redis.call('EXPIRE', KEYS[i], ARGV[1]) end return #KEYS";
/** Changes keys that it does not declare. */
export const UNDECLARED_SCRIPT =
  "for i = 1, #ARGV do redis.call('EXPIRE', ARGV[i], 100) end return redis.call('DBSIZE')";

/** All names that keys get. */
export const LARGE_NAMES: readonly Buffer[] = TYPES.flatMap((kind) =>
  Array.from({ length: KEYS }, (_, i) => Buffer.from(`${kind}:${i}`)),
);

export class LargeValueCommands {
  private readonly random: Random;
  private readonly databases: number;
  private made = 0;

  constructor(random: Random, databases: number) {
    this.random = random;
    this.databases = databases;
  }

  /** Makes most of the keys. */
  fill(): Request[] {
    const requests: Request[] = [];
    for (let db = 0; db < this.databases; db++) {
      requests.push(["SELECT", String(db)]);
      for (const kind of TYPES)
        for (let i = 0; i < KEYS; i++)
          if (this.random.below(2 + db) === 0) requests.push(...this.make(kind, i));
    }
    return requests;
  }

  /** What a client sends next, in one packet. */
  next(): Request[] {
    const { random } = this;
    switch (random.below(16)) {
      case 0:
      case 1:
      case 2:
        return [["MULTI"], ...this.several(), ["EXEC"]];
      case 3:
        return [["EVAL", SCRIPT, "2", this.any(), this.any(), "100"]];
      case 4:
        return [["MULTI"], ["SELECT", this.db()], ...this.several(), ["SWAPDB", "0", this.db()], ["EXEC"]];
      case 5:
        return [["SELECT", this.db()]];
      case 6:
        return random.below(3) === 0 ? this.make(this.kind(), 1 + random.below(KEYS - 1)) : [this.remove()];
      case 7:
        return random.below(4) === 0
          ? [["SWAPDB", "0", this.db()]]
          : [["EVAL", UNDECLARED_SCRIPT, "0", ...LISTED_LONG.map((kind) => this.key(kind)), this.any()]];
      case 8:
        return random.below(6) === 0 ? [["FLUSHDB", "ASYNC"]] : [this.replace()];
      default:
        return this.several();
    }
  }

  private several(): Request[] {
    return Array.from({ length: 1 + this.random.below(3) }, () => this.change());
  }

  private change(): Request {
    switch (this.random.below(12)) {
      case 0:
        return this.replace();
      case 1:
        return this.remove();
      case 2:
        return ["PEXPIRE", this.any(), String(1 + this.random.below(400))];
      case 3:
        return this.read();
      default:
        return this.edit();
    }
  }

  /** Reading may remove what is past its time. */
  private read(): Request {
    const field = this.element();
    switch (this.random.below(4)) {
      case 0:
        return ["HGET", this.key("timed"), field];
      case 1:
        return ["HMGET", this.key("timed"), field, this.element(), this.element()];
      case 2:
        return ["EXISTS", this.any(), this.any()];
      default:
        return ["HPTTL", this.key("timed"), "FIELDS", "1", field];
    }
  }

  private remove(): Request {
    switch (this.random.below(5)) {
      case 0:
        return ["DEL", this.any(), this.any()];
      case 1:
        return ["UNLINK", this.any()];
      case 2:
        return ["GETDEL", this.key("text")];
      case 3:
        return ["PEXPIREAT", this.any(), "1"];
      default:
        return ["LTRIM", this.key("list"), "1", "0"];
    }
  }

  /** A whole value takes the place of another. */
  private replace(): Request {
    const [from, to] = [this.any(), this.any()];
    switch (this.random.below(9)) {
      case 0:
        return ["SORT", this.key("list"), "ALPHA", "LIMIT", "0", "50", "STORE", to];
      case 1:
        return ["RENAME", from, to];
      case 2:
        return ["COPY", from, to, "REPLACE", ...(this.random.below(2) === 0 ? ["DB", this.db()] : [])];
      case 3:
        return ["MOVE", from, this.db()];
      case 4:
        return ["SET", to, "short"];
      case 5:
        return ["SUNIONSTORE", this.key("set"), this.key("set"), this.key("set")];
      case 6:
        return ["ZUNIONSTORE", this.key("sorted"), "2", this.key("sorted"), this.key("set")];
      case 7:
        return ["BITOP", "NOT", to, this.key("text")];
      default:
        return ["ZRANGESTORE", to, this.key("sorted"), "0", "100"];
    }
  }

  private edit(): Request {
    const kind = this.kind();
    const key = this.key(kind);
    const options = this.editsOf(kind, key);
    return options[this.random.below(options.length)];
  }

  private editsOf(kind: Kind, key: string): Request[] {
    const element = this.element();
    const other = this.element();
    switch (kind) {
      case "list":
        return [
          ["RPUSH", key, element],
          ["LPOP", key, "7"],
          ["LSET", key, "5", other],
          ["LREM", key, "1", element],
          ["LREM", key, "-3", other],
          ["RPOPLPUSH", key, key],
          ["LTRIM", key, "3", "-20"],
          ["LMOVE", key, this.key("list"), "LEFT", "RIGHT"],
          ["LINSERT", key, "BEFORE", element, other],
        ];
      case "set":
        return [
          ["SADD", key, element, "new"],
          ["SREM", key, element, other],
          ["SPOP", key, "5"],
          ["SMOVE", key, this.key("set"), element],
        ];
      case "hash":
        return [
          ["HSET", key, element, "changed"],
          ["HDEL", key, element, other],
          ["HINCRBY", key, "count", "3"],
        ];
      case "timed":
        return [
          ["HSET", key, element, "changed"],
          ["HPEXPIRE", key, "60", "FIELDS", "2", element, other],
          ["HPERSIST", key, "FIELDS", "1", element],
          ["HDEL", key, element],
        ];
      case "sorted":
        return [
          ["ZADD", key, "5", element],
          ["ZREM", key, element, other],
          ["ZPOPMIN", key, "3"],
          ["ZADD", key, "50.5", other, "-7", element, "1e9", `new ${other}`],
          ["ZREMRANGEBYRANK", key, "10", "60"],
          ["ZINCRBY", key, "17", element],
        ];
      case "stream":
        return [
          ["XADD", key, "*", "field", element],
          ["XADD", key, "MAXLEN", "~", "500", "*", "field", other],
          ["XREADGROUP", "GROUP", GROUP, "one", "COUNT", "20", "STREAMS", key, ">"],
          ["XACK", key, GROUP, ...Array.from({ length: 20 }, (_, i) => `${i + 1}-0`)],
          ["XCLAIM", key, GROUP, "two", "0", "30-0", "31-0"],
          ["XDEL", key, "40-0", ...Array.from({ length: 9 }, () => `${this.random.below(ELEMENTS)}-0`)],
          ["XTRIM", key, "MAXLEN", String(600 + this.random.below(400))],
          ["XGROUP", "DESTROY", key, GROUP],
          ["XGROUP", "CREATE", key, GROUP, "0"],
        ];
      case "text":
        return [
          ["APPEND", key, element],
          ["SETRANGE", key, String(this.random.below(TEXT_BYTES)), element],
          ["SETRANGE", key, String(TEXT_BYTES + this.random.below(200_000)), element],
          ["SETBIT", key, String(this.random.below(TEXT_BYTES * 8)), "1"],
          ["SETBIT", key, String(TEXT_BYTES * 8 - 1 - this.random.below(90)), String(this.random.below(2))],
          ["BITFIELD", key, "INCRBY", "u31", String(this.random.below(TEXT_BYTES * 8)), "9"],
          ["SET", key, element.repeat(2400), "KEEPTTL"],
          ["GETSET", key, element],
        ];
    }
  }

  /** A large value (number 0 is a small one); expiry and all are gone then. */
  private make(kind: Kind, number: number): Request[] {
    const key = `${kind}:${number}`;
    // Text costs the most, and needs the fewest.
    const count = number === 0 ? 5 : ELEMENTS + this.random.below(200);
    const elements = Array.from({ length: count }, (_, i) => elementOf(i));
    switch (kind) {
      case "list":
        return [
          ["DEL", key],
          ["RPUSH", key, ...elements],
        ];
      case "set":
        return [
          ["DEL", key],
          ["SADD", key, ...elements],
        ];
      case "hash":
        return [
          ["DEL", key],
          ["HSET", key, ...elements.flatMap((element, i) => [element, String(i)])],
        ];
      case "timed":
        return [
          ["DEL", key],
          ["HSET", key, ...elements.flatMap((element, i) => [element, String(i)])],
          ["HPEXPIRE", key, "300", "FIELDS", "40", ...elements.slice(0, 40)],
          ["HPEXPIRE", key, "100000", "FIELDS", String(count - 40), ...elements.slice(40)],
        ].slice(0, number === 0 ? 2 : 4);
      case "sorted":
        return [
          ["DEL", key],
          ["ZADD", key, ...elements.flatMap((element, i) => [String(i % 100), element])],
        ];
      case "stream":
        return this.makeStream(key, count);
      case "text": {
        const isLarge = number === 1 && this.made++ % 4 === 0;
        return [["SET", key, "x".repeat(isLarge ? TEXT_BYTES : 600_000 * number)]];
      }
    }
  }

  private makeStream(key: string, count: number): Request[] {
    return [
      ["DEL", key],
      ...Array.from({ length: count }, (_, i) => ["XADD", key, `${i + 1}-0`, "field", elementOf(i)]),
      ["XGROUP", "CREATE", key, GROUP, "0"],
      ["XREADGROUP", "GROUP", GROUP, "one", "COUNT", "700", "STREAMS", key, ">"],
      ["XREADGROUP", "GROUP", GROUP, "a second one", "COUNT", "400", "STREAMS", key, ">"],
    ];
  }

  private element(): string {
    return elementOf(this.random.below(ELEMENTS));
  }

  private any(): string {
    return this.key(this.kind());
  }

  private kind(): Kind {
    return TYPES[this.random.below(TYPES.length)];
  }

  private key(kind: Kind): string {
    return `${kind}:${this.random.below(KEYS)}`;
  }

  private db(): string {
    return String(this.random.below(this.databases));
  }
}

function elementOf(i: number): string {
  return `element ${i} `.padEnd(ELEMENT_BYTES, "x");
}

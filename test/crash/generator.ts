/**
 * Random commands over few keys, so that most of them meet: counters, collections of each type, plain values from empty
 * to several sectors of a disk, keys too long for a record key, all in a handful of databases.
 */
import type { Random } from "../../src/base/random.ts";

const COUNTERS = 6;
const PLAIN_KEYS = 40;
const LONG_KEYS = 3;
/** Keys of each type but strings. */
const COLLECTIONS = 4;
/** Longer than what a record key of the cold tier holds. */
const LONG_KEY_BYTES = 1100;

type Arguments = string[];

export class CommandGenerator {
  private readonly random: Random;
  private readonly databases: number;
  /** One command in this many empties databases. */
  private readonly flushOneIn: number;

  constructor(random: Random, databases: number, flushOneIn?: number) {
    this.random = random;
    this.databases = databases;
    this.flushOneIn = flushOneIn ?? 40 + random.below(400);
  }

  next(): Arguments {
    const { random } = this;
    if (random.below(this.flushOneIn) === 0) return this.flush();
    if (random.below(60) === 0) return ["SWAPDB", this.db(), this.db()];
    if (random.below(8) === 0) return ["SELECT", this.db()];
    if (random.below(4) === 0) return this.read();
    return random.below(3) === 0 ? this.collectionWrite() : this.write();
  }

  /** Changes of lists, sets, hashes and sorted sets: each type has keys of its own. */
  private collectionWrite(): Arguments {
    const { random } = this;
    const [list, set, hash, sorted] = ["list", "set", "hash", "sorted"].map(
      (type) => `${type}:${random.below(COLLECTIONS)}`,
    );
    const name = () => `name ${random.below(60)}`;
    switch (random.below(16)) {
      case 0:
      case 1:
        return ["RPUSH", list, ...Array.from({ length: 1 + random.below(4) }, () => this.value())];
      case 2:
        return ["LPUSH", list, this.value(), this.value()];
      case 3:
        return [random.below(2) === 0 ? "LPOP" : "RPOP", list];
      case 4:
        return ["LTRIM", list, String(random.below(3)), String(random.below(40))];
      case 5:
      case 6:
        return ["SADD", set, ...Array.from({ length: 1 + random.below(6) }, () => this.member())];
      case 7:
        return ["SREM", set, this.member(), this.member()];
      case 8:
        return ["HSET", hash, name(), this.value(), name(), this.value()];
      case 9:
        return ["HINCRBY", hash, `count ${random.below(5)}`, String(random.below(100))];
      case 10:
        return ["HDEL", hash, name(), `count ${random.below(5)}`];
      case 11:
      case 12:
        return [
          "ZADD",
          sorted,
          String(random.below(50)),
          this.member(),
          String(random.below(50)),
          this.member(),
        ];
      case 13:
        return ["ZINCRBY", sorted, String(random.below(9) - 4), this.member()];
      case 14:
        return ["ZREM", sorted, this.member()];
      default:
        return this.collectionMove([list, set, hash, sorted][random.below(4)]);
    }
  }

  /** What is done to a key of any type. */
  private collectionMove(key: string): Arguments {
    const { random } = this;
    const other = key.replace(/\d+$/, String(random.below(COLLECTIONS)));
    switch (random.below(6)) {
      case 0:
        return ["RENAME", key, other];
      case 1:
        return ["COPY", key, other, ...this.copyOptions()];
      case 2:
        return ["MOVE", key, this.db()];
      case 3:
        return ["PEXPIRE", key, String(random.below(3000))];
      case 4:
        return ["PERSIST", key];
      default:
        return ["DEL", key];
    }
  }

  /** Few, so that they meet; integers, so that some sets are intsets, and such as are too long for a listpack. */
  private member(): string {
    const member = this.random.below(80);
    return member < 70 ? String(member) : `${member} `.repeat(member % 10 === 0 ? 300 : 10);
  }

  private write(): Arguments {
    const { random } = this;
    const key = this.key();
    switch (random.below(20)) {
      case 0:
      case 1:
      case 2:
        return ["INCR", this.counter()];
      case 3:
        return ["INCRBY", this.counter(), String(random.below(1000) - 500)];
      case 4:
        return ["APPEND", key, this.value()];
      case 5:
        return ["SETRANGE", key, String(random.below(300)), this.value().slice(0, random.below(40))];
      case 6:
        return ["DEL", ...Array.from({ length: 1 + random.below(3) }, () => this.key())];
      case 7:
        return ["GETSET", key, this.value()];
      case 8:
        return ["EXPIRE", key, String(random.below(8))];
      case 9:
        return ["PEXPIRE", key, String(random.below(3000) - 50)];
      case 10:
        return ["PERSIST", key];
      case 11:
        return [random.below(3) === 0 ? "RENAMENX" : "RENAME", key, this.key()];
      case 12:
        return ["COPY", key, this.key(), ...this.copyOptions()];
      case 13:
        return ["MOVE", key, this.db()];
      case 14:
        return [random.below(3) === 0 ? "MSETNX" : "MSET", ...this.pairs()];
      case 15:
        return ["GETDEL", key];
      default:
        return ["SET", key, this.value(), ...this.setOptions()];
    }
  }

  private read(): Arguments {
    const { random } = this;
    switch (random.below(8)) {
      case 0:
        return ["MGET", ...Array.from({ length: 1 + random.below(8) }, () => this.key())];
      case 1:
        return ["STRLEN", this.key()];
      case 2:
        return ["EXISTS", this.key(), this.key()];
      case 3:
        return ["DBSIZE"];
      case 4:
        return ["PEXPIRETIME", this.key()];
      case 5:
        return ["SCAN", "0", "COUNT", String(1 + random.below(100))];
      case 6:
        return ["RANDOMKEY"];
      default:
        return ["GET", this.key()];
    }
  }

  private flush(): Arguments {
    const mode = this.random.below(2) === 0 ? ["ASYNC"] : [];
    return [this.random.below(4) === 0 ? "FLUSHALL" : "FLUSHDB", ...mode];
  }

  private db(): string {
    return String(this.random.below(this.databases));
  }

  private counter(): string {
    return `counter:${this.random.below(COUNTERS)}`;
  }

  private key(): string {
    const choice = this.random.below(20);
    if (choice < 2) return this.counter();
    if (choice === 2) return `long:${this.random.below(LONG_KEYS)}`.padEnd(LONG_KEY_BYTES, ".");
    return `key:${this.random.below(PLAIN_KEYS)}`;
  }

  private value(): string {
    const { random } = this;
    switch (random.below(8)) {
      case 0:
        return "";
      case 1:
        return String(random.below(100_000));
      case 2:
        return random.bytes(1 + random.below(2500)).toString("latin1");
      case 3:
        return "ab".repeat(1 + random.below(400));
      default:
        return random.bytes(1 + random.below(200)).toString("latin1");
    }
  }

  private pairs(): string[] {
    const pairs: string[] = [];
    for (let count = 1 + this.random.below(5); count > 0; count--) pairs.push(this.key(), this.value());
    return pairs;
  }

  private setOptions(): string[] {
    switch (this.random.below(8)) {
      case 0:
        return ["PX", String(1 + this.random.below(4000))];
      case 1:
        return ["KEEPTTL"];
      case 2:
        return ["NX"];
      case 3:
        return ["XX"];
      default:
        return [];
    }
  }

  private copyOptions(): string[] {
    const options: string[] = [];
    if (this.random.below(2) === 0) options.push("DB", this.db());
    if (this.random.below(2) === 0) options.push("REPLACE");
    return options;
  }
}

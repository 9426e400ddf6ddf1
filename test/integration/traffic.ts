/**
 * Random commands as whole applications send them: strings, bitmaps and keys in three databases, wide enough that most
 * keys do not fit in a small memory, HyperLogLogs, and commands about the connection and the server. Deterministic for
 * a seed.
 *
 * Left out is what two servers cannot answer alike: whole scans (compared separately, as sets), and anything whose
 * reply depends on the moment within a second. HyperLogLogs have keys of their own, so that no other command damages
 * them: what stock Redis leaves of a damaged one is not to be followed.
 */
import type { Random } from "../../src/base/random.ts";
import { BitmapCommandGenerator } from "../commands/bitmaps/generator.ts";
import { HyperLogLogCommandGenerator } from "../commands/hyperloglog/generator.ts";
import { KeyCommandGenerator } from "../commands/keys/generator.ts";
import { StringCommandGenerator } from "../commands/strings/generator.ts";
import type { Argument } from "../support/command-harness.ts";
import { plainDump } from "../support/dump-payloads.ts";

export interface TrafficOptions {
  /** How many different keys the commands spread over. */
  readonly keys: number;
  /** Longest of the plain values. */
  readonly valueBytes: number;
  /** Begins all names of keys, so that several streams can run at a time. */
  readonly prefix: string;
  /** Also commands that reach other databases or change the connection's state. */
  readonly everything: boolean;
}

/** Of so many commands that empty a database only one is sent: there would be no data left to lie on disk. */
const KEPT_FLUSHES = 25;
/** LCS of two long values takes longer than all other commands together. */
const KEPT_LCS = 8;
const FLUSH = /^flush/i;
const LCS = /^lcs$/i;
/** One key in so many is that of a HyperLogLog: dense, they are larger than most values. */
const KEYS_PER_HYPERLOGLOG = 15;
const SET = /^set$/i;
const AT = /^[ep]xat$/i;
const PAST = /^(1|5000|33000000000)$/;

const ABOUT_CONNECTIONS = `PING|ping message|PING a b|ECHO x|ECHO|SELECT x|SELECT 16|SELECT -1
CLIENT GETNAME|CLIENT SETNAME fine|client setname other|CLIENT SETNAME a b|CLIENT ID|CLIENT ID x|CLIENT INFO|CLIENT LIST
CLIENT NO-EVICT on|CLIENT NO-EVICT maybe|CLIENT REPLY maybe|CLIENT REPLY ON|CLIENT LIST TYPE nothing|CLIENT LIST ID x
CLIENT KILL ID 99999999|CLIENT KILL nobody:1|CLIENT KILL TYPE nothing|CLIENT KILL USER nobody|CLIENT KILL x y|CLIENT nothing
AUTH x|AUTH default x|AUTH a b c|HELLO 2|HELLO 3|HELLO 3 SETNAME me|HELLO x|HELLO 4|HELLO 2 AUTH a|HELLO|RESET|RESET x
TIME|TIME x|COMMAND COUNT x|COMMAND INFO get|COMMAND INFO nothing|COMMAND GETKEYS set k v|COMMAND GETKEYS get|command nothing
COMMAND GETKEYS mset a 1 b 2|COMMAND GETKEYS bitop and t a b|COMMAND LIST x|CONFIG GET maxmemory-samples|CONFIG SET maxmemory-samples 7|CONFIG SET nothing 1
CONFIG SET maxmemory-samples x|CONFIG GET|config nothing|CONFIG SET maxmemory-policy nothing|CONFIG GET list-max-ziplist-size
CONFIG SET maxmemory-samples 5 maxmemory-samples 6|CONFIG SET hash-max-listpack-entries 100|CONFIG GET hash-max-listpack-entries
SHUTDOWN x|SHUTDOWN ABORT|FLUSHALL x|FLUSHDB SYNC ASYNC|SWAPDB x 1|SWAPDB 1 16|nothing|nothing a b|GET|SET a|MSET a|DBSIZE x
OBJECT|OBJECT nothing x|OBJECT ENCODING|SCAN|SCAN x|SCAN 0 COUNT x|SCAN 0 COUNT 0|SCAN 0 MATCH|SCAN 0 x y|KEYS|RANDOMKEY x
INFO a|INFO nothing nobody|BGREWRITEAOF x|TYPE|SELECT`
  .split(/[|\n]/)
  .map((line) => line.split(" "));

export class Traffic {
  private readonly random: Random;
  private readonly options: TrafficOptions;
  private readonly strings: StringCommandGenerator;
  private readonly bitmaps: BitmapCommandGenerator;
  private readonly keys: KeyCommandGenerator;
  private readonly hyperloglogs: HyperLogLogCommandGenerator;

  constructor(random: Random, options: TrafficOptions) {
    this.random = random;
    this.options = options;
    this.strings = new StringCommandGenerator(random);
    this.bitmaps = new BitmapCommandGenerator(random);
    this.keys = new KeyCommandGenerator(random, options.everything);
    this.hyperloglogs = new HyperLogLogCommandGenerator(random);
  }

  next(): Argument[] {
    for (;;) {
      const request = this.any();
      const name = String(request[0]);
      if (FLUSH.test(name) && (!this.options.everything || this.random.below(KEPT_FLUSHES) > 0)) continue;
      if (LCS.test(name) && this.random.below(KEPT_LCS) > 0) continue;
      // Redis keeps such a key until it looks at it again, and counts it in DBSIZE meanwhile.
      if (
        SET.test(name) &&
        request.some((arg, i) => AT.test(String(arg)) && PAST.test(String(request[i + 1])))
      )
        continue;
      return request;
    }
  }

  /** One plain value under each key, so that there is something to begin with. */
  fill(): Argument[][] {
    return Array.from({ length: this.options.keys }, (_, i) => ["SET", this.nameOf(i), this.value()]);
  }

  private any(): Argument[] {
    const { random } = this;
    const kind = random.below(23);
    if (kind < 7) return this.spread(this.strings.next(), this.strings.keys);
    if (kind >= 20) return this.spread(this.bitmaps.next(), this.bitmaps.keys);
    if (kind < 12) return this.spread(this.keys.next(), this.keys.keys);
    if (kind < 14) return ["SET", this.key(), this.value()];
    if (kind < 16) return ["GET", this.key()];
    if (kind === 16) return ["MGET", ...Array.from({ length: 1 + random.below(20) }, () => this.key())];
    if (kind === 17) return this.about();
    if (kind > 19) return this.aboutHyperLogLogs();
    if (kind === 18) return [this.pick(["STRLEN", "EXISTS", "TTL", "TYPE", "INCR", "DEL"]), this.key()];
    if (!this.options.everything) return ["APPEND", this.key(), "and more"];
    return this.pick(ABOUT_CONNECTIONS);
  }

  private about(): Argument[] {
    const key = this.key();
    const subcommands = ["ENCODING", "FREQ", "IDLETIME", "REFCOUNT", "encoding"];
    return this.pick<Argument[]>([
      ["OBJECT", this.pick(subcommands), key],
      ["KEYS", `${key.slice(0, -1)}*`],
      ["DUMP", key],
      ["RESTORE", key, "0", plainDump(this.value()), this.pick(["REPLACE", "ABSTTL", "freq"])],
      this.options.everything ? ["RANDOMKEY"] : ["GETDEL", key],
      this.options.everything ? ["DBSIZE"] : ["STRLEN", key],
    ]);
  }

  private aboutHyperLogLogs(): Argument[] {
    const [key, other] = [this.hyperloglog(), this.hyperloglog()];
    switch (this.random.below(12)) {
      case 0:
        return ["PFCOUNT", key, other, this.hyperloglog()];
      case 1:
        return ["PFMERGE", key, other, this.hyperloglog()];
      case 2:
        return ["PFCOUNT", key];
      case 3:
        return ["PFCOUNT", this.key(), key];
      case 4:
        return ["PFADD", key, ...Array.from({ length: this.random.below(1500) }, (_, i) => `${key}${i}`)];
      case 5:
        return this.pick([
          ["DEL", key],
          ["RENAME", key, other],
          ["COPY", key, other, "REPLACE"],
          ["EXPIRE", key, "1000000"],
        ]);
      default:
        return this.hyperloglogs
          .next()
          .map((arg, i) =>
            i > 0 && this.hyperloglogs.keys.includes(String(arg)) ? this.hyperloglog() : arg,
          );
    }
  }

  private hyperloglog(): string {
    const count = Math.ceil(this.options.keys / KEYS_PER_HYPERLOGLOG);
    return `${this.options.prefix}hyperloglog:${this.random.below(count)}`;
  }

  /** The command with its few keys replaced by some of the many; now and then as it is. */
  private spread(request: Argument[], keys: readonly string[]): Argument[] {
    if (this.options.everything && this.random.below(10) === 0) return request;
    return request.map((arg, i) => (i > 0 && keys.includes(String(arg)) ? this.key() : arg));
  }

  private key(): string {
    const { random } = this;
    // Some keys are popular, and some do not exist.
    return this.nameOf(random.below(random.below(4) === 0 ? 10 : this.options.keys + 20));
  }

  private nameOf(i: number): string {
    return i === 7 ? `${this.options.prefix}${"long key ".repeat(200)}` : `${this.options.prefix}key:${i}`;
  }

  private value(): string | Uint8Array {
    const { random } = this;
    if (random.below(10) === 0) return String(random.below(100_000));
    const length = random.below(this.options.valueBytes);
    // Half of it cannot be compressed.
    return Buffer.concat([random.bytes(length >> 1), Buffer.alloc(length - (length >> 1), "compressible ")]);
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)];
  }
}

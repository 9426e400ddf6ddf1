/**
 * The real Redis and tsredis side by side: sends both the same requests over sockets and compares what they answer,
 * and what they hold.
 */
import type { Random } from "../../src/base/random.ts";
import type { Argument } from "../support/command-harness.ts";
import { areSameDumps } from "../support/dump-payloads.ts";
import { RawClient } from "../support/raw-client.ts";

/** Relative expiries begin at two clocks read at different moments; no test asks for times this close together. */
const CLOCK_TOLERANCE_MS = 60_000;
const SHOWN_BYTES = 100;
const SHOWN_COMMANDS = 12;
const DATABASES = [0, 1, 2];
const TIME_REPLY = /^\*2\r\n\$10\r\n\d{10}\r\n\$\d\r\n\d+\r\n$/;
const ERROR_SIGN = 0x2d;
/** Keys read per pipeline when all contents are compared. */
const KEYS_PER_READ = 100;

export class Pair {
  readonly redis: RawClient;
  readonly own: RawClient;
  /** False if only one of the servers was restarted since the data was written: its values are encoded anew. */
  private readonly comparesEncodings: boolean;

  private constructor(redis: RawClient, own: RawClient, comparesEncodings: boolean) {
    this.redis = redis;
    this.own = own;
    this.comparesEncodings = comparesEncodings;
  }

  static async connect(redisPort: number, ownPort: number, comparesEncodings = true): Promise<Pair> {
    return new Pair(await RawClient.connect(redisPort), await RawClient.connect(ownPort), comparesEncodings);
  }

  close(): void {
    this.redis.close();
    this.own.close();
  }

  /** Sends the requests to both as one pipeline, in pieces cut at random; throws at the first reply that differs. */
  async compare(requests: readonly (readonly Argument[])[], random: Random, label: string): Promise<void> {
    const [expected, actual] = await Promise.all(
      [this.redis, this.own].map((client) => client.runAll(requests, (bytes) => cut(bytes, random))),
    );
    for (const [i, request] of requests.entries()) {
      if (isSameReply(request, expected[i], actual[i])) continue;
      if (!this.comparesEncodings && isAboutEncoding(request)) {
        if (expected[i][0] === actual[i][0] && expected[i][0] !== ERROR_SIGN) continue;
      }
      const before = requests.slice(Math.max(0, i - SHOWN_COMMANDS), i + 1).map(show);
      throw new Error(
        `${label}, command ${i}:\n${before.join("\n")}\nRedis:   ${shown(expected[i])}\ntsredis: ${shown(actual[i])}`,
      );
    }
  }

  /** Throws unless both have the same keys, as KEYS, DBSIZE, RANDOMKEY and whole scans tell. Ends in database 0. */
  async compareKeys(random: Random, label: string): Promise<void> {
    for (const database of DATABASES) {
      const place = `${label}, database ${database}`;
      const [expected, actual] = await Promise.all(
        [this.redis, this.own].map((client) => keysOf(client, database)),
      );
      assertSameList(expected, actual, `${place}, KEYS`);
      assertSameList(expected, await scan(this.own, 1 + random.below(500)), `${place}, SCAN`);
      const questions: Argument[][] = [["DBSIZE"], ["RANDOMKEY"], ["RANDOMKEY"], ["RANDOMKEY"]];
      const [size, ...picked] = await this.own.runAll(questions);
      if (size.toString() !== `:${expected.length}\r\n`) {
        throw new Error(`${place}: DBSIZE is ${size.toString()}, there are ${expected.length} keys`);
      }
      const known = new Set(expected);
      for (const reply of picked) {
        const key = bulks(reply)[0];
        if (key === undefined ? known.size > 0 : !known.has(key)) {
          throw new Error(`${place}: RANDOMKEY answers ${shown(reply)}`);
        }
      }
    }
    await Promise.all([this.redis.run("SELECT", 0), this.own.run("SELECT", 0)]);
  }

  /** Throws unless both hold the same keys with the same values, expiries and encodings. Resolves to their number. */
  async compareContents(random: Random, label: string): Promise<number> {
    await this.compareKeys(random, label);
    let count = 0;
    for (const database of DATABASES) {
      const [keys] = await Promise.all([keysOf(this.redis, database), this.own.run("SELECT", database)]);
      for (let i = 0; i < keys.length; i += KEYS_PER_READ) {
        const questions = keys.slice(i, i + KEYS_PER_READ).flatMap((key): Argument[][] => {
          const bytes = Buffer.from(key, "latin1");
          return [
            ["GET", bytes],
            ["PEXPIRETIME", bytes],
            ["OBJECT", "ENCODING", bytes],
          ];
        });
        await this.compare(questions, random, `${label}, database ${database}`);
      }
      count += keys.length;
    }
    await Promise.all([this.redis.run("SELECT", 0), this.own.run("SELECT", 0)]);
    return count;
  }
}

/** The bytes in a few pieces, as networks deliver them. */
export function cut(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  let start = 0;
  while (start < bytes.length) {
    // Sometimes a few bytes, so that headers and line ends are split as well.
    const length = 1 + random.below(random.below(4) === 0 ? 20 : 40_000);
    pieces.push(bytes.subarray(start, start + length));
    start += length;
  }
  return pieces;
}

/** All keys that SCAN returns, each once, sorted. */
export async function scan(client: RawClient, count: number, ...options: string[]): Promise<string[]> {
  const found = new Set<string>();
  let cursor = "0";
  do {
    const [next, ...keys] = bulks(await client.run("SCAN", cursor, "COUNT", count, ...options));
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== "0");
  return [...found].sort();
}

/** The bulk strings of a reply, nested or not, as text with one character per byte. */
export function bulks(reply: Buffer): string[] {
  const found: string[] = [];
  for (let position = 0; position < reply.length; ) {
    const end = reply.indexOf("\r\n", position);
    const length = Number(reply.toString("latin1", position + 1, end));
    const isBulk = reply[position] === 0x24 && length >= 0;
    if (isBulk) found.push(reply.toString("latin1", end + 2, end + 2 + length));
    position = end + 2 + (isBulk ? length + 2 : 0);
  }
  return found;
}

async function keysOf(client: RawClient, database: number): Promise<string[]> {
  const [, reply] = await client.runAll([
    ["SELECT", database],
    ["KEYS", "*"],
  ]);
  return bulks(reply).sort();
}

function assertSameList(expected: readonly string[], actual: readonly string[], label: string): void {
  if (expected.length === actual.length && expected.every((key, i) => key === actual[i])) return;
  const [known, found] = [new Set(expected), new Set(actual)];
  const firstFew = (keys: readonly string[]) => keys.slice(0, 5).map(shownText).join(" ");
  const missing = firstFew(expected.filter((key) => !found.has(key)));
  const extra = firstFew(actual.filter((key) => !known.has(key)));
  const sizes = `${expected.length} keys in Redis, ${actual.length} here`;
  throw new Error(`${label}: ${sizes}; missing: ${missing}; extra: ${extra}`);
}

function isSameReply(request: readonly Argument[], expected: Buffer, actual: Buffer): boolean {
  if (expected.equals(actual)) return true;
  const [first, second] = [expected, actual].map((reply) => reply.toString("latin1"));
  const name = String(request[0]).toLowerCase();
  // Errors are the same for everybody.
  if (first.startsWith("-") || second.startsWith("-")) return false;
  switch (name) {
    case "ttl":
    case "expiretime":
      return areSameTimes(first, second, 1000);
    case "pttl":
    case "pexpiretime":
      return areSameTimes(first, second, 1);
    case "keys":
      return sameSorted(bulks(expected), bulks(actual)) && first.split("\r\n")[0] === second.split("\r\n")[0];
    case "randomkey":
      // compareKeys looks at what it is; here only whether there is one.
      return first[0] === "$" && second[0] === "$" && (first[1] === "-") === (second[1] === "-");
    case "object":
      return /^idletime$/i.test(String(request[1])) && /^:\d+\r\n$/.test(first) && /^:\d+\r\n$/.test(second);
    case "dump":
      return areSameDumps(expected, actual);
    case "time":
      return TIME_REPLY.test(first) && TIME_REPLY.test(second);
    case "hello":
      return withoutIdentity(first) === withoutIdentity(second);
    case "client":
      return describesSameClients(String(request[1]).toLowerCase(), first, second);
    default:
      return false;
  }
}

/** Also REFCOUNT: Redis shares small integers, and only what is encoded as an integer. */
function isAboutEncoding([name, subcommand]: readonly Argument[]): boolean {
  return /^object$/i.test(String(name)) && /^(encoding|refcount)$/i.test(String(subcommand));
}

function areSameTimes(first: string, second: string, unitMs: number): boolean {
  // Redis keeps times beyond 2^53 milliseconds, which a double cannot; here they are cut off.
  const limit = Number.MAX_SAFE_INTEGER / unitMs - 2 * Date.now();
  const times = [first, second].map((reply) => Math.min(Number(reply.slice(1)), limit));
  return times[0] > 0 && times[1] > 0 && Math.abs(times[0] - times[1]) * unitMs < CLOCK_TOLERANCE_MS;
}

function withoutIdentity(reply: string): string {
  return reply.replace(/\$\d+\r\n\d+\.\d+\.\d+/, "version").replace(/id\r\n:\d+/, "id");
}

/** What a client looks like apart from addresses, ids, ages and sizes, which differ. */
function describesSameClients(subcommand: string, first: string, second: string): boolean {
  if (subcommand === "id") return /^:\d+\r\n$/.test(first) && /^:\d+\r\n$/.test(second);
  if (subcommand !== "info" && subcommand !== "list") return false;
  const lines = [first, second].map((reply) =>
    reply
      .split("\n")
      .filter((line) => line.includes("cmd=client"))
      .map((line) => line.match(/ (name|db|sub|multi|user|resp|cmd)=\S*/g)!.join(""))
      .filter((line) => line.includes(`cmd=client|${subcommand}`))
      .sort(),
  );
  return lines[0].length > 0 && sameSorted(lines[0], lines[1]);
}

function sameSorted(first: string[], second: string[]): boolean {
  const [a, b] = [first, second].map((list) => [...list].sort().join("\n"));
  return a === b;
}

function show(request: readonly Argument[]): string {
  return request
    .map((arg) => shown(typeof arg === "number" ? Buffer.from(String(arg)) : Buffer.from(arg)))
    .join(" ");
}

function shownText(key: string): string {
  return shown(Buffer.from(key, "latin1"));
}

function shown(bytes: Buffer): string {
  const text = JSON.stringify(bytes.toString("latin1", 0, SHOWN_BYTES));
  return bytes.length > SHOWN_BYTES ? `${text}... (${bytes.length} bytes)` : text;
}

/**
 * Runs the same commands on a real Redis and on a harness, and tells where they differ: in the bytes of a reply, in
 * what the strings hold at the end, or in what was propagated.
 */
import { encodingName, STRING } from "../../src/types/string/string-value.ts";
import type { Argument, CommandHarness } from "./command-harness.ts";
import type { RawClient } from "./raw-client.ts";

/** Relative expiries begin at two clocks read at different moments; no test asks for times this close together. */
const CLOCK_TOLERANCE_MS = 60_000;
const SHOWN_BYTES = 300;
const SHOWN_COMMANDS = 12;
const RESTORE = /^restore/i;

/** Whether two replies to a request, that of Redis first, mean the same. */
export type ReplyComparison = (request: readonly Argument[], expected: Buffer, actual: Buffer) => boolean;

const areSameBytes: ReplyComparison = (_request, expected, actual) => actual.equals(expected);

/** Throws at the first reply that differs, with the commands up to there. `label` should hold the seed. */
export async function compareReplies(
  redis: Pick<RawClient, "runAll">,
  harness: CommandHarness,
  requests: readonly (readonly Argument[])[],
  label: string,
  areSame = areSameBytes,
): Promise<void> {
  const expected = await redis.runAll(requests);
  for (const [i, request] of requests.entries()) {
    const actual = harness.run(...request);
    if (areSame(request, expected[i], actual)) continue;
    const before = requests.slice(Math.max(0, i - SHOWN_COMMANDS), i + 1).map(show);
    throw new Error(
      `${label}, command ${i}:\n${before.join("\n")}\nRedis:   ${shown(expected[i])}\ntsredis: ${shown(actual)}`,
    );
  }
}

/** Throws if a key holds another string, has another encoding or another expiry, or is missing in one of them. */
export async function compareStrings(
  redis: RawClient,
  harness: CommandHarness,
  keys: readonly string[],
  label: string,
): Promise<void> {
  const { entries } = harness.keyspace;
  for (const key of keys) {
    const bytes = Buffer.from(key);
    const address = harness.db.peek(bytes, 0, bytes.length);
    const type = await redis.text("TYPE", key);
    if (address === 0 || entries.type(address) !== STRING) {
      const isString = type === "+string\r\n";
      if (isString || (address === 0) !== (type === "+none\r\n"))
        throw new Error(`${label}: ${key} is ${type}`);
      continue;
    }
    const value = Buffer.concat([
      Buffer.from(`$${entries.valueLength(address)}\r\n`),
      entries.value(address),
      Buffer.from("\r\n"),
    ]);
    const redisValue = await redis.run("GET", key);
    if (!value.equals(redisValue)) {
      throw new Error(`${label}: ${key} is ${shown(redisValue)} in Redis, ${shown(value)} here`);
    }
    const encoding = encodingName(entries.encoding(address));
    const redisEncoding = (await redis.text("OBJECT", "ENCODING", key)).split("\r\n")[1];
    if (encoding !== redisEncoding)
      throw new Error(`${label}: ${key} is ${redisEncoding} in Redis, ${encoding} here`);
    const expireMs = entries.expireMs(address) === 0 ? -1 : entries.expireMs(address);
    const redisExpireMs = Number((await redis.text("PEXPIRETIME", key)).slice(1));
    if (!areSameTimes(expireMs, redisExpireMs)) {
      throw new Error(`${label}: ${key} expires at ${redisExpireMs} in Redis, ${expireMs} here`);
    }
  }
}

/** Throws where two logs of propagated commands differ, but for the moments of relative expiries. */
export function comparePropagated(
  expected: readonly Buffer[][],
  actual: readonly Buffer[][],
  label: string,
): void {
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    if (areSameCommands(expected[i], actual[i])) continue;
    throw new Error(
      `${label}, propagated command ${i}:\nRedis:   ${show(expected[i] ?? [])}\ntsredis: ${show(actual[i] ?? [])}`,
    );
  }
}

/** The commands in an append-only file without annotations. */
export function parseCommands(log: Buffer): Buffer[][] {
  const commands: Buffer[][] = [];
  let position = 0;
  const header = (): number => {
    const end = log.indexOf("\r\n", position);
    const value = Number(log.toString("latin1", position + 1, end));
    position = end + 2;
    return value;
  };
  while (position < log.length) {
    const args: Buffer[] = [];
    for (let remaining = header(); remaining > 0; remaining--) {
      const length = header();
      args.push(log.subarray(position, position + length));
      position += length + 2;
    }
    commands.push(args);
  }
  return commands;
}

function areSameCommands(expected: Buffer[] | undefined, actual: Buffer[] | undefined): boolean {
  if (expected === undefined || actual === undefined || expected.length !== actual.length) return false;
  const last = expected.length - 1;
  const hasTimeAtTwo =
    isWord(expected[0], "PEXPIREAT") ||
    (RESTORE.test(String(expected[0])) && isWord(expected[last], "ABSTTL"));
  const timeAt = hasTimeAtTwo ? 2 : last > 0 && isWord(expected[last - 1], "PXAT") ? last : -1;
  return expected.every((arg, i) => {
    if (arg.equals(actual[i])) return true;
    return i === timeAt && areSameTimes(Number(arg.toString()), Number(actual[i].toString()));
  });
}

function isWord(arg: Buffer, word: string): boolean {
  return arg.toString("latin1") === word;
}

function areSameTimes(first: number, second: number): boolean {
  // Redis keeps times beyond 2^53, which a double cannot; here they are cut off.
  const limit = Number.MAX_SAFE_INTEGER;
  return (
    first === second ||
    (first > 0 && Math.abs(Math.min(first, limit) - Math.min(second, limit)) < CLOCK_TOLERANCE_MS)
  );
}

function show(request: readonly Argument[]): string {
  return request
    .map((arg) => shown(typeof arg === "number" ? Buffer.from(String(arg)) : Buffer.from(arg)))
    .join(" ");
}

function shown(bytes: Buffer): string {
  const text = JSON.stringify(bytes.toString("latin1", 0, SHOWN_BYTES));
  return bytes.length > SHOWN_BYTES ? `${text}... (${bytes.length} bytes)` : text;
}

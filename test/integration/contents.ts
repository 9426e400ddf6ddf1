/**
 * All that a server holds, as text that can be compared: one line for each key.
 */
import type { Argument } from "../support/command-harness.ts";
import { plainDump } from "../support/dump-payloads.ts";
import { RawClient } from "../support/raw-client.ts";
import { bulks } from "./pair.ts";
import { collectionRequests } from "./sample-collections.ts";

const DATABASES = 16;
const KEYS_PER_READ = 100;

/** Database, key, expiry in milliseconds, type, encoding and value of every key, sorted. */
export async function contentsOf(port: number): Promise<string[]> {
  const client = await RawClient.connect(port);
  const lines: string[] = [];
  for (let database = 0; database < DATABASES; database++) {
    await client.run("SELECT", database);
    const keys = bulks(await client.run("KEYS", "*"));
    for (let i = 0; i < keys.length; i += KEYS_PER_READ) {
      const part = keys.slice(i, i + KEYS_PER_READ).map((key) => Buffer.from(key, "latin1"));
      const types = await client.runAll(part.map((key) => ["TYPE", key]));
      const readers = types.map((reply) => READERS[reply.toString("latin1", 1, reply.length - 2)]);
      const requests = part.flatMap((key, k): Argument[][] => [
        ["PEXPIRETIME", key],
        ["OBJECT", "ENCODING", key],
        readers[k].request(key),
      ]);
      const replies = await client.runAll(requests);
      for (const [k, key] of part.entries()) {
        const [expiry, encoding] = replies.slice(k * 3, k * 3 + 2).map((reply) => reply.toString("latin1"));
        const value = readers[k].text(replies[k * 3 + 2]);
        lines.push(`${database} ${key.toString("latin1")}: ${expiry} ${encoding} ${value}`);
      }
    }
  }
  client.close();
  return lines.sort();
}

interface Reader {
  /** Asks for the whole value. */
  request(key: Buffer): Argument[];
  /** The answer as text that is the same for the same value. */
  text(reply: Buffer): string;
}

/** How values of each type are read, by what TYPE answers. */
const READERS: Readonly<Record<string, Reader>> = {
  string: { request: (key) => ["GET", key], text: (reply) => reply.toString("latin1") },
  list: { request: (key) => ["LRANGE", key, 0, -1], text: (reply) => reply.toString("latin1") },
  set: { request: (key) => ["SMEMBERS", key], text: (reply) => bulks(reply).sort().join(" ") },
  zset: {
    request: (key) => ["ZRANGE", key, 0, -1, "WITHSCORES"],
    text: (reply) => reply.toString("latin1"),
  },
  stream: { request: (key) => ["XINFO", "STREAM", key, "FULL", "COUNT", 0], text: streamText },
  hash: { request: (key) => ["HGETALL", key], text: (reply) => pairs(bulks(reply)).sort().join(" ") },
};

/** Without what tells how the stream lies in memory, when its consumers were there last, and that since Redis 7.2 this
 * is two times. */
function streamText(reply: Buffer): string {
  return reply
    .toString("latin1")
    .replace(/\*10(\r\n\$4\r\nname\r\n)/g, "*8$1")
    .replace(/\$11\r\nactive-time\r\n:-?\d+\r\n/g, "")
    .replace(/(radix-tree-(keys|nodes)|seen-time)\r\n:\d+/g, "");
}

function pairs(parts: readonly string[]): string[] {
  return parts.flatMap((part, i) => (i % 2 === 0 ? [`${part}=${parts[i + 1]}`] : []));
}

/** Values of every type, encoding and size, with and without expiry, in several databases. */
export function sampleRequests(): Argument[][] {
  return [...stringRequests(), ...collectionRequests()];
}

/** Strings of every encoding and size, with and without expiry, in several databases. */
function stringRequests(): Argument[][] {
  const farMs = Date.now() + 86_400_000;
  const everything = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const requests: Argument[][] = [];
  for (const database of [0, 3, 15]) {
    requests.push(["SELECT", database]);
    for (const value of [
      "0",
      "-1",
      "127",
      "-128",
      "128",
      "32767",
      "-32768",
      "65536",
      "2147483647",
      "-2147483649",
    ]) {
      requests.push(["SET", `integer ${value}`, value]);
    }
    requests.push(["SET", "largest", "9223372036854775807"], ["SET", "smallest", "-9223372036854775808"]);
    requests.push(["SET", "", "empty key"], ["SET", "empty value", ""], ["SET", everything, everything]);
    for (const length of [1, 19, 43, 44, 45, 63, 64, 16_383, 16_384, 70_000]) {
      requests.push(["SET", `text of ${length}`, "compressible ".repeat(length).slice(0, length)]);
      requests.push(["SET", `expiring ${length}`, "x".repeat(length), "PXAT", farMs + length]);
    }
    requests.push(["INCR", "counter"], ["INCRBY", "counter", 41], ["APPEND", "appended", "a"]);
    requests.push(
      ["INCRBYFLOAT", "float", "1.25"],
      ["SETRANGE", "range", 20, "end"],
      ["APPEND", "appended", "b"],
    );
    requests.push(["SET", "deleted", "x"], ["DEL", "deleted"], ["EXPIRE", "counter", 100_000]);
    requests.push(["SET", "persistent", "x", "EX", 100], ["PERSIST", "persistent"]);
    requests.push(["RESTORE", "restored", 0, plainDump("x".repeat(100))]);
    requests.push(["restore", "renewed", 100_000, plainDump("x")]);
    requests.push(["RESTORE", "renewed", farMs, plainDump("12345"), "ABSTTL", "IDLETIME", 100, "REPLACE"]);
    requests.push(["SET", "renamed", "x", "PXAT", farMs], ["RENAME", "renamed", "under another name"]);
  }
  requests.push(["SELECT", 5], ["SET", "moved", "x"], ["MOVE", "moved", 6], ["SWAPDB", 6, 7], ["SELECT", 0]);
  requests.push(["COPY", "counter", "copied", "DB", 9], ["SELECT", 8], ["SET", "flushed", "x"], ["FLUSHDB"]);
  for (let i = 0; i < 500; i++) requests.push(["SET", `many:${i}`, `value ${i}`]);
  return requests;
}

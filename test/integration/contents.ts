/**
 * All that a server holds, as text that can be compared: one line for each key.
 */
import type { Argument } from "../support/command-harness.ts";
import { LIST_DUMP, plainDump } from "../support/dump-payloads.ts";
import { RawClient } from "../support/raw-client.ts";
import { bulks } from "./pair.ts";

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

/** Without what tells how the stream lies in memory, and when its consumers were seen last. */
function streamText(reply: Buffer): string {
  return reply.toString("latin1").replace(/(radix-tree-(keys|nodes)|seen-time)\r\n:\d+/g, "");
}

function pairs(parts: readonly string[]): string[] {
  return parts.flatMap((part, i) => (i % 2 === 0 ? [`${part}=${parts[i + 1]}`] : []));
}

/** Values of every type, encoding and size, with and without expiry, in several databases. */
export function sampleRequests(): Argument[][] {
  return [...stringRequests(), ...collectionRequests()];
}

/** Lists, sets, sorted sets and hashes, small and large, made and changed by all kinds of commands. */
function collectionRequests(): Argument[][] {
  const farMs = Date.now() + 86_400_000;
  const requests: Argument[][] = [["SELECT", 3]];
  const numbered = (count: number, text: (i: number) => Argument | Argument[]) =>
    Array.from({ length: count }, (_, i) => text(i)).flat();
  for (const count of [1, 20, 130, 600, 3000]) {
    requests.push(["RPUSH", `list ${count}`, ...numbered(count, (i) => (i % 3 === 0 ? i : `element ${i}`))]);
    requests.push(["SADD", `set ${count}`, ...numbered(count, (i) => `member ${i}`)]);
    requests.push(["SADD", `integers ${count}`, ...numbered(count, (i) => i * i * 1000 - 5)]);
    requests.push(["ZADD", `sorted ${count}`, ...numbered(count, (i) => [i / 7 - 3, `member ${i}`])]);
    requests.push([
      "HSET",
      `hash ${count}`,
      ...numbered(count, (i) => [`field ${i}`, i % 2 === 0 ? i : `v${i}`]),
    ]);
    requests.push(["PEXPIREAT", `hash ${count}`, farMs + count]);
  }
  const long = "long ".repeat(4000);
  requests.push(["LPUSH", "long list", long, "short", long], ["SADD", "long set", long, "short"]);
  requests.push(["ZADD", "long sorted", "inf", long, "-inf", "short", 0, "", "1e100", "far"]);
  requests.push(["HSET", "long hash", "field", long, long, "value", "", ""]);
  requests.push(["SADD", "wide integers", "9223372036854775807", "-9223372036854775808", 0]);
  requests.push(
    ["LINSERT", "list 600", "BEFORE", "element 301", "inserted"],
    ["LREM", "list 3000", 1, "element 4"],
  );
  requests.push(
    ["LTRIM", "list 3000", 10, -10],
    ["RPOP", "list 20", 5],
    ["LMOVE", "list 20", "moved to", "LEFT", "RIGHT"],
  );
  requests.push(["SPOP", "set 600"], ["SPOP", "set 3000", 500], ["SMOVE", "set 130", "set 20", "member 99"]);
  requests.push(
    ["SUNIONSTORE", "union", "set 20", "integers 20"],
    ["SDIFFSTORE", "none", "set 20", "set 20"],
  );
  requests.push(["ZINCRBY", "sorted 130", "0.1", "member 5"], ["ZPOPMIN", "sorted 600", 7]);
  requests.push(["ZUNIONSTORE", "weighted", 2, "sorted 20", "set 20", "WEIGHTS", 2, "0.5"]);
  requests.push(
    ["ZREMRANGEBYSCORE", "sorted 3000", "(100", 200],
    ["ZRANGESTORE", "part", "sorted 3000", 5, 200],
  );
  requests.push([
    "GEOADD",
    "places",
    "13.361389",
    "38.115556",
    "Palermo",
    "15.087269",
    "37.502669",
    "Catania",
  ]);
  requests.push(["HDEL", "hash 130", "field 7"], ["HINCRBY", "hash 130", "field 8", 100]);
  requests.push(["HINCRBYFLOAT", "hash 600", "sum", "1.1"], ["RENAME", "hash 1", "renamed hash"]);
  requests.push(["COPY", "list 3000", "copied list"], ["COPY", "sorted 600", "copied sorted", "DB", 9]);
  requests.push(["MOVE", "set 600", 4], ["SORT", "integers 130", "DESC", "STORE", "sorted integers"]);
  for (let i = 1; i <= 300; i++)
    requests.push(["XADD", "stream", `${1000 + i}-${i % 3}`, "field", i, `f${i % 5}`, "x"]);
  requests.push(
    ["XDEL", "stream", "1005-2"],
    ["XTRIM", "stream", "MAXLEN", 250],
    ["XADD", "stream", "MAXLEN", "~", 100, "*", "a", "b"],
  );
  requests.push(
    ["XGROUP", "CREATE", "stream", "group", 0],
    ["XGROUP", "CREATE", "stream", "other", "$", "ENTRIESREAD", 7],
  );
  requests.push(["XREADGROUP", "GROUP", "group", "alice", "COUNT", 20, "STREAMS", "stream", ">"]);
  requests.push(["XREADGROUP", "GROUP", "group", "bob", "COUNT", 5, "NOACK", "STREAMS", "stream", ">"]);
  requests.push(
    ["XACK", "stream", "group", "1055-2", "1056-0"],
    ["XCLAIM", "stream", "group", "carol", 0, "1060-1"],
  );
  requests.push(
    ["XAUTOCLAIM", "stream", "group", "bob", 0, "1065-0", "COUNT", 3],
    ["XGROUP", "CREATECONSUMER", "stream", "other", "dave"],
  );
  requests.push(
    ["XADD", "emptied stream", "5-5", "a", "b"],
    ["XDEL", "emptied stream", "5-5"],
    ["XSETID", "emptied stream", "9-9"],
  );
  requests.push(["COPY", "stream", "copied stream"], ["EXPIRE", "copied stream", 100_000]);
  requests.push(["RPUSH", "emptied", "x"], ["LPOP", "emptied"], ["RESTORE", "restored list", 0, LIST_DUMP]);
  requests.push(["SELECT", 0]);
  return requests;
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

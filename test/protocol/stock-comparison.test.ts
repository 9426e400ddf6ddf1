/**
 * The same bytes, sound and broken, to the decoder here and to a stock Redis. Every request carries a command that no
 * server knows: the error that Redis answers repeats the request's arguments, so that equal answers mean equally
 * decoded requests.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { error, unknownCommand } from "../../src/protocol/errors.ts";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { PROTOCOL_ERROR, REQUEST, RequestDecoder } from "../../src/protocol/request-decoder.ts";
import { exchange } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";

/** What a server that knows no command at all answers. */
function answer(bytes: Buffer, authenticated = true): string {
  const decoder = new RequestDecoder({ maxBulkLength: 512 * 1024 * 1024, queryBufferLimit: 1024 ** 3 });
  decoder.authenticated = authenticated;
  const reply = new ReplyWriter();
  decoder.feed(bytes, 0, bytes.length);
  let result = decoder.next();
  for (; result === REQUEST; result = decoder.next()) reply.error(unknownCommand(decoder.request));
  if (result === PROTOCOL_ERROR) reply.error(error(decoder.error));
  return reply.buf.toString("latin1", 0, reply.end);
}

function resp(words: readonly Buffer[]): Buffer {
  const parts = words.map((word) =>
    Buffer.concat([Buffer.from(`$${word.length}\r\n`), word, Buffer.from("\r\n")]),
  );
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

const byte = fc.oneof(
  fc.integer({ min: 0, max: 255 }),
  fc.constantFrom(...Buffer.from("\r\n\0 \"'\\x41*$-019\t\v\f")),
);
const word = fc.array(byte, { maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const respRequest = fc.array(word, { maxLength: 6 }).map((words) => resp([Buffer.from("q#q"), ...words]));
const inlineRequest = fc
  .array(
    fc.oneof(
      word,
      fc.constantFrom('"a b"', "'c'", String.raw`"\x41\n"`, '"', "x").map((text) => Buffer.from(text)),
    ),
  )
  .map((words) =>
    Buffer.concat([
      Buffer.from("q#q "),
      ...words.flatMap((each) => [each, Buffer.from(" ")]),
      Buffer.from("\r\n"),
    ]),
  );
const pipeline = fc
  .array(fc.oneof(respRequest, inlineRequest), { minLength: 1, maxLength: 5 })
  .map((all) => Buffer.concat(all));
/** Bytes to put in, at places given as parts of the whole. */
const damage = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), byte), { maxLength: 3 });

const BROKEN = [
  "*x\r\n",
  "*2147483648\r\n",
  "*-5\r\nq#q\r\n",
  "*9223372036854775808\r\n",
  "*1\r\nq#q\r\n",
  "*1\r\n\r\n",
  "*1\r\n\xff\r\n",
  "*1\r\n$-1\r\n",
  "*1\r\n$536870913\r\n",
  "*1\r\n$03\r\nq#q\r\n",
  "*1\rx$3\r_q#q__q#q\n",
  'q#q "a\r\n',
  "q#q 'a'b\r\n",
  'q#q "\\x41\\xzz\\n" \'\\\'\' ""\r\n',
  "\r\n\n*0\r\n \t\r\nq#q\n",
  "q#q \0\r\n",
  `q#q ${"a".repeat(300)} b\r\n`,
  `q#q ${"a".repeat(100)} ${"b".repeat(100)} c\r\n`,
];

describe.skipIf(!hasRedisServer)("a stock Redis", () => {
  const folder = mkdtempSync(join(tmpdir(), "tsredis-protocol-"));
  let server: RedisServer;
  let locked: RedisServer;

  beforeAll(async () => {
    [server, locked] = await Promise.all([
      startRedisServer([], folder),
      startRedisServer(["--requirepass", "secret"], folder),
    ]);
  });

  afterAll(async () => {
    await Promise.all([server?.stop(), locked?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  async function same(bytes: Buffer): Promise<void> {
    expect(answer(bytes)).toBe((await exchange(server.port, bytes)).toString("latin1"));
  }

  it.each(BROKEN)("answers the same to %j", async (text) => same(Buffer.from(text, "latin1")));

  it.each(["*", "*1\r\n$", "*1\r\n", "q"])(
    "answers the same to an endless line that begins %j",
    async (start) => {
      await same(Buffer.from(start + "1".repeat(100_000)));
    },
  );

  it("answers the same to random requests, whole and damaged", async () => {
    await fc.assert(
      fc.asyncProperty(pipeline, damage, async (bytes, changes) => {
        const damaged = Buffer.from(bytes);
        for (const [place, value] of changes) damaged[Math.floor(place * (damaged.length - 1))] = value;
        await same(damaged);
      }),
      { numRuns: 600 },
    );
  });

  it.each(["*11\r\n", "*10\r\n$16385\r\n", "*12\r\n$1\r\n", "*x\r\n"])(
    "that wants a password answers the same to %j",
    async (text) => {
      const bytes = Buffer.from(text);
      expect(answer(bytes, false)).toBe((await exchange(locked.port, bytes)).toString("latin1"));
    },
  );
});

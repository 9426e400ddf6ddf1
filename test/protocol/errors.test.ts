/**
 * Every error text that a stock Redis can be brought to say by a single command is compared with what it says.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as errors from "../../src/protocol/errors.ts";
import { Request } from "../../src/protocol/request.ts";
import { exchange } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";

/** Keys: `text` "abc", `number` "5", `largest` the largest integer, `list` of one element, HyperLogLogs `elements`
 * (dense) and `damaged` (without registers). */
const PREPARATION = [
  ["set", "text", "abc"],
  ["set", "number", "5"],
  ["set", "largest", "9223372036854775807"],
  ["rpush", "list", "a"],
  ["pfadd", "elements", "a"],
  ["pfdebug", "todense", "elements"],
  ["set", "damaged", `HYLL\x01${"\0".repeat(11)}`],
];

const NAMED: readonly (readonly [string, string])[] = [
  [errors.SYNTAX_ERROR, "set text v bad"],
  [errors.NOT_AN_INTEGER, "incr text"],
  [errors.NOT_A_FLOAT, "incrbyfloat number x"],
  [errors.VALUE_NOT_POSITIVE, "lpop list -1"],
  [errors.NO_SUCH_KEY, "rename none other"],
  [errors.WRONG_TYPE, "get list"],
  [errors.SAME_OBJECT, "copy text text"],
  [errors.DB_INDEX_OUT_OF_RANGE, "select 16"],
  [errors.INVALID_FIRST_DB_INDEX, "swapdb x 1"],
  [errors.INVALID_SECOND_DB_INDEX, "swapdb 1 x"],
  [errors.STRING_TOO_LONG, "setrange text 536870912 x"],
  [errors.OFFSET_OUT_OF_RANGE, "setrange text -1 x"],
  [errors.INCREMENT_OVERFLOW, "incr largest"],
  [errors.DECREMENT_OVERFLOW, "decrby number -9223372036854775808"],
  [errors.INCREMENT_NOT_FINITE, "incrbyfloat number inf"],
  [errors.LCS_NOT_STRINGS, "lcs list text"],
  [errors.LCS_LENGTH_AND_INDEXES, "lcs text text len idx"],
  [errors.NOT_A_HYPERLOGLOG, "pfcount text"],
  [errors.DAMAGED_HYPERLOGLOG, "pfadd damaged a"],
  [errors.NO_SUCH_HYPERLOGLOG, "pfdebug encoding none"],
  [errors.HYPERLOGLOG_NOT_SPARSE, "pfdebug decode elements"],
  [errors.INVALID_CURSOR, "scan x"],
  [errors.EXPIRE_NX_AND_OTHERS, "expire text 10 nx xx"],
  [errors.EXPIRE_GT_AND_LT, "expire text 10 gt lt"],
  [errors.TARGET_KEY_EXISTS, "restore text 0 x"],
  [errors.INVALID_TTL, "restore none -1 x"],
  [errors.INVALID_IDLE_TIME, "restore none 0 x idletime -1"],
  [errors.INVALID_FREQUENCY, "restore none 0 x freq 256"],
  [errors.WRONG_DUMP_FOOTER, "restore none 0 x"],
  [errors.NOT_TRACKING_FREQUENCY, "object freq text"],
  [errors.WRONG_PASSWORD, "auth nobody x"],
  [errors.NO_PASSWORD_SET, "auth x"],
  [errors.PROTOCOL_VERSION_NOT_AN_INTEGER, "hello x"],
  [errors.UNSUPPORTED_PROTOCOL, "hello 9"],
  [errors.INVALID_CLIENT_NAME, "client setname a\nb"],
  [errors.INVALID_CLIENT_ID, "client list id x"],
  [errors.CLIENT_ID_NOT_POSITIVE, "client kill id 0"],
  [errors.NO_SUCH_CLIENT, "client kill 1.2.3.4:5"],
  [errors.INVALID_UNBLOCK_REASON, "client unblock 1 x"],
  [errors.INVALID_PAUSE_MODE, "client pause 1 x"],
  [errors.TIMEOUT_NOT_AN_INTEGER, "client pause x"],
  [errors.TIMEOUT_NEGATIVE, "client pause -1"],
  [errors.INVALID_COMMAND, "command getkeys none x"],
  [errors.COMMAND_HAS_NO_KEYS, "command getkeys ping x"],
  [errors.INVALID_COMMAND_ARGUMENT_COUNT, "command getkeys get a b"],
  [errors.INVALID_COMMAND_ARGUMENTS, "command getkeys lmpop 9 a left"],
  [errors.NO_CONFIG_FILE, "config rewrite"],
  [errors.NO_SHUTDOWN, "shutdown abort"],
];

const COMPOSED: readonly (readonly [string, string])[] = [
  [errors.wrongArity("get"), "get"],
  [errors.wrongArity("client|getname"), "client getname x"],
  [errors.invalidExpireTime("set"), "set text v ex 0"],
  [errors.valueNotBetween(-2147483648, 2147483647), "select 99999999999"],
  [errors.unsupportedOption("foo"), "expire text 10 foo"],
  [errors.unsupportedOption("foo\r\n"), "expire text 10 foo\r\n"],
  [errors.unknownPfdebugSubcommand("foo"), "pfdebug foo elements"],
  [errors.unknownClientType("foo"), "client list type foo"],
  [errors.noSuchUser("nobody"), "client kill user nobody"],
  [errors.unknownHelloOption("foo"), "hello 2 foo"],
  [errors.unknownDirective("foo"), "config set foo 1"],
  [errors.directiveNotSet("port", "argument couldn't be parsed into an integer"), "config set port x"],
  [errors.unknownSubcommand(Request.of("config", "foo")), "config foo"],
  [errors.unknownSubcommand(Request.of("client", "x".repeat(200))), `client ${"x".repeat(200)}`],
];

describe.skipIf(!hasRedisServer)("a stock Redis says", () => {
  const folder = mkdtempSync(join(tmpdir(), "tsredis-errors-"));
  let server: RedisServer;
  let redis: Redis;

  beforeAll(async () => {
    server = await startRedisServer([], folder);
    redis = new Redis(server.port, "127.0.0.1");
    for (const [name, ...args] of PREPARATION) await redis.call(name, ...args);
  });

  afterAll(async () => {
    redis?.disconnect();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The error that a command, written with single blanks between its words, is answered with. */
  async function errorOf(command: string): Promise<string> {
    const [name, ...args] = command.split(" ");
    try {
      return `no error but ${String(await redis.call(name, ...args))}`;
    } catch (error) {
      return (error as Error).message;
    }
  }

  it.each(NAMED)("%s, to %j", async (text, command) => {
    expect(await errorOf(command)).toBe(text);
  });

  it.each(COMPOSED)("%j", async (text, command) => {
    expect(await errorOf(command)).toBe(text);
  });

  it("that idle times are not tracked under an LFU policy", async () => {
    await redis.config("SET", "maxmemory-policy", "allkeys-lfu");
    expect(await errorOf("object idletime text")).toBe(errors.NOT_TRACKING_IDLE_TIME);
    await redis.config("SET", "maxmemory-policy", "noeviction");
  });

  it("that memory is used up", async () => {
    await redis.config("SET", "maxmemory", "1");
    expect(await errorOf("set text v")).toBe(errors.OUT_OF_MEMORY);
    await redis.config("SET", "maxmemory", "0");
  });

  it("that a password is needed", async () => {
    await redis.config("SET", "requirepass", "secret");
    const answers = await exchange(server.port, Buffer.from("get x\r\nhello 3\r\nauth x\r\n"));
    await redis.config("SET", "requirepass", "");
    expect(answers.toString()).toBe(
      `-${errors.NOT_AUTHENTICATED}\r\n-${errors.HELLO_NOT_AUTHENTICATED}\r\n-${errors.WRONG_PASSWORD}\r\n`,
    );
  });

  it("that there are too many clients", async () => {
    await redis.config("SET", "maxclients", "1");
    const answer = await exchange(server.port, Buffer.alloc(0));
    await redis.config("SET", "maxclients", "100");
    expect(answer.toString()).toBe(`-${errors.TOO_MANY_CLIENTS}\r\n`);
  });
});

describe("unknownCommand", () => {
  it("repeats the first arguments, each up to a NUL byte, 128 bytes at most", () => {
    expect(errors.unknownCommand(Request.of("foo"))).toBe(
      "ERR unknown command 'foo', with args beginning with: ",
    );
    expect(errors.unknownCommand(Request.of("f\0o", "a\0b", "c"))).toBe(
      "ERR unknown command 'f', with args beginning with: 'a' 'c' ",
    );
    const [x, y, z] = ["x".repeat(100), "y".repeat(100), "z"];
    expect(errors.unknownCommand(Request.of("f".repeat(200), x, y, z))).toBe(
      `ERR unknown command '${"f".repeat(128)}', with args beginning with: '${x}' '${"y".repeat(25)}' `,
    );
  });
});

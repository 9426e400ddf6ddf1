/**
 * Replies larger than a buffer can be: they end the connection that asked for them, and nothing else.
 */
import { expect, test } from "vitest";
import { encodeRequest, exchange } from "../support/raw-client.ts";
import { POLL, useServer } from "./server-fixture.ts";

const fixture = useServer();
/** More members than any reply holds. */
const TOO_MANY = "-9000000000000000000";

test("a reply that no buffer holds ends the connection, after all replies of before", async () => {
  const client = await fixture.start();
  await client.run("SADD", "set", "a", "b");
  const asked = [["SADD", "set", "c"], ["SRANDMEMBER", "set", TOO_MANY], ["PING"]].map(encodeRequest);
  expect((await exchange(fixture.server.port, Buffer.concat(asked))).toString()).toBe(":1\r\n");
  await expect
    .poll(() => fixture.server.output, POLL)
    .toContain("closed: the reply to srandmember is too large");
  expect(await client.text("SCARD", "set")).toBe(":3\r\n");
});

test("within a transaction the other commands are executed, and logged", async () => {
  const client = await fixture.start();
  await client.run("HSET", "hash", "f", "v");
  const asked = [
    ["PING"],
    ["MULTI"],
    ["SET", "before", "1"],
    ["HRANDFIELD", "hash", TOO_MANY],
    ["SET", "after", "2"],
    ["EXEC"],
    ["SET", "never", "3"],
  ].map(encodeRequest);
  const answers = "+PONG\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n";
  expect((await exchange(fixture.server.port, Buffer.concat(asked))).toString()).toBe(answers);
  expect(await client.text("MGET", "before", "after", "never")).toBe("*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n");
  client.close();
  await fixture.server.stop();
  const again = await fixture.start();
  expect(await again.text("MGET", "before", "after")).toBe("*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
});

test("within a script the call fails, and the script may go on", async () => {
  const client = await fixture.start();
  await client.run("SADD", "set", "a");
  const script = "local r = redis.pcall('srandmember', KEYS[1], ARGV[1]) redis.call('set', 'error', r.err)";
  const asked = [["PING"], ["EVAL", script, "1", "set", TOO_MANY], ["PING"]].map(encodeRequest);
  expect((await exchange(fixture.server.port, Buffer.concat(asked))).toString()).toBe("+PONG\r\n");
  expect(await client.text("GET", "error")).toContain("too large");
});

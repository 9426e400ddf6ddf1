/**
 * INFO beside the real Redis: which of its fields there are, and that what is counted is counted.
 */
import { expect, test } from "vitest";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, startRedisServer } from "../support/redis-server.ts";
import { infoOf, POLL, useServer } from "./server-fixture.ts";

const fixture = useServer();

/** Fields of Redis 7.0 that are left out: docs/compatibility.md says why. */
const LEFT_OUT = [
  "atomicvar_api",
  "dump_payload_sanitizations",
  "gcc_version",
  "redis_build_id",
  "redis_git_dirty",
  "redis_git_sha1",
  "reply_buffer_expands",
  "reply_buffer_shrinks",
  "unexpected_error_replies",
];

async function fieldsOf(client: RawClient): Promise<string[]> {
  await client.runAll([["SET", "k", "v", "EX", "1000"], ["GET", "k"], ["GET"]]);
  const info = await client.text("INFO", "everything");
  return [...info.matchAll(/^([a-z][^:\r]*):/gm)].map(([, name]) => name);
}

test.skipIf(!hasRedisServer)("all fields of Redis are there, but for some", async () => {
  const own = await fixture.start("--appendonly", "no");
  const redis = await startRedisServer([], fixture.folder);
  const theirs = await RawClient.connect(redis.port);
  const present = new Set(await fieldsOf(own));
  const expected = await fieldsOf(theirs);
  theirs.close();
  await redis.kill();
  expect(expected.length).toBeGreaterThan(150);
  expect(expected.filter((name) => !present.has(name) && !name.startsWith("jemalloc")).sort()).toEqual(
    LEFT_OUT,
  );
});

test("who waits for keys, what is denied, and where it listens is told", async () => {
  const client = await fixture.start();
  const waiting = [await fixture.connect(), await fixture.connect()];
  const waits = [waiting[0].run("BLPOP", "a", "b", "0"), waiting[1].run("BLPOP", "b", "0")];
  await expect.poll(() => infoOf(client, "total_blocking_keys"), POLL).toBe("2");
  expect(await infoOf(client, "total_blocking_keys_on_nokey")).toBe("0");
  await client.run("ACL", "SETUSER", "guest", "on", ">pw", "~a*", "+get", "+auth");
  const guest = await fixture.connect();
  await guest.run("AUTH", "guest", "wrong");
  await guest.run("AUTH", "guest", "pw");
  await guest.runAll([
    ["GET", "b"],
    ["SET", "a", "1"],
    ["DEL", "a"],
  ]);
  expect(await infoOf(client, "acl_access_denied_auth")).toBe("1");
  expect(await infoOf(client, "acl_access_denied_key")).toBe("1");
  expect(await infoOf(client, "acl_access_denied_cmd")).toBe("2");
  expect(await infoOf(client, "listener0")).toBe(`name=tcp,bind=127.0.0.1,port=${fixture.server.port}`);
  const cycles = Number(await infoOf(client, "eventloop_cycles"));
  expect(cycles).toBeGreaterThan(5);
  expect(Number(await infoOf(client, "eventloop_duration_sum"))).toBeGreaterThan(0);
  await client.run("CONFIG", "RESETSTAT");
  expect(Number(await infoOf(client, "eventloop_cycles"))).toBeLessThan(cycles);
  expect(await infoOf(client, "acl_access_denied_cmd")).toBe("0");
  await client.run("RPUSH", "b", "1", "2");
  await Promise.all(waits);
});

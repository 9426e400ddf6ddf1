/**
 * Clients that wait for a key while their user changes, and clients of pub/sub whose user loses a channel.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../support/raw-client.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";

let folder: string;
let server: ServerProcess;
let admin: RawClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tsredis-acl-"));
  server = await startServerProcess(folder, ["--appendonly", "no"]);
  admin = await RawClient.connect(server.port);
});

afterAll(async () => {
  admin.close();
  await server.kill();
  rmSync(folder, { recursive: true });
});

async function connectAs(user: string): Promise<RawClient> {
  const client = await RawClient.connect(server.port);
  expect(await client.text("AUTH", user, "any")).toBe("+OK\r\n");
  return client;
}

const blocked = async (count: number) => {
  while (!(await admin.text("INFO", "clients")).includes(`blocked_clients:${count}\r\n`));
};

test("who waits for a key that the user may not touch any more, is told so when it comes; others are served", async () => {
  for (const user of ["waiting", "other"]) {
    expect(await admin.text("ACL", "SETUSER", user, "on", "nopass", "~q*", "+blpop")).toBe("+OK\r\n");
  }
  const [first, second] = [await connectAs("waiting"), await connectAs("other")];
  const firstReply = first.text("BLPOP", "queue", "0");
  await blocked(1);
  const secondReply = second.text("BLPOP", "queue", "0");
  await blocked(2);
  await admin.run("ACL", "SETUSER", "waiting", "resetkeys");
  await admin.run("RPUSH", "queue", "value");
  expect(await firstReply).toBe(
    "-NOPERM this user has no permissions to access one of the keys used as arguments\r\n",
  );
  expect(await secondReply).toBe("*2\r\n$5\r\nqueue\r\n$5\r\nvalue\r\n");
  expect(await first.text("BLPOP", "queue", "0")).toMatch(/^-NOPERM /);
  first.close();
  second.close();
});

test("who waits as a user that is removed, is disconnected", async () => {
  await admin.run("ACL", "SETUSER", "gone", "on", "nopass", "~*", "+blpop");
  const client = await connectAs("gone");
  const disconnected = expect(client.text("BLPOP", "nothing", "0")).rejects.toThrow(
    /closed|ended|ECONNRESET/,
  );
  await blocked(1);
  expect(await admin.text("ACL", "DELUSER", "gone")).toBe(":1\r\n");
  await disconnected;
  await blocked(0);
});

test("subscribers go with the channel that their user loses", async () => {
  await admin.run(
    "ACL",
    "SETUSER",
    "listener",
    "on",
    "nopass",
    "&news*",
    "&fixed",
    "+subscribe",
    "+psubscribe",
  );
  const [loses, keeps, pattern] = await Promise.all([1, 2, 3].map(() => connectAs("listener")));
  expect(await loses.text("SUBSCRIBE", "news1")).toContain("news1");
  expect(await keeps.text("SUBSCRIBE", "fixed")).toContain("fixed");
  expect(await pattern.text("PSUBSCRIBE", "news*")).toContain("news*");
  expect(await keeps.text("SUBSCRIBE", "foreign")).toBe(
    "-NOPERM this user has no permissions to access one of the channels used as arguments\r\n",
  );
  await admin.run("ACL", "SETUSER", "listener", "resetchannels", "&fixed", "&news1*");
  expect(await admin.text("PUBLISH", "news1", "x")).toBe(":1\r\n");
  await admin.run("ACL", "SETUSER", "listener", "resetchannels", "&fixed");
  expect(await admin.text("PUBLISH", "news1", "x")).toBe(":0\r\n");
  expect(await admin.text("PUBLISH", "fixed", "x")).toBe(":1\r\n");
  for (const client of [loses, keeps, pattern]) client.close();
});

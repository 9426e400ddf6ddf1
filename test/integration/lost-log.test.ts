/**
 * Goal: an append-only file that somebody takes away from the running server, or cuts, makes no empty promises: writes
 * are refused until it is back, or until a rewrite has written all data anew.
 */
import {
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RawClient } from "../support/raw-client.ts";
import { infoOf, POLL, rewriteLog, useServer } from "./server-fixture.ts";

const fixture = useServer();

/** The append-only file that is written now. */
function logPath(): string {
  const folder = join(fixture.data, "appendonlydir");
  const names = readdirSync(folder).filter((each) => each.endsWith(".incr.aof"));
  return join(folder, names.sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).at(-1)!);
}

async function expectRefused(client: RawClient): Promise<void> {
  const refusal = /^-MISCONF Errors writing to the AOF file: \S+\.incr\.aof was removed or replaced/;
  await expect.poll(() => client.text("SET", "key", "refused?"), POLL).toMatch(refusal);
  expect(await infoOf(client, "aof_last_write_status")).toBe("err");
  expect(await client.text("GET", "first")).toBe("$5\r\nvalue\r\n");
}

async function expectAccepted(client: RawClient): Promise<void> {
  await expect.poll(() => client.text("SET", "key", "accepted"), POLL).toBe("+OK\r\n");
  expect(await infoOf(client, "aof_last_write_status")).toBe("ok");
}

test("the folder is moved away, and comes back", async () => {
  const client = await fixture.start();
  await client.run("SET", "first", "value");
  const folder = join(fixture.data, "appendonlydir");
  renameSync(folder, `${folder}.elsewhere`);
  await expectRefused(client);
  // Nor does it end as if all were well.
  expect(await client.text("SHUTDOWN")).toMatch(/^-ERR Errors trying to SHUTDOWN/);
  renameSync(`${folder}.elsewhere`, folder);
  await expectAccepted(client);
  await fixture.server.kill();
  const again = await fixture.start();
  expect(await again.text("MGET", "first", "key")).toBe("*2\r\n$5\r\nvalue\r\n$8\r\naccepted\r\n");
});

test.each([
  ["removed", (path: string) => rmSync(path)],
  [
    "replaced by a copy of before",
    (path: string) => {
      const bytes = readFileSync(path);
      rmSync(path);
      writeFileSync(path, bytes.subarray(0, bytes.length - 10));
    },
  ],
])("the file is %s: a rewrite writes all data anew", async (_, harm) => {
  const client = await fixture.start();
  await client.run("SET", "first", "value");
  await client.run("WAITAOF", "1", "0", "0");
  harm(logPath());
  await expectRefused(client);
  await rewriteLog(client);
  await expectAccepted(client);
  await fixture.server.kill();
  const again = await fixture.start();
  expect(await again.text("MGET", "first", "key")).toBe("*2\r\n$5\r\nvalue\r\n$8\r\naccepted\r\n");
});

test("the server ends right after the rewrite that has written all data anew", async () => {
  const client = await fixture.start();
  await client.run("SET", "first", "value");
  rmSync(logPath());
  await expectRefused(client);
  await rewriteLog(client);
  expect(await fixture.server.stop()).toBe(0);
  const again = await fixture.start();
  expect(await again.text("GET", "first")).toBe("$5\r\nvalue\r\n");
});

test("the server does not end if the file was removed just before", async () => {
  const client = await fixture.start();
  await client.run("SET", "first", "value");
  rmSync(logPath());
  expect(await client.text("SHUTDOWN")).toMatch(/^-ERR Errors trying to SHUTDOWN/);
  await rewriteLog(client);
  expect(await fixture.server.stop()).toBe(0);
  const again = await fixture.start();
  expect(await again.text("GET", "first")).toBe("$5\r\nvalue\r\n");
});

test.each([
  ["emptied, and written on", () => 0],
  ["cut by a few bytes while nothing is written", (size: number) => size - 10],
])("the file is %s: it is rewritten without being asked", async (_, lengthAfter) => {
  const client = await fixture.start("--appendfsync", "everysec");
  await client.run("SET", "first", "value");
  await client.run("WAITAOF", "1", "0", "0");
  const path = logPath();
  const length = lengthAfter(statSync(path).size);
  truncateSync(path, length);
  // Written where the file ended: the gap before it must be noticed though the file is as long as it should be.
  if (length === 0) await client.run("SET", "key", "accepted");
  await expect.poll(() => fixture.server.output, POLL).toMatch(/incr\.aof was cut by somebody else/);
  await expect.poll(() => infoOf(client, "aof_rewrites"), POLL).toBe("1");
  await expectAccepted(client);
  expect(logPath()).not.toBe(path);
  await fixture.server.kill();
  const again = await fixture.start();
  expect(await again.text("MGET", "first", "key")).toBe("*2\r\n$5\r\nvalue\r\n$8\r\naccepted\r\n");
});

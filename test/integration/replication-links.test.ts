/**
 * What becomes of replicas when something happens at the wrong moment: links that break or do not read, snapshots that
 * fail, data that goes away meanwhile; and what is kept for those that come back.
 */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { RawClient } from "../support/raw-client.ts";
import { ReplicaLink } from "../support/replica-link.ts";
import { fill, infoOf, POLL, useServer } from "./server-fixture.ts";

const fixture = useServer();
/** So slow that a snapshot is under way when the next commands come, until `hurry`. */
const DELAY = "20000";
const SLOW = ["--rdb-key-save-delay", DELAY];
const links: ReplicaLink[] = [];

afterEach(() => {
  for (const link of links.splice(0)) link.close();
});

async function connect(): Promise<ReplicaLink> {
  const link = await ReplicaLink.connect(fixture.server.port);
  links.push(link);
  return link;
}

/** A replica that gets the stream. */
async function attach(client: RawClient): Promise<ReplicaLink> {
  const link = await connect();
  await link.sync("SYNC");
  await expect.poll(() => infoOf(client, "slave0"), POLL).toContain("state=online");
  return link;
}

function files(): string[] {
  return readdirSync(fixture.data).filter((name) => name.startsWith("temp-"));
}

/** Lets the snapshot that is under way go on as fast as it can. */
async function hurry(client: RawClient): Promise<void> {
  await client.run("CONFIG", "SET", "rdb-key-save-delay", "0");
}

async function snapshotsMade(client: RawClient): Promise<void> {
  await expect.poll(() => infoOf(client, "rdb_bgsave_in_progress"), POLL).toBe("0");
}

test("a replica that leaves during the snapshot leaves nothing behind, and others go on", async () => {
  const client = await fixture.start("--save", "", ...SLOW);
  await fill(client, 0, 300, 10);
  const [leaver, stayer] = [await connect(), await connect()];
  leaver.send("SYNC");
  await expect.poll(() => infoOf(client, "current_save_keys_processed"), POLL).not.toBe("0");
  const synced = stayer.sync("PSYNC", "?", -1);
  await expect.poll(() => infoOf(client, "connected_slaves"), POLL).toBe("2");
  leaver.close();
  await expect.poll(() => infoOf(client, "connected_slaves"), POLL).toBe("1");
  await client.run("SET", "meanwhile", "x");
  await hurry(client);
  const { snapshot } = await synced;
  expect(snapshot!.subarray(0, 9).toString()).toBe("REDIS0010");
  await client.run("SET", "later", "y");
  expect(await stayer.commandsUntil("SET", "later", "y")).toEqual([
    ["SELECT", "0"],
    ["SET", "meanwhile", "x"],
  ]);
  expect(files()).toEqual([]);
  // Who is alone and leaves takes the snapshot with him.
  stayer.close();
  await expect.poll(() => infoOf(client, "connected_slaves"), POLL).toBe("0");
  await client.run("CONFIG", "SET", "rdb-key-save-delay", DELAY);
  const last = await connect();
  last.send("SYNC");
  await expect.poll(() => infoOf(client, "rdb_bgsave_in_progress"), POLL).toBe("1");
  last.close();
  await snapshotsMade(client);
  await expect.poll(files, POLL).toEqual([]);
});

test("all that ask meanwhile share one snapshot, with the same stream behind it", async () => {
  const client = await fixture.start("--save", "", ...SLOW);
  await fill(client, 0, 200, 10);
  const all = [await connect(), await connect(), await connect()];
  const synced = [all[0].sync("PSYNC", "?", -1)];
  await expect.poll(() => infoOf(client, "current_save_keys_processed"), POLL).not.toBe("0");
  await client.run("SET", "one", "1");
  synced.push(all[1].sync("PSYNC", "?", -1));
  await client.run("SET", "two", "2");
  synced.push(all[2].sync("PSYNC", "?", -1));
  await expect.poll(() => infoOf(client, "connected_slaves"), POLL).toBe("3");
  await hurry(client);
  const [first, ...others] = await Promise.all(synced);
  for (const other of others) expect(other).toEqual(first);
  await client.run("SET", "three", "3");
  for (const link of all) {
    expect(await link.commandsUntil("SET", "three", "3")).toEqual([
      ["SELECT", "0"],
      ["SET", "one", "1"],
      ["SET", "two", "2"],
    ]);
  }
  const begun = fixture.server.output.split("Starting BGSAVE for SYNC").length - 1;
  expect(begun).toBe(1);
});

test("FLUSHALL and a save wait neither stop a snapshot for replicas nor are they lost", async () => {
  const client = await fixture.start("--save", "", ...SLOW);
  await fill(client, 0, 200, 10);
  const lastSave = await client.text("LASTSAVE");
  const link = await connect();
  const synced = link.sync("SYNC");
  await expect.poll(() => infoOf(client, "current_save_keys_processed"), POLL).not.toBe("0");
  expect(await client.text("BGSAVE")).toBe("-ERR Background save already in progress\r\n");
  expect(await client.text("FLUSHALL")).toBe("+OK\r\n");
  await hurry(client);
  const { snapshot } = await synced;
  expect(snapshot!.includes("k199")).toBe(true);
  await client.run("SET", "last", "x");
  expect(await link.commandsUntil("SET", "last", "x")).toEqual([["SELECT", "0"], ["FLUSHALL"]]);
  expect(await client.text("LASTSAVE")).toBe(lastSave);
  expect(readdirSync(fixture.data)).not.toContain("dump.rdb");
});

test("a snapshot that cannot be made ends the links, and the next one works", async () => {
  const client = await fixture.start("--save", "");
  await fill(client, 0, 10, 10);
  const blocking = join(fixture.data, `temp-${fixture.server.pid}.rdb`);
  mkdirSync(blocking);
  const link = await connect();
  link.send("SYNC");
  expect(await link.line()).toBe("-ERR BGSAVE failed, replication can't continue");
  await link.ended();
  expect(await infoOf(client, "rdb_last_bgsave_status")).toBe("ok");
  rmSync(blocking, { recursive: true });
  await attach(client);
});

test("a replica that does not read is closed at its limit", async () => {
  const client = await fixture.start("--save", "", "--repl-backlog-size", "64kb");
  await client.run("CONFIG", "SET", "client-output-buffer-limit", "replica 4mb 0 0");
  const link = await attach(client);
  link.pause();
  await fill(client, 0, 4000, 4000);
  await expect.poll(() => infoOf(client, "connected_slaves"), POLL).toBe("0");
  await expect
    .poll(() => fixture.server.output, POLL)
    .toMatch(/id=\d+ addr=.* closed for overcoming of output buffer limits/);
  await expect
    .poll(() => infoOf(client, "mem_total_replication_buffers").then(Number), POLL)
    .toBeLessThan(300_000);
});

test("a stream that waits for a slow reader counts as its memory, and is taken back when it has read", async () => {
  const client = await fixture.start("--save", "", "--repl-backlog-size", "1mb");
  const link = await attach(client);
  link.pause();
  await fill(client, 0, 4000, 4000);
  const held = Number(await infoOf(client, "mem_clients_slaves"));
  expect(held).toBeGreaterThan(4_000_000);
  expect(await infoOf(client, "mem_replication_backlog")).toBe(String(1 << 20));
  expect(await client.text("CLIENT", "LIST", "TYPE", "replica")).toMatch(/ flags=S .* omem=[1-9]\d{6}/);
  expect(await infoOf(client, "repl_backlog_histlen").then(Number)).toBeGreaterThan(held);
  link.resume();
  await client.run("SET", "last", "x");
  await link.commandsUntil("SET", "last", "x");
  await expect.poll(() => infoOf(client, "mem_clients_slaves").then(Number), POLL).toBeLessThan(1_000_000);
});

test("PSYNC goes on at the very byte, from the stream's beginning to its end", async () => {
  const client = await fixture.start("--save", "");
  const link = await connect();
  const { line } = await link.sync("PSYNC", "?", -1);
  const [, id, begin] = line.split(" ");
  await client.runAll([["SET", "a", "1"], ["MULTI"], ["SET", "b", "2"], ["INCR", "b"], ["EXEC"]]);
  await link.commandsUntil("EXEC");
  link.close();
  const end = Number(await infoOf(client, "master_repl_offset"));
  const whole: string[][] = [];
  for (const [nextByte, isThere] of [
    [Number(begin) + 1, true],
    [end + 1, true],
    [Number(begin), false],
    [end + 1_000_000, false],
  ] as const) {
    const again = await connect();
    again.send("REPLCONF", "capa", "psync2");
    await again.line();
    const reply = await again.sync("PSYNC", id.toUpperCase(), nextByte);
    expect(reply.line.split(" ").slice(0, 2)).toEqual([isThere ? "+CONTINUE" : "+FULLRESYNC", id]);
    await client.run("SET", "c", String(nextByte));
    whole.push((await again.commandsUntil("SET", "c", String(nextByte))).map((words) => words.join(" ")));
    again.close();
  }
  expect(whole[0]).toEqual(["SELECT 0", "SET a 1", "MULTI", "SET b 2", "INCR b", "EXEC"]);
  expect(whole[1]).toEqual([`SET c ${Number(begin) + 1}`]);
  expect(await infoOf(client, "sync_partial_ok")).toBe("2");
  expect(await infoOf(client, "sync_partial_err")).toBe("2");
  const stranger = await connect();
  expect((await stranger.sync("PSYNC", "0".repeat(40), 1)).line).toMatch(/^\+FULLRESYNC/);
});

test("without replicas the stream ends in time, and has another id after that", async () => {
  const client = await fixture.start("--save", "", "--repl-backlog-ttl", "1", "--appendonly", "no");
  expect(await infoOf(client, "repl_backlog_active")).toBe("0");
  await client.run("SET", "before", "x");
  expect(await infoOf(client, "master_repl_offset")).toBe("0");
  const link = await attach(client);
  const id = await infoOf(client, "master_replid");
  await client.run("SET", "a", "1");
  await link.commandsUntil("SET", "a", "1");
  link.close();
  await expect.poll(() => infoOf(client, "repl_backlog_active"), POLL).toBe("0");
  // A PING may have come behind the SET.
  const offset = await infoOf(client, "master_repl_offset");
  expect(await infoOf(client, "master_replid")).not.toBe(id);
  await client.run("SET", "b", "2");
  expect(await infoOf(client, "master_repl_offset")).toBe(offset);
  expect(await infoOf(client, "mem_total_replication_buffers")).toBe("0");
  const next = await connect();
  expect((await next.sync("PSYNC", id, Number(offset) + 1)).line).toMatch(
    new RegExp(`^\\+FULLRESYNC .* ${offset}$`),
  );
});

test("the log may be switched off and on, rewritten and reloaded while replicas follow", async () => {
  const client = await fixture.start(
    "--save",
    "",
    "--enable-debug-command",
    "yes",
    "--appendfsync",
    "always",
  );
  const link = await attach(client);
  const steps = [
    ["CONFIG", "SET", "appendonly", "no"],
    ["CONFIG", "SET", "appendonly", "yes"],
    ["BGREWRITEAOF"],
    ["DEBUG", "RELOAD"],
    ["CONFIG", "SET", "appendfsync", "everysec"],
  ];
  for (const [i, step] of steps.entries()) {
    await client.run("SET", `before ${i}`, "x");
    expect(await client.text(...step)).toMatch(/^\+/);
    await expect.poll(() => infoOf(client, "aof_rewrite_in_progress"), POLL).toBe("0");
    await client.run("SET", `after ${i}`, "x");
    const commands = await link.commandsUntil("SET", `after ${i}`, "x");
    expect(commands.at(-1)).toEqual(["SET", `before ${i}`, "x"]);
  }
});

test("silent replicas are disconnected, and those that wait get signs of life", async () => {
  const client = await fixture.start("--save", "", "--repl-timeout", "1", ...SLOW);
  await fill(client, 0, 100, 10);
  const link = await connect();
  link.send("PSYNC", "?", -1);
  await link.line();
  // Nothing but newlines, and then the length.
  const sign = await link.byte();
  expect(sign).toBe("\n");
  await link.ended();
  expect(fixture.server.output).toContain("Disconnecting timedout replica (streaming sync)");
});

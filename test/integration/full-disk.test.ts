/**
 * Goal: on a full disk the running server refuses writes with a reason, answers reads, loses nothing acknowledged, and
 * goes on by itself when there is room. Method: a small disk of its own for the data directory, filled up while a
 * client writes: once so that the append-only file meets the end of it, once the cold tier with memory full too.
 */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RawClient } from "../support/raw-client.ts";
import { canMountDisk, mountDisk, unmountDisk } from "../support/small-disk.ts";
import {
  expectFilled,
  expectValues,
  fill,
  infoOf,
  POLL,
  rewriteLog,
  useServer,
  valueOf,
} from "./server-fixture.ts";

const VALUE_BYTES = 4000;
const DISK_MEGABYTES = 24;
const MEMORY = ["--maxmemory", "4mb"];
/** Keys of about one and a half times that memory. */
const KEYS = 1500;
/** What memory may be when nothing can leave it: chance decides what is found to be dropped, and when. */
const MAX_MEMORY_BYTES = 5 * 1024 * 1024;
const NO_REWRITES = ["--auto-aof-rewrite-percentage", "0"];

const fixture = useServer();

/** Writes one key after the other until a write is refused, the server is gone, or all are written. */
class Writer {
  /** The first number that has not been acknowledged. */
  next: number;
  /** Resolves to what ended it: a reply, or why there was none. */
  readonly ended: Promise<string>;

  constructor(client: RawClient, from: number, to = Number.POSITIVE_INFINITY) {
    this.next = from;
    this.ended = this.run(client, to).catch(String);
  }

  private async run(client: RawClient, to: number): Promise<string> {
    while (this.next < to) {
      const reply = await client.text("SET", `k${this.next}`, valueOf(this.next, VALUE_BYTES));
      if (reply !== "+OK\r\n") return reply;
      this.next++;
    }
    return "all are written";
  }
}

function ballast(): string {
  return join(fixture.data, "ballast");
}

describe.skipIf(!canMountDisk)("on a full disk the server (skipped where no tmpfs can be mounted)", () => {
  beforeEach(() => mountDisk(fixture.data, DISK_MEGABYTES));
  afterEach(() => unmountDisk(fixture.data));

  test.each(["everysec", "always"])("refuses writes, reads on, and recovers, with %s", async (policy) => {
    const client = await fixture.start("--appendfsync", policy, ...NO_REWRITES);
    await fill(client, 0, 100, VALUE_BYTES);
    await client.run("PFADD", "elements", "a", "b");
    writeFileSync(ballast(), Buffer.alloc(4 * 1024 * 1024));
    // The write that finds the disk full gets its reply when there is room again.
    const writer = new Writer(await fixture.connect(), 100);
    await expect.poll(() => infoOf(client, "aof_last_write_status"), POLL).toBe("err");
    expect(await client.text("SET", "x", "y")).toMatch(/^-MISCONF .*No space left on device/);
    await expectValues(client, 100, VALUE_BYTES);
    // It reads, though what it counted has to be logged once the disk takes it.
    expect(await client.text("PFCOUNT", "elements")).toBe(":2\r\n");
    rmSync(ballast());
    // Asked together: the writer goes on at once, and soon the disk is full again.
    const goOn = async () =>
      (
        await client.runAll([
          ["SET", "after", "x"],
          ["INFO", "persistence"],
        ])
      ).join("");
    await expect.poll(goOn, POLL).toMatch(/^\+OK\r\n[^]*aof_last_write_status:ok/);
    expect(writer.next).toBeGreaterThan(1000);
    // It goes on, and the disk is full once more.
    await expect.poll(() => infoOf(client, "aof_last_write_status"), POLL).toBe("err");
    await fixture.server.kill();
    expect(await writer.ended).toMatch(/closed the connection|ECONNRESET/);
    const again = await fixture.start("--appendfsync", policy);
    expect(await again.text("GET", "after")).toBe("$1\r\nx\r\n");
    await expectValues(again, writer.next, VALUE_BYTES);
  });

  test.each([
    ["the append-only file is elsewhere", true],
    ["there is no append-only file", false],
  ])("keeps in memory what it cannot spill, where %s", async (_, hasLog) => {
    if (hasLog) {
      mkdirSync(join(fixture.folder, "log"));
      symlinkSync(join(fixture.folder, "log"), join(fixture.data, "appendonlydir"));
    }
    const args = [...MEMORY, ...NO_REWRITES, "--appendonly", hasLog ? "yes" : "no"];
    const client = await fixture.start(...args);
    await fill(client, 0, KEYS, VALUE_BYTES);
    expect(Number(await infoOf(client, "cold_keys"))).toBeGreaterThan(KEYS / 4);
    fillDisk();
    const writer = new Writer(await fixture.connect(), KEYS);
    expect(await writer.ended).toMatch(/^-OOM /);
    expect(await infoOf(client, "tier_last_write_status")).toContain("No space left on device");
    await expectReadsInBounds(client, writer.next);
    expect(await client.text("DEL", "k7")).toBe(":1\r\n");
    if (hasLog) await expectFailedRewrite(client);
    rmSync(ballast());
    await expect.poll(() => infoOf(client, "tier_last_write_status"), POLL).toBe("ok");
    await fill(client, 7, 8, VALUE_BYTES);
    await fill(client, writer.next, writer.next + KEYS, VALUE_BYTES);
    await expectFilled(client, writer.next + KEYS, VALUE_BYTES);
    if (!hasLog) return;
    await rewriteLog(client);
    await fixture.server.kill();
    await expectFilled(await fixture.start(...args), writer.next + KEYS, VALUE_BYTES);
  });

  test("that has everything, with memory full as well, serves reads and goes on when there is room", async () => {
    const args = [...MEMORY, ...NO_REWRITES];
    const client = await fixture.start(...args);
    await fill(client, 0, KEYS, VALUE_BYTES);
    fillDisk();
    // No more than the disk takes once there is room again.
    const writer = new Writer(await fixture.connect(), KEYS, KEYS + 500);
    await expect.poll(() => infoOf(client, "aof_last_write_status"), POLL).toBe("err");
    // What LevelDB gives up makes room for a while.
    await expect
      .poll(() => client.text("SET", "x", "y"), POLL)
      .toMatch(/^-(MISCONF .*No space left on device|OOM )/);
    await expectReadsInBounds(client, KEYS);
    await expectFailedRewrite(client);
    rmSync(ballast());
    await expect.poll(() => client.text("SET", "after", "x"), POLL).toBe("+OK\r\n");
    await expect.poll(() => writer.next, POLL).toBeGreaterThan(KEYS);
    await fixture.server.kill();
    expect(await writer.ended).toMatch(/closed the connection|ECONNRESET|all are written/);
    const again = await fixture.start(...args);
    expect(await again.text("GET", "after")).toBe("$1\r\nx\r\n");
    await expectValues(again, writer.next, VALUE_BYTES);
  });
});

/** To the last byte. */
function fillDisk(): void {
  expect(() => writeFileSync(ballast(), Buffer.alloc(DISK_MEGABYTES * 1024 * 1024))).toThrow("ENOSPC");
}

/** All keys can be read again and again, cold ones too, though nothing can be spilled for them. */
async function expectReadsInBounds(client: RawClient, count: number): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await expectValues(client, count, VALUE_BYTES);
    expect(Number(await infoOf(client, "used_memory"))).toBeLessThan(MAX_MEMORY_BYTES);
  }
}

async function expectFailedRewrite(client: RawClient): Promise<void> {
  await client.run("BGREWRITEAOF");
  await expect.poll(() => infoOf(client, "aof_rewrite_in_progress"), POLL).toBe("0");
  expect(await infoOf(client, "aof_last_bgrewrite_status")).toBe("err");
}

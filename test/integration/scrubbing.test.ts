/**
 * Scrubbing of the running server: damage on the disk is found before somebody meets it, told once, kept aside, and
 * nothing else changes.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { StoreEntry } from "../../src/cold/key-value-store.ts";
import { dataFrom, inlineKeyOf } from "../../src/cold/keys.ts";
import { openLevelStore } from "../../src/cold/level-store.ts";
import { readHeader } from "../../src/cold/record.ts";
import { readReleased } from "../../src/cold/stamp.ts";
import { RawClient } from "../support/raw-client.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { fill, infoOf, POLL } from "./server-fixture.ts";

const KEYS = 1000;
const PAGE_BYTES = 4096;
const STOPPED = ["--maxmemory", "6mb", "--cold-tier-spill-all", "yes", "--scrub-bytes-per-second", "0"];
let folder: string;
let server: ServerProcess;
let client: RawClient;

beforeEach(async () => {
  folder = join(temporaryFolder(), "data");
  mkdirSync(folder);
  await start();
  await fill(client, 0, KEYS, 500);
  await client.run("BGREWRITEAOF");
  await expect.poll(() => infoOf(client, "aof_rewrite_in_progress"), POLL).toBe("0");
  await fill(client, 0, 50, 500);
});
afterEach(async () => {
  client.close();
  await server.kill();
  removeFolder(join(folder, ".."));
});

async function start(): Promise<void> {
  server = await startServerProcess(folder, STOPPED);
  client = await RawClient.connect(server.port);
}

/** Has everything read once. */
async function scrub(): Promise<void> {
  expect(await infoOf(client, "scrub_rounds")).toBe("0");
  await client.run("CONFIG", "SET", "scrub-bytes-per-second", "100mb");
  await expect.poll(() => infoOf(client, "scrub_rounds"), POLL).toBe("1");
}

function quarantine(): Record<string, unknown>[] {
  const path = join(folder, "quarantine.jsonl");
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function flip(kind: string): void {
  const log = join(folder, "appendonlydir");
  const path = join(log, readdirSync(log).find((name) => name.includes(`.${kind}.`))!);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(path, bytes);
}

test("what is right is read and found right", async () => {
  await scrub();
  expect(Number(await infoOf(client, "scrub_bytes_read"))).toBeGreaterThan(KEYS * 100);
  expect(await infoOf(client, "scrub_damaged_records")).toBe("0");
  expect(await infoOf(client, "scrub_damaged_files")).toBe("0");
  expect(quarantine()).toEqual([]);
});

test("a damaged record is told once and kept aside; whoever asks for it gets an error", async () => {
  client.close();
  await server.kill();
  const store = await openLevelStore()(join(folder, "cold-tier"));
  const cursor = store.cursor(dataFrom(0));
  const entries: StoreEntry[] = [];
  for (let part = await cursor.next(128); part.length > 0; part = await cursor.next(128))
    entries.push(...part);
  await cursor.close();
  // What was written after the checkpoint is taken back at the start, and the log does not touch keys from 50 on.
  const { generation } = readReleased(store);
  const [key, value] = entries.find(
    ([name, bytes]) =>
      Number(inlineKeyOf(name).toString().slice(1)) >= 50 && readHeader(name, bytes).generation < generation,
  )!;
  const name = inlineKeyOf(key).toString();
  value[60] ^= 1;
  await store.batch([{ key, value }], true);
  await store.close();
  await start();
  await scrub();
  expect(await infoOf(client, "scrub_damaged_records")).toBe("1");
  expect(server.output.match(/Scrubbing found damage in the cold tier, database 0/g)).toHaveLength(1);
  expect(quarantine()).toEqual([
    expect.objectContaining({ what: "cold record", db: 0, key: name, value: value.toString("base64") }),
  ]);
  expect(await client.text("GET", name)).toMatch(/^-/);
  expect(await client.text("DBSIZE")).toBe(`:${KEYS}\r\n`);
  expect((await client.text("GET", "k7")).startsWith("$500")).toBe(true);
});

test("damaged files are told; BGREWRITEAOF makes new ones, from which the server starts", async () => {
  flip("base");
  flip("incr");
  await scrub();
  expect(await infoOf(client, "scrub_damaged_files")).toBe("2");
  expect(quarantine().map(({ what }) => what)).toEqual(["base file", "append-only file"]);
  expect(server.output).toContain("BGREWRITEAOF writes new files");
  await client.run("BGREWRITEAOF");
  await expect.poll(() => infoOf(client, "aof_rewrites"), POLL).toBe("2");
  await expect.poll(() => infoOf(client, "aof_rewrite_in_progress"), POLL).toBe("0");
  client.close();
  await server.kill();
  await start();
  expect(await client.text("DBSIZE")).toBe(`:${KEYS}\r\n`);
});

test("zeros in a table are told without LevelDB, and records are left alone", async () => {
  client.close();
  await server.stop();
  await start();
  const tier = join(folder, "cold-tier");
  const paths = readdirSync(tier).filter((name) => name.endsWith(".ldb"));
  const [name] = paths.sort((a, b) => statSync(join(tier, b)).size - statSync(join(tier, a)).size);
  // LevelDB has the file mapped into memory: it is changed where it is.
  const file = openSync(join(tier, name), "r+");
  writeSync(file, Buffer.alloc(PAGE_BYTES), 0, PAGE_BYTES, PAGE_BYTES);
  closeSync(file);
  await scrub();
  const damages = Number(await infoOf(client, "scrub_damaged_files"));
  expect(damages).toBeGreaterThan(0);
  expect(await infoOf(client, "scrub_damaged_records")).toBe("0");
  expect(server.output).toContain(`Scrubbing found the table of the cold tier ${name} damaged at offset`);
  expect(server.output).toContain("see what tsredis-check-tier can save");
  expect(quarantine()).toHaveLength(damages);
  expect(quarantine()[0]).toMatchObject({ what: "table of the cold tier", file: name });
  expect(await client.text("PING")).toBe("+PONG\r\n");
});

test("0 reads nothing", async () => {
  await client.run("CONFIG", "SET", "hz", "100");
  for (let i = 0; i < 50; i++) await client.run("PING");
  expect(await infoOf(client, "scrub_enabled")).toBe("0");
  expect(await infoOf(client, "scrub_bytes_read")).toBe("0");
});

/**
 * Goal: where LevelDB cannot read a block of records, nothing passes for complete that is not, and all else is served:
 * walks over the keys say what they could not read, and SCAN goes past it. Method: a directory made by the real
 * program, with the type of one block in a table file overwritten.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TableFile } from "../../src/cold/level/table-file.ts";
import { memoryFile } from "../persistence/memory-file.ts";
import { RawClient } from "../support/raw-client.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { fill, POLL } from "./server-fixture.ts";

const KEYS = 2000;
const VALUE_BYTES = 100;
const ALL_COLD = ["--cold-tier-spill-all", "yes", "--scrub-bytes-per-second", "0"];
/** Behind each block of a table: its type, and a checksum. */
const TRAILER_BYTES = 5;
const NO_TYPE = 7;

const folder = temporaryFolder();
let server: ServerProcess;
let client: RawClient;
/** The keys whose values cannot be read. */
let lost: string[];

/** Offset of the block in which a byte of a table lies. */
async function blockAt(table: Buffer, offset: number): Promise<number> {
  const damaged = Buffer.from(table);
  damaged[offset] ^= 1;
  for await (const { damage } of (await TableFile.open(memoryFile(damaged))).verify())
    if (damage !== undefined) return damage.offset;
  throw new Error("no block is damaged");
}

/** Makes a block in the middle of the largest table one that LevelDB refuses. */
async function damageBlock(store: string): Promise<void> {
  const paths = readdirSync(store)
    .filter((name) => name.endsWith(".ldb"))
    .map((name) => join(store, name));
  const [path] = paths.sort((a, b) => statSync(b).size - statSync(a).size);
  const table = readFileSync(path);
  const start = await blockAt(table, table.length >> 1);
  table[start - TRAILER_BYTES] = NO_TYPE;
  writeFileSync(path, table);
}

/** Walks to the end, past what cannot be read. */
async function scanAll(count: number): Promise<{ readonly keys: Set<string>; readonly errors: string[] }> {
  const keys = new Set<string>();
  const errors: string[] = [];
  for (let cursor: string | undefined = "0"; ; ) {
    const reply = await client.text("SCAN", cursor, "COUNT", count);
    const [, next] = /^-ERR Some keys cannot be read .*SCAN (\d+) goes past them\r\n$/.exec(reply) ?? [];
    if (next !== undefined) errors.push(reply);
    const lines = reply.split("\r\n");
    cursor = next ?? lines[2];
    if (next === undefined) for (let i = 5; i < lines.length; i += 2) keys.add(lines[i]);
    if (cursor === "0") return { keys, errors };
  }
}

async function start(): Promise<void> {
  server = await startServerProcess(folder, ALL_COLD);
  client = await RawClient.connect(server.port);
}

beforeAll(async () => {
  await start();
  await fill(client, 0, KEYS, VALUE_BYTES);
  await client.run("BGREWRITEAOF");
  while (!(await client.text("INFO", "persistence")).includes("aof_rewrite_in_progress:0"))
    await client.run("PING");
  client.close();
  await server.stop();
  await damageBlock(join(folder, "cold-tier"));
  await start();
  const replies = await client.runAll(Array.from({ length: KEYS }, (_, i) => ["STRLEN", `k${i}`]));
  lost = replies.flatMap((reply, i) => (reply.toString().startsWith("-") ? [`k${i}`] : []));
  expect(lost.length).toBeGreaterThan(5);
  expect(lost.length).toBeLessThan(KEYS / 10);
});
afterAll(async () => {
  client.close();
  await server.kill();
  removeFolder(folder);
});

test("SCAN says where it cannot read, and goes past it", async () => {
  const { errors, keys } = await scanAll(20);
  expect(errors.length).toBeGreaterThan(0);
  expect([...keys].filter((key) => lost.includes(key))).toEqual([]);
  // With what was lost, the steps that met it left out their other keys.
  expect(keys.size + lost.length).toBeGreaterThan(KEYS - 20 * (errors.length + 1));
  // Each of these steps is a quarter of all keys, and the damaged block is within one or two.
  const { keys: farther } = await scanAll(KEYS / 4);
  expect(farther.size).toBeLessThan(keys.size);
});

test("KEYS says so, also in a transaction; what reads no names is exact", async () => {
  const refusal =
    /^-ERR Some keys cannot be read from the cold tier: .*Corruption.*SCAN can go past them\r\n$/;
  expect(await client.text("KEYS", "*")).toMatch(refusal);
  const replies = await client.runAll([
    ["MULTI"],
    ["KEYS", "*"],
    ["DBSIZE"],
    ["SCAN", 0, "COUNT", 9999],
    ["EXEC"],
  ]);
  const [, first, second, third] = replies[4].toString().split(/^(?=[-:])/m);
  expect(first).toMatch(refusal);
  expect(second).toBe(`:${KEYS}\r\n`);
  expect(third).toMatch(/^-ERR Some keys cannot be read .*No others follow them\r\n$/);
  expect(await client.text("DBSIZE")).toBe(`:${KEYS}\r\n`);
});

test("RANDOMKEY names others; a dump, which would be incomplete, is not made", async () => {
  for (let i = 0; i < 100; i++) {
    const [, key] = (await client.text("RANDOMKEY")).split("\r\n");
    expect(key).toMatch(/^k\d+$/);
    expect(lost).not.toContain(key);
  }
  expect(await client.text("SAVE")).toBe("-ERR\r\n");
  await expect
    .poll(() => server.output, POLL)
    .toContain("Write error saving DB on disk: reading from the store failed: Corruption");
});

/**
 * A data directory with hot and cold data of every type, for tests of the tools that read one: made by the real
 * program, killed in the middle of it. And how the tools are run in this process.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { realFiles } from "../../src/base/real-files.ts";
import { type RdbEntry, RdbReader } from "../../src/persistence/rdb/reader.ts";
import { newScratchMemory } from "../../src/persistence/rdb/value-check.ts";
import { dataTypeOfRdb, LOADABLE_RDB_TYPES } from "../../src/types/registry.ts";
import { ValueDigest } from "../../src/types/value-digest.ts";
import { main as exportMain } from "../../tools/export/main.ts";
import type { Surroundings } from "../../tools/shared/surroundings.ts";
import { sampleRequests } from "../integration/contents.ts";
import { fill } from "../integration/server-fixture.ts";
import { memoryFile } from "../persistence/memory-file.ts";
import { RawClient } from "../support/raw-client.ts";
import { startServerProcess } from "../support/server-process.ts";

export const SMALL_MEMORY = ["--maxmemory", "6mb"];
const VALUE_BYTES = 700;
const LIBRARY = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";

/** Keys that come into memory again before the checkpoint. */
const WARM_KEYS = 20;

/** Fills an empty folder with `keys` strings and samples of all types; a checkpoint, and changes behind it. */
export async function makeTierDirectory(
  folder: string,
  keys: number,
  memory: readonly string[] = SMALL_MEMORY,
): Promise<void> {
  const server = await startServerProcess(folder, [...memory, "--appendfsync", "always"]);
  const client = await RawClient.connect(server.port);
  const send = async (requests: Parameters<RawClient["runAll"]>[0]): Promise<void> => {
    for (const reply of await client.runAll(requests))
      if (reply.toString("latin1").startsWith("-")) throw new Error(reply.toString());
  };
  await send(sampleRequests());
  await fill(client, 0, keys, VALUE_BYTES);
  await send([
    ["FUNCTION", "LOAD", LIBRARY],
    ["SET", "long:".repeat(300), "a key by its digest"],
    ["SET", "short-lived", "gone", "PX", 1],
  ]);
  // At the checkpoint these lie in memory, over their records: as they are there, changed, or deleted.
  await send(Array.from({ length: WARM_KEYS }, (_, i) => ["SET", `warm${i}`, "w".repeat(300)]));
  await send([["TIER", "DEMOTE", "MATCH", "warm*"]]);
  await send([["TIER", "PIN", "MATCH", "warm*"]]);
  await send([
    ["APPEND", "warm1", "more"],
    ["DEL", "warm2"],
  ]);
  await client.run("BGREWRITEAOF");
  while (!(await client.text("INFO", "persistence")).includes("aof_rewrite_in_progress:0"))
    await client.run("PING");
  await send(Array.from({ length: keys / 10 }, (_, i) => ["APPEND", `k${i * 3}`, "more"]));
  await send([
    ["APPEND", "warm3", "more"],
    ["DEL", "warm4"],
    ["TIER", "UNPIN", "MATCH", "*"],
  ]);
  // Behind them, so that some of these are on disk as they are now.
  await fill(client, keys, keys + keys / 2, VALUE_BYTES);
  await send(Array.from({ length: keys / 10 }, (_, i) => ["DEL", `k${i * 7}`]));
  await send([["SWAPDB", 0, 5]]);
  client.close();
  await server.kill();
}

export interface ToolRun {
  readonly status: number;
  readonly output: Buffer;
  /** What went to the terminal. */
  readonly errors: string;
}

/** Runs a tool's main in this process. */
export async function runTool(
  main: (args: readonly string[], surroundings: Surroundings) => Promise<number>,
  args: readonly string[],
  input = "",
): Promise<ToolRun> {
  const [output, terminal] = [new PassThrough(), new PassThrough()];
  const chunks: Buffer[] = [];
  const errors: Buffer[] = [];
  output.on("data", (chunk: Buffer) => chunks.push(chunk));
  terminal.on("data", (chunk: Buffer) => errors.push(chunk));
  const status = await main(args, {
    files: realFiles,
    input: Readable.from(input === "" ? [] : [Buffer.from(input)]),
    output,
    terminal,
    nowMs: Date.now(),
  });
  output.end();
  terminal.end();
  return { status, output: Buffer.concat(chunks), errors: Buffer.concat(errors).toString("latin1") };
}

const DIGEST_MEMORY = newScratchMemory();

/** What a server would hold that starts on a directory now: for each database and key a text of its value and
 * expiry. */
export async function valuesIn(folder: string): Promise<Map<string, string>> {
  const { output, status, errors } = await runTool(exportMain, ["--memory", "64mb", folder, "-"]);
  if (status !== 0) throw new Error(errors);
  const values = new Map<string, string>();
  const reader = await RdbReader.open(memoryFile(output), { loadableTypes: LOADABLE_RDB_TYPES });
  for await (const record of reader) {
    if (record.kind !== "entry") continue;
    const { db, expireMs, key } = record;
    values.set(`${db} ${key.toString("latin1")}`, `${expireMs ?? "never"} ${digestOf(record)}`);
  }
  return values;
}

function digestOf({ key, payload, type, value }: RdbEntry): string {
  if (value !== undefined) return createHash("sha256").update(value).digest("hex");
  const { entries } = DIGEST_MEMORY;
  const dataType = dataTypeOfRdb(type);
  const unpacked = dataType.unpack(DIGEST_MEMORY, type, payload!);
  const address = entries.create(dataType.type, 0, key, 0, key.length, unpacked.length);
  unpacked.fill(DIGEST_MEMORY, address);
  entries.setEncoding(address, unpacked.encoding);
  const digest = new ValueDigest();
  dataType.digest(DIGEST_MEMORY, address, digest);
  return digest.bytes.toString("hex");
}

/** Names and contents of all files in a folder, as one text. */
export function fingerprint(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  return files
    .map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return `${path} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`;
    })
    .sort()
    .join("\n");
}

/**
 * A data directory with hot and cold data of every type, for tests of the tools that read one: made by the real
 * program, killed in the middle of it. And how the tools are run in this process.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { realFiles } from "../../src/base/real-files.ts";
import type { Surroundings } from "../../tools/shared/surroundings.ts";
import { sampleRequests } from "../integration/contents.ts";
import { fill } from "../integration/server-fixture.ts";
import { RawClient } from "../support/raw-client.ts";
import { startServerProcess } from "../support/server-process.ts";

export const SMALL_MEMORY = ["--maxmemory", "6mb"];
const VALUE_BYTES = 700;
const LIBRARY = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";

/** Fills an empty folder with `keys` strings and samples of all types; a checkpoint, and changes behind it. */
export async function makeTierDirectory(folder: string, keys: number): Promise<void> {
  const server = await startServerProcess(folder, [...SMALL_MEMORY, "--appendfsync", "always"]);
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
  await client.run("BGREWRITEAOF");
  while (!(await client.text("INFO", "persistence")).includes("aof_rewrite_in_progress:0"))
    await client.run("PING");
  await fill(client, keys, keys + keys / 4, VALUE_BYTES);
  await send(Array.from({ length: keys / 10 }, (_, i) => ["DEL", `k${i * 7}`]));
  await send(Array.from({ length: keys / 10 }, (_, i) => ["APPEND", `k${i * 3}`, "more"]));
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

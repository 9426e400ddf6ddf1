/** Runs tsredis-check-aof in this process, and the real redis-check-aof, on the same files. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { expect } from "vitest";
import { realFiles } from "../../src/base/real-files.ts";
import { main } from "../../tools/check-aof/main.ts";
import { BlockFile, command } from "../persistence/aof/aof-files.ts";
import { runRedisTool, type ToolResult } from "../support/redis-server.ts";

/** Runs our tool; relative paths are taken from `folder`, as after a `cd`. */
export async function runOurs(
  folder: string,
  args: string[],
  input: string | Readable = "",
): Promise<ToolResult> {
  const output = new PassThrough();
  const chunks: Buffer[] = [];
  output.on("data", (chunk: Buffer) => chunks.push(chunk));
  const before = process.cwd();
  process.chdir(folder);
  try {
    const status = await main(args, {
      files: realFiles,
      input: typeof input === "string" ? Readable.from(input === "" ? [] : [Buffer.from(input)]) : input,
      output,
      terminal: new PassThrough(),
      nowMs: Date.now(),
    });
    output.end();
    return { status, output: Buffer.concat(chunks).toString("latin1") };
  } finally {
    process.chdir(before);
  }
}

/** The real tool, in the same folder. */
export function runTheirs(folder: string, args: string[], input = ""): ToolResult {
  return runRedisTool("redis-check-aof", args, input, folder);
}

/**
 * A result without what must differ: the program's name, process id and time in log lines, our line about the backup,
 * and the byte behind the end of a C text, which redis-check-aof reads from whatever lies there.
 */
export function comparable(result: ToolResult): ToolResult {
  const output = result.output
    .replaceAll(/^AOF .* backed up to .*\n/gm, "")
    .replaceAll(/^[0-9]+:[A-Z] .{24} # /gm, "LOG ")
    .replaceAll("tsredis-check-aof", "redis-check-aof")
    .replaceAll(/(got: 00)[0-9a-f]{2,8}$/gm, "$1??");
  return { status: result.status, output };
}

/** Writes the same files into two folders, runs one tool in each, and returns results and files afterwards. */
export async function runBoth(
  folders: readonly [string, string],
  files: Record<string, Buffer>,
  args: string[],
  input = "",
): Promise<{ ours: ToolResult; theirs: ToolResult; oursAfter: Buffer[]; theirsAfter: Buffer[] }> {
  for (const folder of folders) {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  }
  const ours = comparable(await runOurs(folders[0], args, input));
  const theirs = comparable(runTheirs(folders[1], args, input));
  const after = (folder: string) => Object.keys(files).map((name) => readFileSync(join(folder, name)));
  return { ours, theirs, oursAfter: after(folders[0]), theirsAfter: after(folders[1]) };
}

/** A file of blocks, each with one SET of the key `name` to its number. */
export function blocks(name: string, count = 4): BlockFile {
  const file = new BlockFile();
  for (let i = 0; i < count; i++) {
    const content = [command("SET", `${name}${i}`, `value ${i}`)];
    if (i === 0) content.unshift(command("SELECT", "0"));
    file.block(Buffer.concat(content), file.bytes.length, i === 0 ? undefined : 0);
  }
  return file;
}

/** The bytes with a flipped bit where `text` begins. */
export function damage(bytes: Buffer, text: string): Buffer {
  const damaged = Buffer.from(bytes);
  const at = damaged.indexOf(text);
  expect(at).toBeGreaterThan(0);
  damaged[at] ^= 1;
  return damaged;
}

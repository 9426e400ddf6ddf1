/** Runs tsredis-check-rdb in this process. */
import { PassThrough, Readable } from "node:stream";
import { realFiles } from "../../src/base/real-files.ts";
import { main } from "../../tools/check-rdb/main.ts";
import type { ToolResult } from "../support/redis-server.ts";

/** Runs our tool; relative paths are taken from `folder`, as after a `cd`. */
export async function runCheckRdb(folder: string, args: string[], input?: Buffer): Promise<ToolResult> {
  const output = new PassThrough();
  const chunks: Buffer[] = [];
  output.on("data", (chunk: Buffer) => chunks.push(chunk));
  const before = process.cwd();
  process.chdir(folder);
  try {
    const status = await main(args, {
      files: realFiles,
      input: Readable.from(input === undefined ? [] : [input]),
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

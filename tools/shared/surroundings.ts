/** What a tool needs of the process it runs in, and its own version. */
import { fileURLToPath } from "node:url";
import type { Files } from "../../src/base/files.ts";
import { realFiles } from "../../src/base/real-files.ts";
import { EXIT_FAILED, type Terminal } from "./console.ts";
import { errorText } from "./texts.ts";

export interface Surroundings {
  readonly files: Files;
  readonly input: NodeJS.ReadableStream;
  readonly output: Terminal;
  /** For the progress bar. */
  readonly terminal: Terminal;
  readonly nowMs: number;
}

/** The real process. That its output cannot be written does not end a repair midway. */
export function processSurroundings(): Surroundings {
  let isTold = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // Who reads no further (`| head`) wants no more.
    if (isTold || error.code === "EPIPE") return;
    isTold = true;
    process.stderr.write(`Cannot write to standard output: ${errorText(error)}\n`);
    process.once("exit", () => {
      process.exitCode = EXIT_FAILED;
    });
  });
  return {
    files: realFiles,
    input: process.stdin,
    output: process.stdout,
    terminal: process.stderr,
    nowMs: Date.now(),
  };
}

/** The version in the package's description, which lies above this file, nearer or farther, built or not. */
export async function ownVersion(files: Files): Promise<string> {
  for (let folder = new URL(".", import.meta.url); folder.pathname !== "/"; folder = new URL("..", folder)) {
    const path = fileURLToPath(new URL("package.json", folder));
    if ((await files.stat(path)) === undefined) continue;
    const description: unknown = JSON.parse((await files.readFile(path)).toString("utf8"));
    if (typeof description === "object" && description !== null && "version" in description) {
      return String(description.version);
    }
  }
  return "of unknown version";
}

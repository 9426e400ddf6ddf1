/**
 * Starts the built server as a process of its own, as users do. `npm test` builds it first; TSREDIS_SERVER names
 * another build's main.cjs.
 */
import { fileURLToPath } from "node:url";
import { type ProgramExit, runToEnd, type ServerProcess, startListening } from "./child-servers.ts";
import { freePort } from "./free-port.ts";

import { SPILL_ARGUMENTS } from "./spill-mode.ts";

export type { ServerProcess };

const MAIN =
  process.env["TSREDIS_SERVER"] ?? fileURLToPath(new URL("../../dist/src/main.cjs", import.meta.url));
const RUN_TIMEOUT_MS = 100_000;

/**
 * Starts a server on the data in `folder` and a free port of 127.0.0.1. `args` come last and win. Resolves when it
 * accepts connections, rejects with its output if it ends before.
 */
export async function startServerProcess(
  folder: string,
  args: readonly string[] = [],
): Promise<ServerProcess> {
  const port = await freePort();
  const fixed = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, ...SPILL_ARGUMENTS];
  return await startServerWith([...fixed, ...args], folder, port);
}

/** As above, with exactly these arguments, which make it listen on `port`, and with `folder` as working folder. */
export async function startServerWith(
  args: readonly string[],
  folder: string,
  port: number,
  awaited?: string,
): Promise<ServerProcess> {
  return await startListening(process.execPath, [MAIN, ...args], folder, port, awaited);
}

/** Runs the program with exactly these arguments, and `input` to read, to its end; for starts that must fail. */
export async function runServerProgram(
  args: readonly string[],
  folder: string,
  input = "",
): Promise<ProgramExit> {
  return await runToEnd(process.execPath, [MAIN, ...args], folder, input, RUN_TIMEOUT_MS);
}

/**
 * Starts the built server as a process of its own, as users do. `npm test` builds it first; TSREDIS_SERVER names
 * another build's main.cjs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { freePort } from "./redis-server.ts";

const MAIN =
  process.env["TSREDIS_SERVER"] ?? fileURLToPath(new URL("../../dist/src/main.cjs", import.meta.url));
const READY = "Ready to accept connections";

export interface ServerProcess {
  readonly port: number;
  readonly pid: number;
  /** All it has printed so far. */
  readonly output: string;
  /** Resolves to the exit code when the process has ended by itself; null after a signal killed it. */
  readonly ended: Promise<number | null>;
  /** Ends it with SIGTERM, which saves everything; resolves to the exit code. */
  stop(): Promise<number | null>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
}

export interface ServerExit {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/**
 * Starts a server on the data in `folder` and a free port of 127.0.0.1. `args` come last and win. Resolves when it
 * accepts connections, rejects with its output if it ends before.
 */
export async function startServerProcess(
  folder: string,
  args: readonly string[] = [],
): Promise<ServerProcess> {
  const port = await freePort();
  return await startServerWith(
    ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, ...args],
    folder,
    port,
  );
}

/** As above, with exactly these arguments, which make it listen on `port`, and with `folder` as working folder. */
export async function startServerWith(
  args: readonly string[],
  folder: string,
  port: number,
): Promise<ServerProcess> {
  const child = launch(args, folder);
  const printed = collect(child);
  const ended = exitOf(child);
  await new Promise<void>((resolve, reject) => {
    const look = () => {
      if (printed.output.includes(READY)) resolve();
    };
    child.stdout!.on("data", look);
    ended.then(
      (status) =>
        reject(new Error(`the server ended with ${status}:\n${printed.output}${printed.errors}`)),
      reject,
    );
  });
  return {
    port,
    pid: child.pid!,
    get output() {
      return printed.output + printed.errors;
    },
    ended,
    async stop() {
      child.kill("SIGTERM");
      return await ended;
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Runs the program with exactly these arguments to its end; for starts that must fail. It ends after `timeoutMs`. */
export async function runServerProgram(
  args: readonly string[],
  folder: string,
  input = "",
  timeoutMs = 30_000,
): Promise<ServerExit> {
  const child = launch(args, folder);
  child.stdin!.on("error", () => {}).end(input);
  const printed = collect(child);
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const status = await exitOf(child);
  clearTimeout(timer);
  return { status, output: printed.output, errors: printed.errors };
}

function launch(args: readonly string[], folder: string): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: ["pipe", "pipe", "pipe"] });
  // A test that runs out of time must not leave a server behind.
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("close", () => process.removeListener("exit", end));
  return child;
}

function collect(child: ChildProcess): { output: string; errors: string } {
  const printed = { output: "", errors: "" };
  child.stdout!.on("data", (bytes: Buffer) => {
    printed.output += bytes.toString();
  });
  child.stderr!.on("data", (bytes: Buffer) => {
    printed.errors += bytes.toString();
  });
  return printed;
}

/** When the process has ended and its output has been read. */
function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  });
}

/**
 * Starts programs that listen on a port, Redis and tsredis alike. Owns their processes: each is ended when the file's
 * tests are over, also when a test that should have ended it failed or ran out of time.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { afterAll } from "vitest";

/** A running server. */
export interface ServerProcess {
  readonly port: number;
  readonly pid: number;
  /** All it has printed so far. */
  readonly output: string;
  /** Resolves to the exit code when the process has ended by itself; null after a signal killed it. */
  readonly ended: Promise<number | null>;
  /** Ends it with SIGTERM, on which it saves what it is to save; resolves to the exit code. */
  stop(): Promise<number | null>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
}

/** How a program ended. */
export interface ProgramExit {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Redis and tsredis say it alike. */
const READY = "Ready to accept connections";
/** The same when they listen and load data. */
export const LISTENING = "Server initialized";

const running = new Set<ChildProcess>();
const killAll = () => {
  for (const child of running) child.kill("SIGKILL");
};
afterAll(killAll);
// When the runner gives up a file there are no hooks: it ends this process, or is itself gone and the channel with it.
process.once("exit", killAll);
process.once("disconnect", () => process.exit());
process.once("SIGTERM", () => process.exit());

/**
 * Starts a program whose `args` make it listen on `port`, with `folder` as working folder. Resolves when it has
 * printed `awaited` (by default, that it accepts connections), rejects with its output if it ends before.
 */
export async function startListening(
  program: string,
  args: readonly string[],
  folder: string,
  port: number,
  awaited: string = READY,
): Promise<ServerProcess> {
  const child = launch(program, args, folder);
  const printed = collect(child);
  const ended = exitOf(child);
  await new Promise<void>((resolve, reject) => {
    child.stdout!.on("data", () => {
      if (printed.output.includes(awaited)) resolve();
    });
    ended.then(
      (status) => reject(new Error(`${program} ended with ${status}:\n${printed.output}${printed.errors}`)),
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

/** Runs a program with `input` to its end, or kills it after `timeoutMs`. */
export async function runToEnd(
  program: string,
  args: readonly string[],
  folder: string,
  input: string,
  timeoutMs: number,
): Promise<ProgramExit> {
  const child = launch(program, args, folder);
  child.stdin!.on("error", () => {}).end(input);
  const printed = collect(child);
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const status = await exitOf(child);
  clearTimeout(timer);
  return { status, output: printed.output, errors: printed.errors };
}

function launch(program: string, args: readonly string[], folder: string): ChildProcess {
  const child = spawn(program, args, { cwd: folder, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  child.once("close", () => running.delete(child));
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

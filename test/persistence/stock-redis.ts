/**
 * The real Redis 7.0, as an oracle: a server on a Unix socket in a folder of its own, and the offline tools.
 * Where it is not installed, tests that need it are skipped, visibly; where CI is set, that is an error.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";

/** Whether the real redis-server and its tools can be run. */
export const hasStockRedis: boolean = ["redis-server", "redis-check-rdb", "redis-check-aof"].every(
  (name) => spawnSync(name, ["--version"]).error === undefined,
);
if (!hasStockRedis && process.env.CI !== undefined) throw new Error("redis-server is not installed");

/** A new folder below the system's temporary one. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "tsredis-test-"));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

export interface StockServer {
  readonly client: Redis;
  stop(): Promise<void>;
}

/** Starts redis-server in `folder` and waits until it has loaded its data. Rejects with its log if it does not
 * start. */
export async function startStockServer(folder: string, ...settings: string[]): Promise<StockServer> {
  const socket = join(folder, "redis.sock");
  const defaults = [
    "--port",
    "0",
    "--unixsocket",
    socket,
    "--dir",
    folder,
    "--save",
    "",
    "--enable-debug-command",
    "yes",
  ];
  const child = spawn("redis-server", [...defaults, ...settings], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.on("data", (data: Buffer) => {
    log += data.toString();
  });
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (data: Buffer) => {
      log += data.toString();
      if (log.includes("ready to accept connections")) resolve();
    });
    void exited.then(() => reject(new Error(`redis-server ended: ${log}`)));
  });
  const client = new Redis(socket, { lazyConnect: true });
  await client.connect();
  return {
    client,
    async stop() {
      client.disconnect();
      child.kill("SIGKILL");
      await exited;
    },
  };
}

export interface ToolResult {
  readonly status: number | null;
  /** Standard output, one character per byte. */
  readonly output: string;
}

/** Runs a program to its end. `input` is its standard input; without, that is empty. */
export function runTool(command: string, args: string[], input = "", folder?: string): ToolResult {
  const result = spawnSync(command, args, {
    input,
    encoding: "latin1",
    ...(folder === undefined ? {} : { cwd: folder }),
  });
  if (result.error !== undefined) throw result.error;
  return { status: result.status, output: result.stdout };
}

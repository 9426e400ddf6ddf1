/**
 * A stock redis-server for comparisons of configuration, where one of version 7.0 is installed.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { Redis } from "ioredis";

/** Whether comparisons can run here. */
export const hasRealServer = /v=7\.0\./.test(
  spawnSync("redis-server", ["--version"], { encoding: "utf8" }).stdout ?? "",
);

export interface RealServer {
  readonly client: Redis;
  /** The reply, or the error's text. */
  ask(...args: (string | Buffer)[]): Promise<unknown>;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** Starts redis-server with `args` before `--port` and resolves when it answers. */
export async function startRealServer(args: readonly string[], folder: string): Promise<RealServer> {
  const port = await freePort();
  const child = spawn("redis-server", [...args, "--port", String(port)], { cwd: folder, stdio: "pipe" });
  await untilReady(child);
  const client = new Redis(port, "127.0.0.1", { maxRetriesPerRequest: 0, retryStrategy: () => null });
  return {
    client,
    async ask(command, ...rest) {
      try {
        return await client.call(String(command), ...rest);
      } catch (error) {
        return (error as Error).message;
      }
    },
    async stop() {
      client.disconnect();
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function untilReady(child: ChildProcess): Promise<void> {
  let output = "";
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`redis-server ended with ${code}: ${output}`)));
    child.stderr?.on("data", (data: Buffer) => {
      output += data.toString();
    });
    child.stdout?.on("data", (data: Buffer) => {
      output += data.toString();
      if (output.includes("Ready to accept connections")) resolve();
    });
  });
  child.removeAllListeners("exit");
}

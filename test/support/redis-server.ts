/**
 * The stock Redis 7.0, the oracle of many tests: its server and its offline tools. Tests that need it use
 * `describe.skipIf(!hasRedisServer)`; a missing one is said on stderr, and is an error where CI is set: a comparison
 * must not vanish unnoticed.
 */
import { spawnSync } from "node:child_process";
import { Redis } from "ioredis";
import { type ServerProcess, startListening } from "./child-servers.ts";
import { freePort } from "./free-port.ts";

export type RedisServer = ServerProcess;

export interface ToolResult {
  readonly status: number | null;
  /** Standard output, one character per byte. */
  readonly output: string;
}

const PROGRAM = "redis-server";
const TOOLS = ["redis-check-aof", "redis-check-rdb"] as const;
const TOOL_TIMEOUT_MS = 60_000;

/** Whether a redis-server of version 7.0 and its tools are on the PATH: other versions behave differently. */
export const hasRedisServer: boolean = findRedisServer();

function findRedisServer(): boolean {
  const { stdout } = spawnSync(PROGRAM, ["--version"], { encoding: "utf8" });
  const hasTools = TOOLS.every((name) => spawnSync(name, ["--version"]).error === undefined);
  if (/v=7\.0\./.test(stdout ?? "") && hasTools) return true;
  const note = `no ${PROGRAM} 7.0 with its tools on the PATH: comparisons with it are left out`;
  if (process.env["CI"] !== undefined) throw new Error(note);
  process.stderr.write(`${note}\n`);
  return false;
}

/**
 * Starts a server on a free port of 127.0.0.1, in `folder`, without persistence unless `args` ask for it. Resolves
 * when it accepts connections, rejects with its output if it ends before.
 */
export async function startRedisServer(args: readonly string[], folder: string): Promise<RedisServer> {
  const fixed = ["--dir", folder, "--daemonize", "no", "--save", "", "--logfile", ""];
  return await startPlainRedisServer([...fixed, ...args], folder);
}

/** As above, with Redis's own defaults for all but `args` and the address. */
export async function startPlainRedisServer(args: readonly string[], folder: string): Promise<RedisServer> {
  const port = await freePort();
  return await startListening(
    PROGRAM,
    [...args, "--bind", "127.0.0.1", "--port", String(port)],
    folder,
    port,
  );
}

/** A client of a server on 127.0.0.1 that does not connect again; the caller disconnects it. */
export async function connectRedis(port: number): Promise<Redis> {
  const options = { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null };
  const client = new Redis(port, "127.0.0.1", options);
  await client.connect();
  return client;
}

/** Starts a server as `startRedisServer` does, and ends it when `body` is done with it. */
export async function withRedisServer(
  args: readonly string[],
  folder: string,
  body: (client: Redis) => Promise<void>,
): Promise<void> {
  const server = await startRedisServer(args, folder);
  try {
    const client = await connectRedis(server.port);
    await body(client).finally(() => client.disconnect());
  } finally {
    await server.stop();
  }
}

/** Runs one of Redis's offline tools to its end; without `folder` in the present one. */
export function runRedisTool(
  tool: (typeof TOOLS)[number],
  args: readonly string[],
  input = "",
  folder?: string,
): ToolResult {
  const { error, status, stdout } = spawnSync(tool, args, {
    input,
    encoding: "latin1",
    timeout: TOOL_TIMEOUT_MS,
    ...(folder === undefined ? {} : { cwd: folder }),
  });
  // One that ends without reading its input is no failure.
  if (error !== undefined && (error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  return { status, output: stdout };
}

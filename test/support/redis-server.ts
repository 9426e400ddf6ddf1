/**
 * Starts a stock redis-server, the oracle of many tests. Tests that need it use `describe.skipIf(!hasRedisServer)`; a
 * missing server is said on stderr, and is an error where CI is set: a comparison must not vanish unnoticed.
 */
import { spawn, spawnSync } from "node:child_process";
import { connect, createServer } from "node:net";

export interface RedisServer {
  readonly port: number;
  readonly pid: number;
  /** Ends the process (SIGTERM, which saves if the configuration says so) and waits for its end. */
  stop(): Promise<void>;
}

const PROGRAM = "redis-server";

/** Whether a redis-server of version 7.0 is on the PATH: other versions behave differently. */
export const hasRedisServer: boolean = findRedisServer();

function findRedisServer(): boolean {
  const { stdout } = spawnSync(PROGRAM, ["--version"], { encoding: "utf8" });
  if (/v=7\.0\./.test(stdout ?? "")) return true;
  const note = `no ${PROGRAM} 7.0 on the PATH: comparisons with it are left out`;
  if (process.env["CI"] !== undefined) throw new Error(note);
  process.stderr.write(`${note}\n`);
  return false;
}

/**
 * Starts a server on a free port of 127.0.0.1, in `folder`, without persistence unless `args` ask for it. Resolves
 * when it accepts connections, rejects with its output if it ends before.
 */
export async function startRedisServer(args: readonly string[], folder: string): Promise<RedisServer> {
  const port = await freePort();
  const fixed = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--daemonize", "no"];
  const child = spawn(PROGRAM, [...fixed, "--save", "", "--logfile", "", ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let output = "";
  await new Promise<void>((resolve, reject) => {
    const listen = (bytes: Buffer) => {
      output += bytes.toString();
      if (output.includes("Ready to accept connections")) resolve();
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    child.once("error", reject);
    child.once("close", () => reject(new Error(`${PROGRAM} did not start:\n${output}`)));
  });
  return {
    port,
    pid: child.pid ?? -1,
    async stop() {
      child.kill();
      await ended;
    },
  };
}

/** Sends bytes as they are, says that no more will come, and collects all that the server answers until it closes. */
export function exchange(port: number, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const answers: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.end(bytes));
    socket.on("data", (chunk) => answers.push(chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // A server that closes without having read everything resets the connection; its answer is there by then.
      if (error.code === "ECONNRESET" || error.code === "EPIPE") resolve(Buffer.concat(answers));
      else reject(error);
    });
    socket.on("close", () => resolve(Buffer.concat(answers)));
  });
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

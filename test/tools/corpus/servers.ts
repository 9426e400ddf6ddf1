/**
 * The real servers of the corpus: they write its files, and Redis tells what is left of them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Argument } from "../../support/command-harness.ts";
import { freePort } from "../../support/free-port.ts";
import { RawClient } from "../../support/raw-client.ts";

const TSREDIS = fileURLToPath(new URL("../../../src/main.cjs", import.meta.url));
const READY = "Ready to accept connections";
const COMMON = ["--bind", "127.0.0.1", "--save", "", "--enable-debug-command", "yes"];

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export type Program = "redis" | "tsredis";

export class CorpusServer {
  readonly client: RawClient;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, client: RawClient) {
    this.child = child;
    this.client = client;
  }

  /** Undefined if it does not start. */
  static async start(
    program: Program,
    folder: string,
    args: readonly string[],
  ): Promise<CorpusServer | undefined> {
    const port = await freePort();
    const [command, ...first] = program === "redis" ? ["redis-server"] : [process.execPath, TSREDIS];
    const child = spawn(command, [...first, "--port", String(port), "--dir", folder, ...COMMON, ...args], {
      cwd: folder,
      stdio: ["ignore", "pipe", "ignore"],
    });
    running.add(child);
    child.once("exit", () => running.delete(child));
    let output = "";
    const isReady = await new Promise<boolean>((resolve) => {
      child.stdout!.on("data", (bytes: Buffer) => {
        output += bytes.toString();
        if (output.includes(READY)) resolve(true);
      });
      child.once("exit", () => resolve(false));
    });
    return isReady ? new CorpusServer(child, await RawClient.connect(port)) : undefined;
  }

  async run(requests: readonly (readonly Argument[])[]): Promise<void> {
    for (const reply of await this.client.runAll(requests))
      if (reply[0] === 0x2d) throw new Error(reply.toString("latin1"));
  }

  /** The digest of each key's value, by its name. */
  async digests(): Promise<ReadonlyMap<string, string>> {
    const keys = (await this.client.text("KEYS", "*"))
      .split("\r\n")
      .filter((line) => line.startsWith("key:"));
    const replies = await this.client.runAll(keys.map((key) => ["DEBUG", "DIGEST-VALUE", key]));
    return new Map(keys.map((key, i) => [key, replies[i].toString("latin1")]));
  }

  async rewrite(): Promise<void> {
    await this.client.run("BGREWRITEAOF");
    for (let info = ""; !/aof_rewrite_in_progress:0[^]*aof_rewrite_scheduled:0/.test(info); )
      info = await this.client.text("INFO", "persistence");
  }

  async end(): Promise<void> {
    this.client.close();
    if (this.child.exitCode !== null) return;
    this.child.kill("SIGTERM");
    await once(this.child, "exit");
  }
}

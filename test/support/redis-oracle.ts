/**
 * A stock Redis that is asked what a command answers, and what it propagates: its append-only file is written at once
 * and never rewritten, and keys expire only when a command meets them.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseCommands } from "./comparison.ts";
import { RawClient } from "./raw-client.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";
import { removeFolder, temporaryFolder } from "./temporary-folder.ts";

const LOGGING = ["--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0"];

export class RedisOracle {
  readonly client: RawClient;
  private readonly server: RedisServer;
  private readonly folder: string;

  private constructor(server: RedisServer, client: RawClient, folder: string) {
    this.server = server;
    this.client = client;
    this.folder = folder;
  }

  static async start(...args: string[]): Promise<RedisOracle> {
    const folder = temporaryFolder();
    const server = await startRedisServer([...LOGGING, "--enable-debug-command", "yes", ...args], folder);
    const client = await RawClient.connect(server.port);
    await client.run("DEBUG", "SET-ACTIVE-EXPIRE", "0");
    return new RedisOracle(server, client, folder);
  }

  /** All that it has propagated since its start. */
  propagated(): Buffer[][] {
    const log = join(this.folder, "appendonlydir", "appendonly.aof.1.incr.aof");
    return parseCommands(readFileSync(log));
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.server.stop();
    removeFolder(this.folder);
  }
}

/**
 * Real Redis servers as replicas of a test's server: started, awaited, compared, and gone after each test.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect } from "vitest";
import { RawClient } from "../support/raw-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { infoOf, POLL, type ServerFixture } from "./server-fixture.ts";

export class Replicas {
  private readonly fixture: ServerFixture;
  private readonly servers: RedisServer[] = [];
  private readonly clients: RawClient[] = [];

  constructor(fixture: ServerFixture) {
    this.fixture = fixture;
  }

  /** Process id of the replica started last. */
  get pid(): number {
    return this.servers.at(-1)!.pid;
  }

  /** Starts a replica; resolves to its client when its link is up. */
  async start(name = "replica"): Promise<RawClient> {
    const client = await this.startServer(name, [
      "--replicaof",
      `127.0.0.1 ${this.fixture.server.port}`,
      "--repl-timeout",
      "600",
    ]);
    await linkedUp(client);
    return client;
  }

  /** Starts a server in a folder of that name, which may hold data. */
  async startServer(name: string, args: readonly string[] = []): Promise<RawClient> {
    const folder = join(this.fixture.folder, name);
    mkdirSync(folder, { recursive: true });
    const server = await startRedisServer(["--enable-debug-command", "yes", ...args], folder);
    this.servers.push(server);
    const client = await RawClient.connect(server.port);
    this.clients.push(client);
    return client;
  }

  /** Kills all. */
  async kill(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
    for (const server of this.servers.splice(0)) await server.kill();
  }
}

export function useReplicas(fixture: ServerFixture): Replicas {
  const replicas = new Replicas(fixture);
  afterEach(() => replicas.kill());
  return replicas;
}

export async function linkedUp(replica: RawClient): Promise<void> {
  await expect.poll(() => infoOf(replica, "master_link_status"), POLL).toBe("up");
}

/** Both hold the same, as soon as the replica has all. */
export async function expectSame(master: RawClient, replica: RawClient): Promise<void> {
  const areSame = async () => {
    await master.run("WAIT", 1, 1000);
    return (await master.text("DEBUG", "DIGEST")) === (await replica.text("DEBUG", "DIGEST"));
  };
  await expect.poll(areSame, POLL).toBe(true);
  expect(await infoOf(replica, "master_link_status")).toBe("up");
}

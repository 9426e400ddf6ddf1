/**
 * The servers that the tests of real clients run against: tsredis as it is, tsredis where every value goes to disk as
 * soon as it may, and for comparison the real Redis. What a client sees must be the same.
 */
import { afterAll, beforeAll, describe } from "vitest";
import { hasRedisServer, startRedisServer } from "../support/redis-server.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";

interface Target {
  readonly name: string;
  readonly isHere: boolean;
  start(folder: string): Promise<ServerProcess>;
}

const SMALL = ["--maxmemory", "32mb", "--cold-tier-spill-all", "yes"];

const TARGETS: readonly Target[] = [
  { name: "tsredis", isHere: true, start: (folder) => startServerProcess(folder, []) },
  { name: "tsredis, on disk", isHere: true, start: (folder) => startServerProcess(folder, SMALL) },
  { name: "Redis", isHere: hasRedisServer, start: (folder) => startRedisServer([], folder) },
];

/** Declares the same tests for each server; `body` gets a function that tells the port. */
export function describeOnServers(title: string, body: (port: () => number) => void): void {
  for (const target of TARGETS) {
    describe.skipIf(!target.isHere)(`${title}, ${target.name}`, () => {
      let folder = "";
      let server: ServerProcess | undefined;
      beforeAll(async () => {
        folder = temporaryFolder();
        server = await target.start(folder);
      });
      afterAll(async () => {
        await server?.kill();
        removeFolder(folder);
      });
      body(() => server!.port);
    });
  }
}

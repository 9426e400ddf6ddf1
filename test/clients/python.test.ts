/**
 * Clients in Python, from Debian's packages: redis-py, and RQ and Celery, which queue jobs with it. Each program prints
 * what it got; that must be the same from tsredis as from the real Redis.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runToEnd, type ServerProcess } from "../support/child-servers.ts";
import { hasRedisServer, startRedisServer } from "../support/redis-server.ts";
import { startServerProcess } from "../support/server-process.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";

/** Not what else may be on the PATH: the packages are the system's. */
const PYTHON = "/usr/bin/python3";
const PACKAGES = "python3-redis python3-rq celery";
const LIMIT_MS = 110_000;
const FOLDER = fileURLToPath(new URL(".", import.meta.url));

function hasPackages(): boolean {
  if (spawnSync(PYTHON, ["-c", "import redis, rq, celery"]).status === 0) return true;
  const note = `${PYTHON} without the packages ${PACKAGES}: tests of clients in Python are left out`;
  if (process.env["CI"] !== undefined) throw new Error(note);
  process.stderr.write(`${note}\n`);
  return false;
}

describe.skipIf(!hasPackages() || !hasRedisServer)(
  "clients in Python see the same as from the real Redis",
  () => {
    const folders: string[] = [];
    const servers: ServerProcess[] = [];

    beforeAll(async () => {
      for (let i = 0; i < 3; i++) folders.push(temporaryFolder());
      servers.push(
        await startRedisServer([], folders[0]),
        await startServerProcess(folders[1], []),
        await startServerProcess(folders[2], ["--maxmemory", "32mb", "--cold-tier-spill-all", "yes"]),
      );
    });

    afterAll(async () => {
      for (const server of servers) await server.kill();
      for (const folder of folders) removeFolder(folder);
    });

    async function run(program: string, { port }: ServerProcess): Promise<string> {
      const args = ["-B", program, String(port)];
      const { status, output, errors } = await runToEnd(PYTHON, args, FOLDER, "", LIMIT_MS);
      expect(status, errors).toBe(0);
      return output;
    }

    test.each([
      ["redis_py.py", "blpop: [(b'q2', b'x')]"],
      ["rq_jobs.py", "after (49, 'finished')"],
      ["celery_jobs.py", "chord 15"],
    ])("%s", async (program, line) => {
      const [expected, ...own] = await Promise.all(servers.map((server) => run(program, server)));
      expect(expected.split("\n")).toContain(line);
      for (const output of own) expect(output).toBe(expected);
    });
  },
);

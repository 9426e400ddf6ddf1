/**
 * rename-command: what clients and scripts find, and that the append-only file is read under any configuration.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseCommands } from "../support/comparison.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, startRedisServer } from "../support/redis-server.ts";
import { startServerProcess } from "../support/server-process.ts";

const RENAMED = [
  "--rename-command",
  "SET",
  "put",
  "--rename-command",
  "FLUSHALL",
  "",
  "--rename-command",
  "xgroup",
  "GROUPS",
];

/** Whatever shows whether a name is known. */
const REQUESTS = [
  ["SET", "k", "v"],
  ["put", "k", "v"],
  ["PUT", "k", "v", "GET"],
  ["PUT", "k"],
  ["FLUSHALL"],
  ["EVAL", "return redis.call('put', 'a', 'b')", "0"],
  ["EVAL", "return redis.call('set', 'a', 'b')", "0"],
  ["XADD", "s", "1-1", "f", "v"],
  ["XGROUP", "CREATE", "s", "g", "0"],
  ["GROUPS", "CREATE", "s", "g", "0"],
  ["GROUPS", "NOTHING"],
  ["COMMAND", "INFO", "set"],
  ["COMMAND", "GETKEYS", "put", "k", "v"],
  ["MULTI"],
  ["put", "k", "w", "EX", "100"],
  ["SET", "k", "w"],
  ["EXEC"],
  ["MULTI"],
  ["put", "k", "w", "EX", "1000"],
  ["GETSET", "k", "z"],
  ["EXEC"],
  ["ACL", "SETUSER", "u", "+set", "-flushall"],
  ["ACL", "SETUSER", "u", "+put"],
  ["ACL", "DRYRUN", "default", "put", "k", "v"],
  ["ACL", "DRYRUN", "default", "set", "k", "v"],
] as const;

describe("rename-command", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tsredis-rename-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test.skipIf(!hasRedisServer)("clients and scripts find what they find in Redis", async () => {
    const common = [...RENAMED, "--save", "", "--appendonly", "no"];
    const redis = await startRedisServer(common, mkdtempSync(join(folder, "redis-")));
    const own = await startServerProcess(mkdtempSync(join(folder, "own-")), common);
    const clients = await Promise.all([redis.port, own.port].map((port) => RawClient.connect(port)));
    for (const request of REQUESTS) {
      const [expected, actual] = await Promise.all(clients.map((client) => client.text(...request)));
      expect(actual, request.join(" ")).toBe(expected);
    }
    for (const client of clients) client.close();
    await Promise.all([redis.stop(), own.kill()]);
  });

  test("the log has the original names, and is read with or without the new ones", async () => {
    const keep = ["--appendonly", "yes", "--appendfsync", "always"];
    const first = await startServerProcess(folder, [...RENAMED, ...keep]);
    const client = await RawClient.connect(first.port);
    for (const request of REQUESTS) await client.run(...request);
    client.close();
    await first.stop();
    const logs = join(folder, "appendonlydir");
    const incr = readdirSync(logs).find((name) => name.endsWith(".incr.aof"))!;
    const log = readFileSync(join(logs, incr), "latin1").replaceAll(/^#[^\n]*\n/gm, "");
    const names = parseCommands(Buffer.from(log, "latin1")).map(([name]) => name.toString().toLowerCase());
    expect(names).toContain("set");
    expect(names).toContain("xgroup");
    expect(names).not.toContain("put");
    for (const args of [keep, [...RENAMED, ...keep]]) {
      const next = await startServerProcess(folder, args);
      const reader = await RawClient.connect(next.port);
      expect(await reader.text("GET", "k")).toBe("$1\r\nz\r\n");
      expect(await reader.text("XINFO", "GROUPS", "s")).toContain("\r\ng\r\n");
      reader.close();
      await next.stop();
    }
  });
});

/**
 * Users and their rules on the real Redis and on tsredis: random rules are accepted or refused alike, and then allow
 * the same. Descriptions of commands are compared by what they allow: Redis knows more commands, and their order is
 * that of a hash table.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import { RawClient } from "../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { usualSeed } from "../support/seed.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { nextRequest, nextRule } from "./acl-traffic.ts";

const USERS = Number(process.env["ACL_USERS"] ?? 60);
const RULES = 12;
const REQUESTS = 60;

describe.skipIf(!hasRedisServer)("users as the real Redis's", () => {
  let folder: string;
  let redis: RedisServer;
  let own: ServerProcess;
  let clients: RawClient[] = [];
  /** Those that both have, subcommands too. */
  let commands: string[] = [];
  const seed = usualSeed();
  const random = new SeededRandom(seed);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tsredis-acl-"));
    const common = ["--enable-debug-command", "yes", "--save", "", "--appendonly", "no"];
    [redis, own] = await Promise.all([
      startRedisServer(common, mkdtempSync(join(folder, "redis-"))),
      startServerProcess(mkdtempSync(join(folder, "own-")), common),
    ]);
    clients = await Promise.all([RawClient.connect(redis.port), RawClient.connect(own.port)]);
    const [known, present] = await Promise.all(
      clients.map(async (client) => new Set((await client.text("COMMAND", "LIST")).match(/^[a-z_|-]+$/gm))),
    );
    commands = [...known].filter((name) => present.has(name)).sort();
    expect(commands.length).toBeGreaterThan(300);
  });

  afterAll(async () => {
    for (const client of clients) client.close();
    await Promise.all([redis.stop(), own.kill()]);
    rmSync(folder, { recursive: true });
  });

  const both = (...request: string[]) => Promise.all(clients.map((client) => client.text(...request)));

  async function expectSame(history: readonly string[], ...request: string[]): Promise<string> {
    const [expected, actual] = await both(...request);
    const label = `seed ${seed}\n${history.join("\n")}\n${request.join(" ")}`;
    expect(actual, label).toBe(expected);
    return actual;
  }

  /** GETUSER without its descriptions of commands. */
  const withoutCommands = (reply: string) =>
    reply.replaceAll(/\$8\r\ncommands\r\n\$\d+\r\n[^\r]*\r\n/g, "commands\r\n");

  async function expectSameUser(history: readonly string[], name: string): Promise<void> {
    const [expected, actual] = (await both("ACL", "GETUSER", name)).map(withoutCommands);
    expect(actual, `seed ${seed}\n${history.join("\n")}`).toBe(expected);
  }

  async function expectSameRights(history: readonly string[], name: string): Promise<void> {
    for (let i = 0; i < REQUESTS; i++)
      await expectSame(history, "ACL", "DRYRUN", name, ...nextRequest(random));
  }

  test("random rules are accepted alike, and allow the same", async () => {
    for (let i = 0; i < USERS; i++) {
      const name = `user${i}`;
      const history: string[] = [];
      for (let k = 0; k < RULES; k++) {
        const rules = Array.from({ length: 1 + random.below(3) }, () => nextRule(random, commands));
        history.push(`ACL SETUSER ${name} ${rules.map((rule) => JSON.stringify(rule)).join(" ")}`);
        await expectSame(history.slice(0, -1), "ACL", "SETUSER", name, ...rules);
      }
      await expectSameUser(history, name);
      await expectSameRights(history, name);
    }
  });

  test("what ACL LIST tells makes the same user again", async () => {
    const own = clients[1];
    for (let i = 0; i < USERS; i++) {
      const rules = Array.from({ length: RULES }, () => nextRule(random, commands));
      await own.run("ACL", "DELUSER", "described");
      for (const rule of rules) await own.run("ACL", "SETUSER", "described", rule);
      const lines = (await own.text("ACL", "LIST")).split("\r\n");
      const line = lines.find((each) => each.startsWith("user described "))!;
      const label = `seed ${seed}\n${JSON.stringify(rules)}\n${line}`;
      const bytes = line
        .split(" ")
        .slice(2)
        .map((word) => Buffer.from(word, "latin1"));
      expect(await own.text("ACL", "SETUSER", "again", "reset", ...bytes), label).toBe("+OK\r\n");
      const [first, second] = await own.runAll([
        ["ACL", "GETUSER", "described"],
        ["ACL", "GETUSER", "again"],
      ]);
      expect(withoutFlags(second.toString("latin1")), label).toBe(withoutFlags(first.toString("latin1")));
    }
  });

  /** `reset` leaves a flag that a new user does not have. */
  const withoutFlags = (reply: string) => reply.replace(/^[^]*?\$9\r\npasswords/, "");
});

/**
 * Commands of connections and of the server against the real Redis 7: the same requests must get the same bytes, in
 * RESP2 and RESP3, and COMMAND must describe every command that both have in the same way.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandSpecs } from "../../../src/commands/all.ts";
import type { Argument } from "../../support/command-harness.ts";
import { compareReplies } from "../../support/comparison.ts";
import { RawClient } from "../../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { newServerHarness } from "./harness.ts";

/** Our own, and those of Redis 7.2 and 7.4, which the server compared with does not know. */
const NEWER = new Set(
  (
    "tier tier|demote tier|explain tier|help tier|info tier|pin tier|unpin tier|warm " +
    "waitaof client|no-touch client|setinfo" +
    " hexpire hexpireat hexpiretime hpexpire hpexpireat hpexpiretime hpersist hpttl httl"
  ).split(" "),
);
/** Containers of Redis: it has some more subcommands, or tells them in an order of its own. */
const CONTAINERS = new Set(
  commandSpecs
    .filter(({ name, subcommands }) => subcommands !== undefined && !NEWER.has(name))
    .map(({ name }) => name),
);
/** Those that Redis 7.2 gave more arguments. */
const WIDER = new Set(["zrank", "zrevrank"]);

function fullNames(): string[] {
  const names: string[] = [];
  for (const { name, subcommands } of commandSpecs) {
    names.push(name);
    for (const subcommand of subcommands ?? []) names.push(`${name}|${subcommand.name}`);
  }
  return names.filter((name) => !NEWER.has(name));
}

describe.skipIf(!hasRedisServer)(
  "the server as the real Redis (skipped where redis-server is missing)",
  () => {
    let folder: string;
    let server: RedisServer;
    let redis: RawClient;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "tsredis-server-"));
      server = await startRedisServer(["--save", "", "--appendonly", "no"], folder);
      redis = await RawClient.connect(server.port);
    });

    afterAll(async () => {
      redis.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    });

    async function compare(resp: 2 | 3, requests: readonly Argument[][], label: string): Promise<void> {
      await redis.run("HELLO", resp);
      const harness = newServerHarness();
      harness.client.resp = resp;
      await compareReplies(redis, harness, requests, `${label}, RESP${resp}`);
    }

    test.each([2, 3] as const)("COMMAND INFO of every command in RESP%i", async (resp) => {
      const names = fullNames().filter((name) => !CONTAINERS.has(name) && !WIDER.has(name));
      expect(names.length).toBeGreaterThan(80);
      await compare(
        resp,
        names.map((name) => ["COMMAND", "INFO", name]),
        "COMMAND INFO",
      );
      const odd = ["nothing", "client|nothing", "client|list|x", "get|x", "GET", "Client|List", "get|"];
      await compare(resp, [["COMMAND", "INFO", ...odd]], "COMMAND INFO");
    });

    test("a container is described like Redis's, but for its subcommands", async () => {
      await redis.run("HELLO", 2);
      const harness = newServerHarness();
      for (const name of CONTAINERS) {
        const [expected, actual] = [
          await redis.text("COMMAND", "INFO", name),
          harness.text("COMMAND", "INFO", name),
        ].map((reply) => reply.split("\r\n*10\r\n")[1].replace(/\r\n\*\d+$/, ""));
        expect(expected.length).toBeGreaterThan(20);
        expect(actual).toBe(expected);
      }
    });

    test("what is answered about replication, cluster and modules where there are none", async () => {
      const lines = [
        "role",
        "role x",
        "replicaof no one",
        "SLAVEOF NO ONE",
        "replicaof a",
        "replicaof 127.0.0.1 abc",
        "replicaof 127.0.0.1 99999",
        "replicaof 127.0.0.1 -1",
        "failover",
        "failover abort",
        "failover abort x",
        "failover to a",
        "failover to a 1",
        "failover to a b",
        "failover to a 1 to b 2",
        "failover timeout 0",
        "failover timeout -5",
        "failover timeout x",
        "failover timeout 5 force to a 1",
        "failover force force",
        "failover nothing",
        "wait 0 0",
        "wait -1 0",
        "wait a b",
        "wait 1 -1",
        "wait 0 -1",
        "wait 1 x",
        "cluster",
        "cluster info",
        "cluster info x",
        "cluster nothing",
        "cluster keyslot a",
        "cluster addslots",
        "cluster help",
        "readonly",
        "readwrite",
        "asking",
        "lolwut version x",
        "memory purge",
        "memory purge x",
        "memory nothing",
        "module",
        "module list",
        "module list x",
      ];
      const requests = lines.map((line) => line.split(" "));
      await compare(2, requests, "replication and cluster");
      await compare(3, requests, "replication and cluster");
    });

    test.each(["GETKEYS", "GETKEYSANDFLAGS"])("COMMAND %s", async (subcommand) => {
      const lines = [
        "get k",
        "set k v",
        "set k v EX 10 GET",
        "set k v get NX",
        "set get get",
        "set k get EX 10",
        "getex k EX 10",
        "mget a b c",
        "mset a 1 b 2",
        "mset a 1 b",
        "del a b",
        "rename a b",
        "copy a b DB 3",
        "copy a",
        "lcs a b",
        "object encoding k",
        "object nothing k",
        "object encoding",
        "ping x",
        "client list",
        "module list",
        "client",
        "nothing x",
        "get",
        "get a b",
        "MOVE a 1",
        "bitop and target a b",
        "bitop and target",
        "bitfield k",
        "bitfield k get u8 0",
        "bitfield k OVERFLOW sat get u8 0",
        "bitfield k get u8 0 INCRBY u8 0 1",
        "bitfield k get u8",
        "bitfield_ro k get u8 0",
        "scan 0",
        "zunionstore d 2 a b",
        "xread streams a 0",
        "xread block 1 streams",
        "georadius k 1 1 1 m store d",
        "georadius k 1 1 1 m store d storedist e",
        // A word that is the last says nothing.
        "georadius k 1 1 1 m store",
        "georadiusbymember k m 1 m store d storedist",
        "migrate h 1  0 10 keys a b",
        "migrate h 1 k 0 10 keys",
        "migrate keys 1 k 0 10",
        "migrate keys 1 k 0 10 copy",
      ];
      const requests = lines.map((line) => ["COMMAND", subcommand, ...line.split(" ")]);
      await compare(2, requests, subcommand);
      await compare(3, requests, subcommand);
    });

    test("COMMAND LIST finds the same names among those that both have", async () => {
      await redis.run("HELLO", 2);
      const harness = newServerHarness();
      const known = new Set(fullNames());
      const categories = [
        "keyspace",
        "dangerous",
        "FAST",
        "slow",
        "connection",
        "read",
        "write",
        "admin",
        "nothing",
      ];
      const filters = [
        [],
        ...categories.map((category) => ["FILTERBY", "ACLCAT", category]),
        ...["*", "get*", "CLIENT|*", "*|help", "x"].map((pattern) => ["filterby", "pattern", pattern]),
        ["FILTERBY", "MODULE", "x"],
      ];
      for (const filter of filters) {
        const [expected, actual] = [
          await redis.text("COMMAND", "LIST", ...filter),
          harness.text("COMMAND", "LIST", ...filter),
        ].map((reply) =>
          reply
            .split("\r\n")
            .filter((line) => known.has(line))
            .sort(),
        );
        expect(actual, filter.join(" ")).toEqual(expected);
      }
      await compare(
        2,
        [
          ["COMMAND", "LIST", "x"],
          ["COMMAND", "LIST", "FILTERBY", "x", "y"],
          ["COMMAND", "LIST", "FILTERBY"],
        ],
        "LIST",
      );
    });

    test.each([2, 3] as const)("connections in RESP%i", async (resp) => {
      const requests: Argument[][] = [];
      const lines = [
        "PING",
        "ping message",
        "PING a b",
        "ECHO x",
        "ECHO",
        "SELECT 1",
        "SELECT -1",
        "SELECT 16",
        "SELECT x",
        "SELECT 99999999999999999999",
        "SELECT 4294967296",
        "CLIENT GETNAME",
        "CLIENT SETNAME fine",
        "client getname",
        "CLIENT SETNAME a b",
        "CLIENT REPLY maybe",
        "CLIENT NO-EVICT on",
        "CLIENT NO-EVICT off",
        "CLIENT NO-EVICT maybe",
        "CLIENT LIST TYPE nothing",
        "CLIENT LIST TYPE pubsub",
        "CLIENT LIST TYPE master",
        "CLIENT LIST TYPE",
        "CLIENT LIST ID",
        "CLIENT LIST ID x",
        "CLIENT LIST ID 99999",
        "CLIENT LIST x",
        "CLIENT KILL nobody:1",
        "CLIENT KILL ID 99999",
        "CLIENT KILL ID 0",
        "CLIENT KILL ID -5",
        "CLIENT KILL ID x",
        "CLIENT KILL TYPE nothing",
        "CLIENT KILL TYPE replica SKIPME no",
        "CLIENT KILL USER nobody",
        "CLIENT KILL USER default SKIPME yes",
        "CLIENT KILL SKIPME maybe",
        "CLIENT KILL ADDR 1.2.3.4:5 LADDR 1.2.3.4:6",
        "CLIENT KILL x y",
        "CLIENT KILL ID 5 TYPE",
        "CLIENT ID x",
        "AUTH x",
        "AUTH default x",
        "AUTH nobody x",
        "AUTH a b c",
        "AUTH",
        "HELLO x",
        "HELLO 1",
        "HELLO 4",
        "HELLO 99999999999999999999",
        "HELLO 2 SETNAME",
        "HELLO 2 AUTH a",
        "HELLO 2 AUTH nobody x",
        "HELLO 2 x",
        "RESET x",
        "TIME x",
        "SWAPDB x 1",
        "SWAPDB 1 x",
        "SWAPDB 1 16",
        "SWAPDB 1 1",
        "FLUSHALL x",
        "FLUSHDB SYNC ASYNC",
        "SHUTDOWN x",
        "SHUTDOWN SAVE NOSAVE",
        "SHUTDOWN ABORT NOW",
        "SHUTDOWN ABORT",
        "CONFIG SET a",
        "CONFIG SET a b c",
        "CONFIG GET",
        "INFO nothing",
        "QUIT",
      ];
      for (const line of lines) requests.push(line.split(" "));
      requests.splice(
        -1,
        0,
        ["CLIENT", "SETNAME", "with space"],
        ["CLIENT", "SETNAME", ""],
        ["CLIENT", "GETNAME"],
      );
      await compare(resp, requests, "connections");
      redis.close();
      redis = await RawClient.connect(server.port);
    });

    test("HELLO and RESET switch protocols", async () => {
      const requests: Argument[][] = [
        ["HELLO", 3, "SETNAME", "me"],
        ["CLIENT", "GETNAME"],
        ["GET", "k"],
        ["RESET"],
      ];
      requests.push(["GET", "k"], ["CLIENT", "GETNAME"], ["HELLO", 2, "AUTH", "default", "any"], ["HELLO"]);
      await redis.run("HELLO", 2);
      const harness = newServerHarness();
      for (const request of requests) {
        const expected = await redis.text(...request);
        const own = harness.text(...request).replace("$5\r\n7.2.4", "$6\r\n7.0.15");
        const anonymous = (reply: string) => reply.replace(/id\r\n:\d+/, "id");
        expect(anonymous(own), request.join(" ")).toBe(anonymous(expected));
      }
    });

    test("CLIENT LIST has the fields of Redis, then those of 7.2", async () => {
      await redis.run("HELLO", 2);
      const fields = (reply: string) => [...reply.matchAll(/([a-z-]+)=/g)].map((match) => match[1]);
      for (const question of ["LIST", "INFO"]) {
        const expected = fields(await redis.text("CLIENT", question));
        expect(expected.length).toBeGreaterThan(20);
        expect(fields(newServerHarness().text("CLIENT", question))).toEqual([
          ...expected,
          "lib-name",
          "lib-ver",
        ]);
      }
    });
  },
);

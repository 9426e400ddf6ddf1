/**
 * COMMAND DOCS: versions, groups, arguments and what replaced a command are those of the real Redis; all that is
 * documented exists.
 */

import { isDeepStrictEqual } from "node:util";
import Parser from "redis-parser";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandSpecs } from "../../../src/commands/all.ts";
import type { CommandSpec } from "../../../src/commands/command.ts";
import { documentation } from "../../../src/commands/docs/all.ts";
import { parseArguments } from "../../../src/commands/documentation.ts";
import { RawClient } from "../../support/raw-client.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";
import { newServerHarness } from "./harness.ts";

type Reply = string | number | Reply[];

/** Redis 7.2 and 7.4 gave them more arguments, or a history. */
const WIDER = new Set(["zrank", "zrevrank", "client|list"]);
/** In words of our own. */
const OWN_WORDS = new Set(["summary", "complexity"]);

function fullNames(): [name: string, spec: CommandSpec][] {
  return commandSpecs.flatMap((spec): [string, CommandSpec][] => [
    [spec.name, spec],
    ...(spec.subcommands ?? []).map((each): [string, CommandSpec] => [`${spec.name}|${each.name}`, each]),
  ]);
}

function parse(bytes: Buffer): Reply {
  let parsed: Reply | undefined;
  const parser = new Parser({
    returnReply: (reply: unknown) => {
      parsed = reply as Reply;
    },
    returnError: (error: Error) => {
      throw error;
    },
  });
  parser.execute(bytes);
  return parsed!;
}

/** The fields of the one command in a reply, but for the words, and subcommands by name. */
function fields(reply: Reply): Record<string, Reply> | undefined {
  const [, pairs] = reply as Reply[];
  if (pairs === undefined) return undefined;
  const all: Record<string, Reply> = {};
  for (let i = 0; i < (pairs as Reply[]).length; i += 2) {
    const [name, value] = (pairs as Reply[]).slice(i, i + 2) as [string, Reply];
    if (OWN_WORDS.has(name)) continue;
    if (name === "history") all[name] = (value as Reply[]).map((entry) => (entry as Reply[])[0]);
    else if (name === "subcommands") all[name] = (value as string[]).filter((_, at) => at % 2 === 0);
    else all[name] = value;
  }
  return all;
}

test("only what exists is documented, and all documentation can be read", () => {
  const specs = new Map(fullNames());
  for (const [name, { arguments: text }] of Object.entries(documentation)) {
    const spec = specs.get(name);
    expect(spec, name).toBeDefined();
    if (text === undefined) continue;
    const last = Math.max(-1, ...keySpecs(parseArguments(text)));
    expect(spec!.keys.length, name).toBeGreaterThan(last);
  }
});

function keySpecs(all: ReturnType<typeof parseArguments>): number[] {
  return all.flatMap(({ keySpec, parts }) => [
    ...(keySpec === undefined ? [] : [keySpec]),
    ...keySpecs([...(parts ?? [])]),
  ]);
}

test("a mistake in the language of arguments is found", () => {
  for (const text of ["key", "key:", "key:(a:string", "'X'key:string", "a='b", "a:string)", ":x"]) {
    expect(() => parseArguments(text), text).toThrow(/documentation of arguments/);
  }
});

test("names that are unknown are left out; without names there are all", () => {
  const harness = newServerHarness();
  expect(parse(harness.run("COMMAND", "DOCS", "nothing", "get|x", "client|nothing"))).toEqual([]);
  expect(
    (parse(harness.run("COMMAND", "DOCS", "Client|List", "GET")) as Reply[]).filter((_, i) => i % 2 === 0),
  ).toEqual(["client|list", "get"]);
  expect(parse(harness.run("COMMAND", "DOCS"))).toHaveLength(2 * commandSpecs.length);
});

describe.skipIf(!hasRedisServer)("beside the real Redis (skipped where redis-server is missing)", () => {
  let folder: string;
  let server: RedisServer;
  let redis: RawClient;

  beforeAll(async () => {
    folder = temporaryFolder();
    server = await startRedisServer([], folder);
    redis = await RawClient.connect(server.port);
  });

  afterAll(async () => {
    redis.close();
    await server.stop();
    removeFolder(folder);
  });

  test("all that both have is the same, but for the words", async () => {
    const harness = newServerHarness();
    let compared = 0;
    const differences: unknown[] = [];
    for (const [name, spec] of fullNames()) {
      const expected = fields(parse(await redis.run("COMMAND", "DOCS", name)));
      if (expected === undefined || WIDER.has(name)) continue;
      const actual = fields(parse(harness.run("COMMAND", "DOCS", name)))!;
      if (spec.subcommands !== undefined) {
        delete expected["subcommands"];
        delete actual["subcommands"];
      }
      if (!isDeepStrictEqual(actual, expected)) differences.push([name, expected, actual]);
      compared++;
    }
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThan(300);
  });

  test("RESP3 has the same shape", async () => {
    const shape = (reply: string) => reply.replaceAll(/\$\d+\r\n[^\r]*\r\n/g, "$");
    const harness = newServerHarness();
    harness.client.resp = 3;
    await redis.run("HELLO", 3);
    for (const name of ["set", "georadius", "xadd", "config|get", "client|kill"]) {
      expect(shape(harness.text("COMMAND", "DOCS", name)), name).toBe(
        shape(await redis.text("COMMAND", "DOCS", name)),
      );
    }
    await redis.run("HELLO", 2);
  });
});

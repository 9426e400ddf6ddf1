/** Loading RDB files: what the server does not keep is said, and what it cannot load is named. */
import { expect, test } from "vitest";
import { crc64 } from "../../src/base/crc64.ts";
import { loadRdb } from "../../src/persistence/rdb-loading/rdb-load.ts";
import { newHashHarness } from "../commands/hashes/harness.ts";
import type { CommandHarness } from "../support/command-harness.ts";
import { memoryFile } from "./memory-file.ts";

const MODULE_ID = [0x81, 0, 1, 2, 3, 4, 5, 6, 7];

function fileOf(version: string, ...items: (string | number[])[]): Buffer {
  const parts = items.map((item) =>
    typeof item === "string" ? Buffer.from(item, "latin1") : Buffer.from(item),
  );
  const body = Buffer.concat([Buffer.from(version), ...parts, Buffer.of(255)]);
  return Buffer.concat([body, crc64(body)]);
}

async function load(bytes: Buffer): Promise<{ harness: CommandHarness; skipped: string[] }> {
  const harness = newHashHarness();
  const skipped: string[] = [];
  await loadRdb(memoryFile(bytes), harness.keyspace, {
    makeRoom: async () => undefined,
    onSkipped: (text) => skipped.push(text),
  });
  return { harness, skipped };
}

test("data of modules is not kept, and that is said", async () => {
  const { harness, skipped } = await load(
    fileOf("REDIS0010", [247, ...MODULE_ID, 2, 1, 0], [0, 1, 107, 1, 118]),
  );
  expect(skipped).toEqual(["Data of the module type AAECAwQFB is not kept: there are no modules"]);
  expect(harness.run("GET", "k").toString()).toBe("$1\r\nv\r\n");
});

test("libraries of functions go to who keeps them", async () => {
  const harness = newHashHarness();
  const loaded: string[] = [];
  harness.keyspace.functions = {
    ...harness.keyspace.functions,
    load: (code) => {
      loaded.push(Buffer.from(code).toString());
      return loaded.length > 1 ? "it is broken" : undefined;
    },
  };
  const code = "#!lua name=mylib\nredis.register_function('f', function() end)";
  const library = [[245, code.length], code];
  const options = { makeRoom: async () => undefined };
  await loadRdb(memoryFile(fileOf("REDIS0010", ...library)), harness.keyspace, options);
  expect(loaded).toEqual([code]);
  await expect(
    loadRdb(memoryFile(fileOf("REDIS0010", ...library)), harness.keyspace, options),
  ).rejects.toThrow("A library of functions cannot be loaded: it is broken");
});

test("a module's value ends loading, with its key and the module's name", async () => {
  const bytes = fileOf("REDIS0010", [7, 1, 109, ...MODULE_ID, 2, 5, 0]);
  await expect(load(bytes)).rejects.toThrow(
    "Key 'm' holds a module value of the module type AAECAwQFB, which tsredis cannot load",
  );
});

test("hashes with times as release candidates of Redis 7.4 wrote them, and files of Valkey", async () => {
  const far = [0x81, 0, 0, 3, 0xa3, 0x52, 0x94, 0x40, 0];
  const first = fileOf("REDIS0012", [22, 1, 104, 2, 0, 1, 97, 1, 49, ...far, 1, 98, 1, 50]);
  const { harness } = await load(first);
  expect(harness.run("HPEXPIRETIME", "h", "FIELDS", "2", "a", "b").toString()).toBe(
    "*2\r\n:-1\r\n:4000000000000\r\n",
  );
  const valkey = await load(fileOf("VALKEY080", [0, 1, 107, 1, 118]));
  expect(valkey.harness.run("GET", "k").toString()).toBe("$1\r\nv\r\n");
  await expect(load(fileOf("VALKEY080", [22, 1, 104, 0]))).rejects.toThrow("Valkey's type 22");
});

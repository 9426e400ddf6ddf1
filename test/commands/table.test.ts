/**
 * The command table: finding commands by the bytes of a request, and declarations that contradict themselves.
 */
import { describe, expect, test } from "vitest";
import { aclCategoriesOf } from "../../src/commands/acl-categories.ts";
import { commandSpecs } from "../../src/commands/all.ts";
import {
  type CommandSpec,
  keyAfter,
  keyAt,
  keysAfter,
  keysCountedAt,
  keysFrom,
  unknownKeys,
} from "../../src/commands/command.ts";
import { hasMovableKeys, keyRangeOf, keysOfRequest } from "../../src/commands/key-positions.ts";
import { CommandTable } from "../../src/commands/table.ts";
import { DONE } from "../../src/protocol/outcome.ts";
import { Request } from "../../src/protocol/request.ts";

function spec(parts: Partial<CommandSpec>): CommandSpec {
  return {
    name: "sample",
    group: "generic",
    since: "1.0.0",
    summary: "",
    complexity: "",
    arity: 1,
    flags: [],
    categories: [],
    keys: [],
    run: () => DONE,
    ...parts,
  };
}

describe("all commands", () => {
  const table = new CommandTable(commandSpecs);

  test("every one is found by its name in any case, and nothing else is", () => {
    expect(commandSpecs.length).toBeGreaterThan(60);
    for (const command of commandSpecs) {
      for (const name of [
        command.name,
        command.name.toUpperCase(),
        `${command.name[0].toUpperCase()}${command.name.slice(1)}`,
      ]) {
        expect(table.find(Request.of(name))?.spec).toBe(command);
      }
      for (const name of [`${command.name}x`, command.name.slice(1), `${command.name}\0`, ""]) {
        const found = table.find(Request.of(name));
        expect(found === undefined || found.fullName === name).toBe(true);
      }
    }
  });

  test("bytes that differ only in bit 5 are different names", () => {
    // The hash folds case by setting that bit; the comparison must fold letters alone.
    expect(table.find(Request.of(Buffer.from("get").map((byte) => byte ^ 0x20)))?.fullName).toBe("get");
    const underscored = Buffer.from("no_such");
    expect(table.find(Request.of(underscored.map((byte) => (byte === 0x5f ? 0x7f : byte))))).toBeUndefined();
  });

  test("subcommands are found in their containers", () => {
    expect(table.findByName("CLIENT", "List")?.fullName).toBe("client|list");
    expect(table.findByName("client", "nothing")).toBeUndefined();
    expect(table.findByName("get", "x")).toBeUndefined();
    const config = table.findByName("config");
    expect(config?.subcommands?.find(Buffer.from("xGETx"), 1, 3)?.fullName).toBe("config|get");
  });

  test("arity counts the names", () => {
    const [exact, atLeast] = [table.findByName("get"), table.findByName("client", "kill")];
    expect([1, 2, 3].map((argc) => exact?.accepts(argc))).toEqual([false, true, false]);
    expect([2, 3, 9].map((argc) => atLeast?.accepts(argc))).toEqual([false, true, true]);
  });

  test("a summary is a sentence of its own", () => {
    for (const command of commandSpecs) {
      for (const each of [command, ...(command.subcommands ?? [])])
        expect(each.summary).toMatch(/^[A-Z].*[^.]$/);
    }
  });
});

test("contradictions are found when the table is made", () => {
  const refuses = (...specs: CommandSpec[]) => expect(() => new CommandTable(specs));
  refuses(spec({}), spec({ name: "other" }), spec({})).toThrow("stands twice");
  refuses(spec({ subcommands: [spec({ name: "a" }), spec({ name: "a" })] })).toThrow("stands twice");
  const { run: _run, ...without } = spec({});
  refuses(without).toThrow("needs run or subcommands");
  refuses(spec({ flags: ["write", "readonly"] })).toThrow("cannot both");
  refuses(spec({ flags: ["readonly"], keys: [keyAt(1, "RW")] })).toThrow("readonly");
  refuses(spec({ flags: ["readonly", "may_replicate"], keys: [keyAt(1, "RW")] })).not.toThrow();
  refuses(spec({ categories: ["nothing"] })).toThrow("ACL category");
  refuses(spec({ name: "Sample" })).toThrow("lower case");
  refuses(spec({ keys: [keyAt(0, "RO")] })).toThrow("impossible places");
  refuses(spec({ arity: 0 })).toThrow("arity");
});

test("categories follow from flags", () => {
  expect(aclCategoriesOf(spec({ flags: ["admin", "pubsub", "blocking"] }))).toEqual([
    "pubsub",
    "admin",
    "slow",
    "blocking",
    "dangerous",
  ]);
  expect(aclCategoriesOf(spec({ flags: ["readonly", "fast"], categories: ["string"] }))).toEqual([
    "read",
    "string",
    "fast",
  ]);
  expect(aclCategoriesOf(spec({ flags: ["readonly"], categories: ["scripting"] }))).toEqual([
    "slow",
    "scripting",
  ]);
});

/** Where the keys stand in a request, `line`, of which the first `nameAt` words stand before the command. */
function positions(of: CommandSpec, line: string, nameAt = 0): number[] | undefined {
  return keysOfRequest(of, Request.of(...line.split(" ")), nameAt)?.map(({ position }) => position);
}

test("key specifications become positions and one range", () => {
  const pairs = spec({ keys: [keysFrom(1, 2, "OW")] });
  expect(positions(pairs, "mset a 1 b 2")).toEqual([1, 3]);
  expect(positions(pairs, "mset a 1 b")).toEqual([1, 3]);
  expect(positions(pairs, "mset")).toBeUndefined();
  expect(keyRangeOf(pairs)).toEqual({ first: 1, last: -1, step: 2 });
  const neighbours = spec({ keys: [keyAt(1, "RO"), keyAt(2, "OW")] });
  expect(positions(neighbours, "rename a")).toBeUndefined();
  expect(keyRangeOf(neighbours)).toEqual({ first: 1, last: 2, step: 1 });
  expect(hasMovableKeys(neighbours)).toBe(false);
  const gap = spec({ keys: [keyAt(1, "RO"), keyAt(3, "RO"), keyAt(4, "RO", "not_key")] });
  expect(keyRangeOf(gap)).toEqual({ first: 1, last: 1, step: 1 });
  expect(hasMovableKeys(gap)).toBe(true);
  expect(positions(gap, "x a 1 b n")).toEqual([1, 3]);
  expect(keyRangeOf(spec({}))).toEqual({ first: 0, last: 0, step: 0 });
});

test("keys that are counted, or follow a word, are found wherever they stand", () => {
  const counted = spec({ keys: [keyAt(1, "OW"), keysCountedAt(2, "RO")] });
  expect(positions(counted, "zunionstore d 2 a b weights 1 2")).toEqual([1, 3, 4]);
  expect(positions(counted, "command getkeys zunionstore d 1 a b", 2)).toEqual([3, 5]);
  for (const wrong of ["zunionstore d 0 a", "zunionstore d -1 a", "zunionstore d x a", "zunionstore d 3 a b"])
    expect(positions(counted, wrong)).toBeUndefined();
  expect(keyRangeOf(counted)).toEqual({ first: 1, last: 1, step: 1 });
  expect(hasMovableKeys(counted)).toBe(true);
  const streams = spec({ keys: [keysAfter("STREAMS", 1, 2, "RO")] });
  expect(positions(streams, "xread count 2 streams a b 0 0")).toEqual([4, 5]);
  expect(positions(streams, "xread count 2 streams a b 0")).toEqual([4]);
  expect(positions(streams, "xread count 2 streams")).toEqual([]);
  expect(positions(streams, "xread count 2")).toEqual([]);
  expect(keyRangeOf(streams)).toEqual({ first: 0, last: 0, step: 0 });
  const stores = spec({ keys: [keyAt(1, "RO"), keyAfter("STORE", 6, "OW")] });
  expect(positions(stores, "georadius k 1 1 1 m STORE d")).toEqual([1, 7]);
  expect(positions(stores, "georadius k 1 1 1 m desc")).toEqual([1]);
  const unknown = spec({
    keys: [keyAt(1, "RO"), unknownKeys("OW", "incomplete")],
    keysOf: (request, nameAt) => [{ position: request.argc - 1 - nameAt, flags: ["OW"] }],
  });
  expect(positions(unknown, "sort a store b")).toEqual([3]);
  expect(hasMovableKeys(unknown)).toBe(true);
});

/**
 * What strings' commands propagate, how they treat expiry and keys of other types: what the comparison with the real
 * server (conformance.test.ts) cannot see, or only by luck.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { CommandHarness } from "../../support/command-harness.ts";
import { addListKey } from "../../support/list-key.ts";

const NOW = 1_700_000_000_000;
const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
const INVALID_EXPIRY = (name: string) => `-ERR invalid expire time in '${name}' command\r\n`;
const SYNTAX = "-ERR syntax error\r\n";
const NOT_AN_INTEGER = "-ERR value is not an integer or out of range\r\n";

let harness: CommandHarness;

beforeEach(() => {
  harness = new CommandHarness({ commands: stringCommands, startMs: NOW });
});

/** Runs a command given as one line. */
function run(line: string): string {
  return harness.text(...line.split(" "));
}

function address(key: string): number {
  const bytes = Buffer.from(key);
  return harness.db.peek(bytes, 0, bytes.length);
}

function expireMs(key: string): number {
  return harness.keyspace.entries.expireMs(address(key));
}

describe("what is propagated", () => {
  test.each([
    ["set k v", "set k v"],
    ["SET k v KEEPTTL", "SET k v KEEPTTL"],
    ["SET k v xx", "SET k v xx"],
    ["SET k v EX 10", `SET k v PXAT ${NOW + 10_000}`],
    ["SET k v PX 10 XX GET", `SET k v PXAT ${NOW + 10}`],
    ["SET k v EXAT 2000000000", "SET k v PXAT 2000000000000"],
    ["SET k v PXAT 5", "SET k v PXAT 5"],
    ["set k v GET get XX", "set k v XX"],
    ["SET new v NX GET", "SET new v NX"],
    ["SETNX new v", "SETNX new v"],
    ["SETEX k 10 v", `SET k v PXAT ${NOW + 10_000}`],
    ["PSETEX k 10 v", `SET k v PXAT ${NOW + 10}`],
    ["getset k v", "SET k v"],
    ["GETDEL k", "DEL k"],
    ["GETEX k EX 10", `PEXPIREAT k ${NOW + 10_000}`],
    ["GETEX k PXAT 1900000000000", "PEXPIREAT k 1900000000000"],
    ["GETEX k PXAT 5", "DEL k"],
    ["GETEX k EXAT 5", "DEL k"],
    ["GETEX expiring PERSIST", "PERSIST expiring"],
    ["MSET k 1 new 2", "MSET k 1 new 2"],
    ["MSETNX new1 1 new2 2", "MSETNX new1 1 new2 2"],
    ["APPEND k x", "APPEND k x"],
    ["SETRANGE k 3 x", "SETRANGE k 3 x"],
    ["INCR number", "INCR number"],
    ["DECRBY number 9007199254740993", "DECRBY number 9007199254740993"],
    ["INCRBYFLOAT number 0.5", "SET number 1.5 KEEPTTL"],
    ["INCRBYFLOAT new 5e3", "SET new 5000 KEEPTTL"],
  ])("%s as %s", (command, effect) => {
    run("MSET k old number 1 expiring x");
    run("SET expiring x PX 5000");
    harness.takeEffects();
    expect(run(command)).not.toMatch(/^-/);
    expect(harness.takeEffects()).toEqual([effect]);
  });

  test.each([
    "GET k",
    "SET k v NX",
    "SET k v NX GET",
    "SET new v XX",
    "SET k v EX 0",
    "SET k v FOO",
    "SET list v GET",
    "SETNX k v",
    "SETEX k 0 v",
    "GETSET list v",
    "GETDEL new",
    "GETDEL list",
    "GETEX k",
    "GETEX k PERSIST",
    "GETEX new EX 10",
    "GETEX k EX 0",
    "MGET k new",
    "MSET k",
    "MSETNX new 1 k 2",
    "STRLEN k",
    "GETRANGE k 0 1",
    "SETRANGE k -1 x",
    "INCR k",
    "INCR list",
    "INCRBYFLOAT k 1",
    "INCRBYFLOAT k inf",
    "LCS k k",
  ])("nothing by %s", (command) => {
    run("SET k old");
    addListKey(harness, "list");
    harness.takeEffects();
    run(command);
    expect(harness.takeEffects()).toEqual([]);
    expect(run("GET k")).toBe("$3\r\nold\r\n");
  });

  test("an empty SETRANGE changes nothing, an empty APPEND makes a key", () => {
    expect(harness.text("SETRANGE", "new", 5, "")).toBe(":0\r\n");
    expect(harness.takeEffects()).toEqual([]);
    expect(harness.text("APPEND", "new", "")).toBe(":0\r\n");
    expect(harness.takeEffects()).toEqual(["APPEND new "]);
    expect(run("GET new")).toBe("$0\r\n\r\n");
  });
});

describe("expiry", () => {
  test("SET takes it away, KEEPTTL and everything that changes a part keep it", () => {
    for (const command of [
      "SET k 1 KEEPTTL",
      "INCR k",
      "APPEND k 1",
      "SETRANGE k 0 7",
      "INCRBYFLOAT k 1.5",
    ]) {
      run("SET k 1 PX 5000");
      run(command);
      expect([command, expireMs("k")]).toEqual([command, NOW + 5000]);
    }
    for (const command of ["SET k 1", "GETSET k 1", "MSET k 1", "SET k 1 XX GET"]) {
      run("SET k 1 PX 5000");
      run(command);
      expect([command, expireMs("k")]).toEqual([command, 0]);
    }
  });

  test("a key past it is gone, and its deletion is propagated first", () => {
    run("SET k 5 PX 100");
    harness.takeEffects();
    harness.clock.advance(100);
    expect(run("INCR k")).toBe(":1\r\n");
    expect(harness.takeEffects()).toEqual(["DEL k", "INCR k"]);
  });

  test("SET with a time in the past makes a key that the next lookup deletes", () => {
    expect(run(`SET k v PXAT ${NOW - 1}`)).toBe("+OK\r\n");
    expect(harness.db.size).toBe(1);
    expect(run("GET k")).toBe("$-1\r\n");
    expect(harness.db.size).toBe(0);
  });

  test("while data is loaded GETEX never deletes", () => {
    run("SET k v");
    harness.keyspace.expiring = false;
    expect(run("GETEX k PXAT 5")).toBe("$1\r\nv\r\n");
    expect(expireMs("k")).toBe(5);
  });

  test("GETEX sets, replaces and removes it", () => {
    run("SET k v");
    expect(run("GETEX k EX 100")).toBe("$1\r\nv\r\n");
    expect(expireMs("k")).toBe(NOW + 100_000);
    run("GETEX k PX 100 PX 200");
    expect(expireMs("k")).toBe(NOW + 200);
    run("GETEX k");
    expect(expireMs("k")).toBe(NOW + 200);
    run("GETEX k PERSIST");
    expect(expireMs("k")).toBe(0);
  });

  test("times are refused or accepted as in Redis, up to the last millisecond of 64 bits", () => {
    const invalid = INVALID_EXPIRY("set");
    for (const [option, time, reply] of [
      ["EX", "0", invalid],
      ["PX", "-1", invalid],
      ["EX", "abc", NOT_AN_INTEGER],
      ["EX", "9223372036854775808", NOT_AN_INTEGER],
      ["EX", "9223372036854775807", invalid],
      ["EX", "9223372036854776", invalid],
      ["EX", "9223372036854775", invalid], // now is added
      ["EXAT", "9223372036854775", "+OK\r\n"],
      ["EXAT", "9223372036854776", invalid],
      ["PX", "9223372036854775807", invalid],
      ["PXAT", "9223372036854775807", "+OK\r\n"],
    ]) {
      expect([option, time, run(`SET k v ${option} ${time}`)]).toEqual([option, time, reply]);
    }
    // What a double cannot hold becomes the largest integer that it can.
    expect(expireMs("k")).toBe(Number.MAX_SAFE_INTEGER);
    expect(harness.takeEffects().at(-1)).toBe(`SET k v PXAT ${Number.MAX_SAFE_INTEGER}`);
    for (const name of ["setex", "psetex"]) expect(run(`${name} k 0 v`)).toBe(INVALID_EXPIRY(name));
    expect(run("GETEX k EX 0")).toBe(INVALID_EXPIRY("getex"));
  });

  test("options that exclude each other are a syntax error, the same one twice is not", () => {
    for (const options of [
      "NX XX",
      "XX NX",
      "EX 1 PX 1",
      "EX 1 KEEPTTL",
      "KEEPTTL PXAT 1",
      "EX",
      "EXAT",
      "PERSIST",
      "FOO",
      "KEEPTTLL",
      "EX 1 EXAT 5",
    ]) {
      expect([options, run(`SET k v ${options}`)]).toEqual([options, SYNTAX]);
    }
    for (const options of ["KEEPTTL", "NX", "GET", "PERSIST EX 1", "EX 1 PERSIST", "PX"]) {
      expect([options, run(`GETEX k ${options}`)]).toEqual([options, SYNTAX]);
    }
    expect(run("SET k v nx NX Nx eX 5 EX 6")).toBe("+OK\r\n");
    expect(expireMs("k")).toBe(NOW + 6000);
  });
});

describe("a key of another type", () => {
  test.each([
    "GET list",
    "GETSET list v",
    "GETDEL list",
    "GETEX list",
    "GETEX list EX 0",
    "SET list v GET",
    "SET list v XX GET EX 5",
    "APPEND list v",
    "STRLEN list",
    "SETRANGE list 0 v",
    "SETRANGE list 9223372036854775807 v",
    "GETRANGE list 0 1",
    "SUBSTR list 0 1",
    "INCR list",
    "DECRBY list 5",
    "INCRBY list 9223372036854775807",
    "INCRBYFLOAT list abc",
  ])("%s is refused", (command) => {
    addListKey(harness, "list");
    expect(run(command)).toBe(WRONG_TYPE);
    expect(harness.takeEffects()).toEqual([]);
  });

  test("SET and MSET replace it, MGET takes it for missing, LCS has words of its own", () => {
    addListKey(harness, "list", NOW + 5000);
    expect(run("MGET list")).toBe("*1\r\n$-1\r\n");
    expect(run("LCS list other FOO")).toBe("-ERR The specified keys must contain string values\r\n");
    expect(run("SET list v KEEPTTL")).toBe("+OK\r\n");
    expect(expireMs("list")).toBe(NOW + 5000);
    expect(run("GET list")).toBe("$1\r\nv\r\n");
    addListKey(harness, "set");
    expect(run("MSET set v")).toBe("+OK\r\n");
    expect(run("GET set")).toBe("$1\r\nv\r\n");
    expect(harness.db.size).toBe(2);
  });
});

describe("RESP3", () => {
  test("has nulls and maps of its own", () => {
    harness.client.resp = 3;
    expect(run("GET k")).toBe("_\r\n");
    expect(run("MGET k")).toBe("*1\r\n_\r\n");
    expect(run("SET k v XX")).toBe("_\r\n");
    expect(run("LCS k k IDX")).toBe("%2\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:0\r\n");
  });
});

describe("statistics", () => {
  test("reads count hits and misses, writes do not", () => {
    run("SET k v");
    run("SETNX k v");
    run("APPEND k v");
    expect([harness.keyspace.hits, harness.keyspace.misses]).toEqual([0, 0]);
    run("GET k");
    run("MGET k new new");
    run("GETEX k");
    run("SET k v GET");
    run("STRLEN new");
    expect([harness.keyspace.hits, harness.keyspace.misses]).toEqual([4, 3]);
  });
});

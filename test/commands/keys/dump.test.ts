/**
 * DUMP and RESTORE with a clock that the test moves: times, the memory of use, what is propagated, and that a refused
 * payload changes nothing.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Argument, CommandHarness } from "../../support/command-harness.ts";
import {
  dumpInReply,
  MODULE_DUMP,
  plainDump,
  stringOfDump,
  withFooter,
} from "../../support/dump-payloads.ts";
import { WHOLE_ENTRIES } from "../../support/whole-entries.ts";
import { newKeyHarness } from "./harness.ts";

const START_MS = 1_700_000_000_000;
const PAYLOAD = plainDump("value");
const BUSY = "-BUSYKEY Target key name already exists.\r\n";
const WRONG_FOOTER = "-ERR DUMP payload version or checksum are wrong\r\n";
const BAD_DATA = "-ERR Bad data format\r\n";
const OK = "+OK\r\n";

function newHarness(): CommandHarness {
  return newKeyHarness({ startMs: START_MS });
}

/** What was propagated, with "payload" for PAYLOAD. */
function takeEffects(harness: CommandHarness): string[] {
  const shown = harness.effects.map((args) =>
    args.map((arg) => (arg.equals(PAYLOAD) ? "payload" : arg.toString("latin1"))).join(" "),
  );
  harness.effects.length = 0;
  return shown;
}

/** Everything that clients could see of the keys. */
function contents(harness: CommandHarness, keys: readonly string[]): string[] {
  return keys.flatMap((key) =>
    ["GET", "PEXPIRETIME", "TYPE"]
      .map((question) => `${question} ${key}: ${harness.text(question, key)}`)
      .concat(harness.text("OBJECT", "IDLETIME", key), harness.text("OBJECT", "ENCODING", key)),
  );
}

describe("DUMP", () => {
  test("answers null for no key, in both protocols", () => {
    const harness = newHarness();
    expect(harness.text("DUMP", "none")).toBe("$-1\r\n");
    harness.client.resp = 3;
    expect(harness.text("DUMP", "none")).toBe("_\r\n");
  });

  test("compresses as rdbcompression says, and propagates nothing", () => {
    for (const rdbcompression of [true, false]) {
      const harness = newHarness();
      Object.assign(harness.server.config, { rdbcompression });
      harness.run("SET", "k", "x".repeat(1000));
      harness.takeEffects();
      const payload = dumpInReply(harness.run("DUMP", "k"))!;
      expect(payload.length < 100).toBe(rdbcompression);
      expect(stringOfDump(payload).toString()).toBe("x".repeat(1000));
      expect(harness.effects).toEqual([]);
    }
  });

  test("is a use of the key, and counts as a read", () => {
    const harness = newHarness();
    harness.run("SET", "k", "v");
    harness.clock.advance(20_000);
    harness.run("DUMP", "k");
    harness.run("DUMP", "none");
    expect([harness.keyspace.hits, harness.keyspace.misses]).toEqual([1, 1]);
    expect(harness.text("OBJECT", "IDLETIME", "k")).toBe(":0\r\n");
  });

  test("of an integer that INCR made is the integer's", () => {
    const harness = newHarness();
    harness.run("SET", "k", "126");
    harness.run("INCR", "k");
    expect(dumpInReply(harness.run("DUMP", "k"))).toEqual(withFooter(Buffer.from("00c07f", "hex")));
    harness.run("SET", "k", "9223372036854775807");
    expect(stringOfDump(dumpInReply(harness.run("DUMP", "k"))!).toString()).toBe("9223372036854775807");
  });
});

describe("RESTORE and times", () => {
  test("without a time the key stays, and the request is propagated as it came", () => {
    const harness = newHarness();
    expect(harness.text("restore", "k", "0", PAYLOAD, "ABSTTL", "freq", "7")).toBe(OK);
    expect(harness.text("PTTL", "k")).toBe(":-1\r\n");
    expect(harness.text("GET", "k")).toBe("$5\r\nvalue\r\n");
    expect(takeEffects(harness)).toEqual(["restore k 0 payload ABSTTL freq 7"]);
  });

  test("a time to live is propagated as an instant", () => {
    const harness = newHarness();
    expect(harness.text("restore-asking", "k", "5000", PAYLOAD, "idletime", "9", "REPLACE")).toBe(OK);
    expect(harness.text("PEXPIRETIME", "k")).toBe(`:${START_MS + 5000}\r\n`);
    const propagated = `restore-asking k ${START_MS + 5000} payload idletime 9 REPLACE ABSTTL`;
    expect(takeEffects(harness)).toEqual([propagated]);
    harness.clock.advance(5000);
    expect(harness.text("EXISTS", "k")).toBe(":0\r\n");
    expect(takeEffects(harness)).toEqual(["DEL k"]);
  });

  test("an instant is propagated as it came", () => {
    const harness = newHarness();
    expect(harness.text("RESTORE", "k", START_MS + 1, PAYLOAD, "absttl")).toBe(OK);
    expect(harness.text("PTTL", "k")).toBe(":1\r\n");
    expect(takeEffects(harness)).toEqual([`RESTORE k ${START_MS + 1} payload absttl`]);
  });

  test.each([
    ["an instant now", START_MS, ["ABSTTL"]],
    ["the first instant of all", 1, ["ABSTTL"]],
    ["a time to live beyond 64 bits", "9223372036854775807", []],
  ])("%s makes no key, and deletes the one it replaces", (_, time, options) => {
    const harness = newHarness();
    expect(harness.text("RESTORE", "k", time, PAYLOAD, ...options)).toBe(OK);
    expect(harness.text("EXISTS", "k")).toBe(":0\r\n");
    expect(takeEffects(harness)).toEqual([]);
    harness.run("SET", "k", "old");
    takeEffects(harness);
    expect(harness.text("RESTORE", "k", time, PAYLOAD, ...options, "REPLACE")).toBe(OK);
    expect(harness.text("EXISTS", "k")).toBe(":0\r\n");
    expect(takeEffects(harness)).toEqual(["DEL k"]);
    expect(harness.text("RESTORE", "k", time, PAYLOAD, ...options, "REPLACE")).toBe(OK);
    expect(takeEffects(harness)).toEqual([]);
  });

  test.each([
    ["9223370336854775807", []],
    ["9223372036854775807", ["ABSTTL"]],
    ["9007199254740993", []],
  ])("the time %s %s lies as late as there is", (time, options) => {
    const harness = newHarness();
    expect(harness.text("RESTORE", "k", time, PAYLOAD, ...options)).toBe(OK);
    expect(harness.text("PEXPIRETIME", "k")).toBe(`:${Number.MAX_SAFE_INTEGER}\r\n`);
  });

  test("while data is loaded a key may be past its time, and waits for the log to delete it", () => {
    const harness = newHarness();
    harness.keyspace.expiring = false;
    expect(harness.text("RESTORE", "k", START_MS - 1000, PAYLOAD, "ABSTTL")).toBe(OK);
    expect(harness.text("EXISTS", "k")).toBe(":1\r\n");
    harness.keyspace.expiring = true;
    expect(harness.text("EXISTS", "k")).toBe(":0\r\n");
  });
});

describe("RESTORE and a key that is there", () => {
  test("is refused without REPLACE, before the payload is looked at", () => {
    const harness = newHarness();
    harness.run("SET", "k", "old", "EX", 100);
    takeEffects(harness);
    expect(harness.text("RESTORE", "k", "x", "no payload")).toBe(BUSY);
    expect(harness.text("GET", "k")).toBe("$3\r\nold\r\n");
    expect(takeEffects(harness)).toEqual([]);
  });

  test("REPLACE takes the old expiry away, or sets its own", () => {
    const harness = newHarness();
    harness.run("SET", "k", "x".repeat(20_000), "EX", 100);
    expect(harness.text("RESTORE", "k", 0, PAYLOAD, "REPLACE")).toBe(OK);
    expect(harness.text("PTTL", "k")).toBe(":-1\r\n");
    expect(harness.text("RESTORE", "k", 70, PAYLOAD, "REPLACE")).toBe(OK);
    expect(harness.text("PTTL", "k")).toBe(":70\r\n");
    expect(harness.text("DBSIZE")).toBe(":1\r\n");
    expect(harness.db.volatile.size).toBe(1);
  });

  test("one past its expiry is no obstacle; the log hears of it only without REPLACE", () => {
    const harness = newHarness();
    for (const key of ["k", "l"]) harness.run("SET", key, "old", "PX", 10);
    takeEffects(harness);
    harness.clock.advance(10);
    expect(harness.text("RESTORE", "k", 0, PAYLOAD)).toBe(OK);
    expect(harness.text("RESTORE", "l", 0, PAYLOAD, "REPLACE")).toBe(OK);
    expect(takeEffects(harness)).toEqual(["DEL k", "RESTORE k 0 payload", "RESTORE l 0 payload REPLACE"]);
    expect(harness.keyspace.expired).toBe(1);
  });

  test("a snapshot under way still sees the old value, and not the new", () => {
    const harness = newHarness();
    for (const key of ["k", "l"]) harness.run("SET", key, "old");
    const seen: string[] = [];
    const { entries, snapshots } = harness.keyspace;
    snapshots.start({
      entry(_index, _database, address) {
        seen.push(`${entries.key(address).toString()} ${entries.value(address).toString()}`);
        return false;
      },
      ...WHOLE_ENTRIES,
    });
    harness.run("RESTORE", "k", 0, PAYLOAD, "REPLACE");
    harness.run("RESTORE", "new", 0, PAYLOAD);
    while (!snapshots.step(1));
    expect(seen.sort()).toEqual(["k old", "l old"]);
  });

  test("everything is freed when the last key goes", () => {
    const harness = newHarness();
    const emptyBytes = harness.keyspace.entries.allocatedBytes;
    const large = plainDump(Buffer.alloc(100_000, "large"));
    for (const payload of [PAYLOAD, large, PAYLOAD, large]) {
      harness.run("RESTORE", "k", 1000, payload, "REPLACE");
      harness.run("RESTORE", "l".repeat(3000), 0, payload, "REPLACE");
    }
    harness.run("DEL", "k", "l".repeat(3000));
    expect(harness.keyspace.entries.allocatedBytes).toBe(emptyBytes);
  });
});

describe("RESTORE and the memory of use", () => {
  test("with LRU: the idle time given, else that of a new key", () => {
    const harness = newHarness();
    harness.run("RESTORE", "given", 0, PAYLOAD, "IDLETIME", "1000");
    harness.run("RESTORE", "new", 0, PAYLOAD);
    harness.run("RESTORE", "counted", 0, PAYLOAD, "FREQ", "200");
    harness.clock.advance(3000);
    expect(harness.text("OBJECT", "IDLETIME", "given")).toBe(":1003\r\n");
    expect(harness.text("OBJECT", "IDLETIME", "new")).toBe(":3\r\n");
    expect(harness.text("OBJECT", "IDLETIME", "counted")).toBe(":3\r\n");
  });

  test("with LFU: the frequency given, else that of a new key", () => {
    const harness = newHarness();
    harness.keyspace.accessClock.lfu = true;
    harness.run("RESTORE", "given", 0, PAYLOAD, "FREQ", "200");
    harness.run("RESTORE", "idle", 0, PAYLOAD, "IDLETIME", "1000");
    expect(harness.text("OBJECT", "FREQ", "given")).toBe(":200\r\n");
    expect(harness.text("OBJECT", "FREQ", "idle")).toBe(":5\r\n");
    harness.clock.advance(10 * 60_000);
    expect(harness.text("OBJECT", "FREQ", "given")).toBe(":190\r\n");
  });
});

describe("refusals", () => {
  test("come in Redis's order", () => {
    const harness = newHarness();
    harness.run("SET", "k", "v");
    const bad = withFooter(Buffer.from("000561", "hex"));
    const order: [Argument[], string][] = [
      [["k", "x", "y", "REPLACE", "what"], "-ERR syntax error\r\n"],
      [["k", "x", "y", "IDLETIME", "z"], "-ERR value is not an integer or out of range\r\n"],
      [["k", "x", "y"], BUSY],
      [["n", "x", "y"], "-ERR value is not an integer or out of range\r\n"],
      [["n", "-1", "y"], "-ERR Invalid TTL value, must be >= 0\r\n"],
      [["n", "0", "y"], WRONG_FOOTER],
      [["n", "0", bad], BAD_DATA],
      [["n", "0", MODULE_DUMP], BAD_DATA],
    ];
    for (const [args, reply] of order) expect(harness.text("RESTORE", ...args)).toBe(reply);
  });

  test("change nothing, whatever the payload", () => {
    const harness = newHarness();
    harness.run("SET", "k", "old", "EX", 100);
    harness.run("SET", "l", "12");
    harness.clock.advance(5000);
    harness.takeEffects();
    let refused = 0;
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.boolean(),
        fc.constantFrom("k", "l", "new"),
        (bytes, isSound, key) => {
          const before = contents(harness, ["k", "l", "new"]);
          const payload = isSound ? withFooter(bytes) : Buffer.from(bytes);
          const reply = harness.text("RESTORE", key, 1000, payload, "REPLACE");
          if (reply === OK) {
            expect(harness.text("GET", key)).toBe(
              `$${stringOfDump(payload).length}\r\n${stringOfDump(payload).toString("latin1")}\r\n`,
            );
            harness.takeEffects();
            return;
          }
          refused++;
          expect(reply).toBe(isSound ? BAD_DATA : WRONG_FOOTER);
          expect(contents(harness, ["k", "l", "new"])).toEqual(before);
          expect(harness.takeEffects()).toEqual([]);
        },
      ),
      { numRuns: 1000 },
    );
    expect(refused).toBeGreaterThan(500);
  });
});

/** One step of the model test. */
type Step =
  | { readonly kind: "set"; readonly key: string; readonly value: Buffer }
  | { readonly kind: "carry"; readonly from: string; readonly to: string; readonly replaces: boolean }
  | { readonly kind: "wait"; readonly ms: number };

test("values that DUMP and RESTORE carry between keys are those of a model", () => {
  const keys = fc.constantFrom("a", "b", "c", "d");
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.integer().map((integer) => Buffer.from(String(integer))),
    fc.integer({ min: 0, max: 30_000 }).map((length) => Buffer.alloc(length, "a pattern")),
  );
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ kind: fc.constant("set" as const), key: keys, value }),
    fc.record({ kind: fc.constant("carry" as const), from: keys, to: keys, replaces: fc.boolean() }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(100, 700) }),
  );
  const LIFE_MS = 1000;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const harness = newHarness();
      const model = new Map<string, { value: Buffer; expiresMs: number }>();
      let nowMs = START_MS;
      for (const each of steps) {
        for (const [key, { expiresMs }] of model) if (expiresMs <= nowMs) model.delete(key);
        if (each.kind === "wait") {
          nowMs += each.ms;
          harness.clock.advance(each.ms);
        } else if (each.kind === "set") {
          harness.run("SET", each.key, each.value);
          model.set(each.key, { value: each.value, expiresMs: Number.POSITIVE_INFINITY });
        } else {
          const source = model.get(each.from);
          const payload = dumpInReply(harness.run("DUMP", each.from));
          expect(payload === undefined || payload.length === 0).toBe(source === undefined);
          if (source === undefined) continue;
          const options = each.replaces ? ["REPLACE"] : [];
          const isBusy = model.has(each.to) && !each.replaces;
          expect(harness.text("RESTORE", each.to, LIFE_MS, payload!, ...options)).toBe(isBusy ? BUSY : OK);
          if (!isBusy) model.set(each.to, { value: source.value, expiresMs: nowMs + LIFE_MS });
        }
      }
      for (const key of ["a", "b", "c", "d"]) {
        const expected = model.get(key);
        const isThere = expected !== undefined && expected.expiresMs > nowMs;
        expect(harness.text("EXISTS", key)).toBe(isThere ? ":1\r\n" : ":0\r\n");
        if (!isThere) continue;
        const { value: held, expiresMs } = expected;
        expect(harness.run("GET", key)).toEqual(
          Buffer.concat([Buffer.from(`$${held.length}\r\n`), held, Buffer.from("\r\n")]),
        );
        const shown = Number.isFinite(expiresMs) ? expiresMs : -1;
        expect(harness.text("PEXPIRETIME", key)).toBe(`:${shown}\r\n`);
      }
    }),
  );
});

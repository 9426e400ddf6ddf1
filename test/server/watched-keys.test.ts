/**
 * WATCH and the passing of time, which the comparison with Redis (test/integration/transactions-conformance.test.ts)
 * leaves out: keys that expire, or were past their expiry when they were watched.
 */
import { beforeEach, describe, expect, it } from "vitest";
import { hashCommands } from "../../src/commands/hashes/index.ts";
import { keyCommands } from "../../src/commands/keys/index.ts";
import { stringCommands } from "../../src/commands/strings/index.ts";
import { WatchedKeys, type Watcher } from "../../src/server/watched-keys.ts";
import { CommandHarness } from "../support/command-harness.ts";

let harness: CommandHarness;
let watched: WatchedKeys;
let watcher: { watches: Watcher["watches"]; hasLostWatch: boolean };

beforeEach(() => {
  harness = new CommandHarness({ commands: [...stringCommands, ...keyCommands, ...hashCommands] });
  const { effects, keyspace } = harness;
  watched = new WatchedKeys(keyspace, undefined, () => effects.length);
  keyspace.onKeyRemoved = (database, key) => keyspace.watchers?.changed(database, key);
  watcher = { watches: [], hasLostWatch: false };
});

function watch(key: string): void {
  watched.add(watcher, harness.db, Buffer.from(key));
}

function run(...args: string[]): void {
  harness.run(...args);
  watched.settle();
}

/** Sets a key whose time has come, but that is still there. */
function setStale(key: string): void {
  run("SET", key, "v", "PX", "10");
  harness.clock.advance(20);
}

describe("a watched key whose time comes", () => {
  beforeEach(() => {
    run("SET", "k", "v", "PX", "100");
    watch("k");
  });

  it("has changed, even if it is still there", () => {
    harness.clock.advance(99);
    harness.keyspace.refreshClock();
    expect(watched.hasExpired(watcher)).toBe(false);
    harness.clock.advance(1);
    harness.keyspace.refreshClock();
    expect(watched.hasExpired(watcher)).toBe(true);
    expect(watcher.hasLostWatch).toBe(false);
  });

  it("has changed when it is deleted for that", () => {
    harness.clock.advance(100);
    run("GET", "k");
    expect(watcher.hasLostWatch).toBe(true);
  });

  it("has not changed while data is loaded", () => {
    harness.keyspace.expiring = false;
    harness.clock.advance(200);
    harness.keyspace.refreshClock();
    expect(watched.hasExpired(watcher)).toBe(false);
  });
});

describe("a key that was past its expiry when it was watched", () => {
  beforeEach(() => {
    setStale("k");
    harness.keyspace.refreshClock();
    watch("k");
  });

  it("does not count as expired since", () => {
    expect(watched.hasExpired(watcher)).toBe(false);
  });

  it.each([[["GET", "k"]], [["DEL", "k", "other"]], [["EXISTS", "k"]]])("may be deleted by %j", (request) => {
    run("SET", "other", "v");
    run(...request);
    expect(harness.db.find(Buffer.from("k"), 0, 1)).toBe(0);
    expect(watcher.hasLostWatch).toBe(false);
    expect(watched.hasExpired(watcher)).toBe(false);
    run("SET", "k", "new");
    expect(watcher.hasLostWatch).toBe(true);
  });

  it("has changed when it is set", () => {
    run("SET", "k", "new");
    expect(watcher.hasLostWatch).toBe(true);
  });

  it("may be flushed", () => {
    harness.keyspace.flush(0, false);
    expect(watcher.hasLostWatch).toBe(false);
    expect(watched.hasExpired(watcher)).toBe(false);
    run("SET", "k", "new");
    expect(watcher.hasLostWatch).toBe(true);
  });

  it("may be exchanged for nothing, or for one like it", () => {
    harness.keyspace.swap(0, 1);
    expect(watcher.hasLostWatch).toBe(false);
    expect(watched.hasExpired(watcher)).toBe(false);
    harness.keyspace.swap(0, 1);
    expect(watcher.hasLostWatch).toBe(false);
    harness.client.dbIndex = 1;
    setStale("k");
    harness.keyspace.refreshClock();
    harness.keyspace.swap(0, 1);
    expect(watcher.hasLostWatch).toBe(false);
  });

  it("may not be exchanged for a living one", () => {
    harness.client.dbIndex = 1;
    run("SET", "k", "new");
    harness.keyspace.swap(0, 1);
    expect(watcher.hasLostWatch).toBe(true);
  });
});

it("a missing key may be exchanged for one past its expiry", () => {
  harness.client.dbIndex = 1;
  setStale("k");
  harness.keyspace.refreshClock();
  harness.client.dbIndex = 0;
  watch("k");
  harness.keyspace.swap(0, 1);
  expect(watcher.hasLostWatch).toBe(false);
  expect(watched.hasExpired(watcher)).toBe(false);
});

it("who has lost his watch watches nothing more, and nobody is told any more", () => {
  run("MSET", "a", "1", "b", "2");
  watch("a");
  watch("b");
  watch("b");
  expect(watcher.watches).toHaveLength(2);
  expect(harness.keyspace.watchers).toBe(watched);
  run("SET", "b", "3");
  expect(watcher).toEqual({ watches: [], hasLostWatch: true });
  expect(harness.keyspace.watchers).toBeUndefined();
});

it("a command without effects changes nothing, whatever it was about to do", () => {
  run("SET", "k", "v");
  watch("k");
  const address = harness.db.peek(Buffer.from("k"), 0, 1);
  harness.db.beforeWrite(address);
  watched.settle();
  expect(watcher.hasLostWatch).toBe(false);
  run("SET", "other", "v");
  expect(watcher.hasLostWatch).toBe(false);
});

it("a hash changes when one of its fields expires, even for who only reads", () => {
  run("HSET", "h", "a", "1", "b", "2");
  run("HPEXPIRE", "h", "100", "FIELDS", "1", "a");
  watch("h");
  harness.clock.advance(50);
  run("HGET", "h", "a");
  expect(watcher.hasLostWatch).toBe(false);
  harness.clock.advance(50);
  run("HGET", "h", "a");
  expect(watcher.hasLostWatch).toBe(true);
});

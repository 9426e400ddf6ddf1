/**
 * Which large values stay in memory because they are in use, and how much of them is exempt from the limit.
 */
import { expect, test } from "vitest";
import { keyCommands } from "../../src/commands/keys/index.ts";
import { stringCommands } from "../../src/commands/strings/index.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { ValuesInUse } from "../../src/keyspace/values-in-use.ts";
import { CommandHarness } from "../support/command-harness.ts";

const MB = 1024 * 1024;
const LIMIT = 32 * MB;

class Scene {
  readonly harness = new CommandHarness({ commands: [...stringCommands, ...keyCommands] });
  readonly budget = {
    usedBytes: 0,
    exemptBytes: 0,
    limitBytes: LIMIT,
    spillFromBytes: LIMIT,
    spillToBytes: LIMIT,
    get chargedBytes(): number {
      return this.usedBytes - this.exemptBytes;
    },
    exempt(bytes: number): void {
      this.exemptBytes = bytes;
    },
  };
  readonly inUse: ValuesInUse;

  constructor() {
    // Values that are on disk would not be looked at.
    this.harness.staysInMemoryBecause = "their sizes in memory are what this is about";
    this.inUse = new ValuesInUse(this.harness.keyspace, this.budget);
  }

  get db(): Database {
    return this.harness.db;
  }

  set(key: string, bytes: number): void {
    this.harness.run("SET", key, Buffer.alloc(bytes, "v"));
  }

  keeps(key: string): boolean {
    return this.inUse.keeps(this.db, this.db.find(Buffer.from(key), 0, key.length));
  }

  /** Time passes in which only some keys are used. */
  pass(milliseconds: number, ...used: string[]): void {
    const { clock, keyspace } = this.harness;
    clock.advance(milliseconds);
    keyspace.refreshClock();
    for (const key of used) this.harness.run("STRLEN", key);
    this.inUse.refresh();
  }
}

test("a large value stays while it is used, a small one does not", () => {
  const scene = new Scene();
  scene.set("large", 5 * MB);
  scene.set("small", 1.5 * MB);
  expect(scene.keeps("large")).toBe(true);
  expect(scene.keeps("small")).toBe(false);
  for (let i = 0; i < 5; i++) {
    scene.pass(1000, "large");
    expect(scene.inUse.count).toBe(1);
  }
  scene.pass(2000, "small");
  expect(scene.inUse.count).toBe(0);
  expect(scene.inUse.bytes).toBe(0);
  expect(scene.keeps("large")).toBe(false);
});

test("with a policy that counts uses, it stays for the minute in which it was used", () => {
  const scene = new Scene();
  scene.harness.keyspace.accessClock.lfu = true;
  scene.pass(60_000 - (scene.harness.clock.nowMs % 60_000));
  scene.set("large", 5 * MB);
  expect(scene.keeps("large")).toBe(true);
  scene.pass(59_000);
  expect(scene.inUse.count).toBe(1);
  scene.pass(1000);
  expect(scene.inUse.count).toBe(0);
});

test("several stay while half of the limit is left to others, and who came first stays", () => {
  const scene = new Scene();
  for (const key of ["a", "b", "c"]) scene.set(key, 6 * MB);
  expect(["a", "b", "c"].map((key) => scene.keeps(key))).toEqual([true, true, false]);
  scene.set("b", 12 * MB);
  scene.pass(10);
  expect(scene.inUse.count).toBe(1);
  expect(["a", "b"].map((key) => scene.keeps(key))).toEqual([true, false]);
  scene.pass(1500, "b");
  scene.pass(1500, "b");
  expect(["b", "c"].map((key) => scene.keeps(key))).toEqual([true, false]);
});

test("one larger than the limit is exempt as far as the others have their half, until it is gone", () => {
  const scene = new Scene();
  scene.set("huge", 50 * MB);
  expect(scene.keeps("huge")).toBe(true);
  scene.budget.usedBytes = 52 * MB;
  expect(scene.inUse.standAlone()).toBe(false);
  expect(scene.budget.chargedBytes).toBe(LIMIT / 2);
  scene.set("huge", 40 * MB);
  scene.pass(10);
  // Never more than it takes itself.
  expect(scene.budget.exemptBytes).toBe(36 * MB);
  scene.set("huge", 20 * MB);
  scene.pass(10);
  expect(scene.budget.exemptBytes).toBeLessThan(21 * MB);
  scene.harness.run("DEL", "huge");
  scene.pass(10);
  expect(scene.budget.exemptBytes).toBe(0);
});

test("where that is not enough, it goes, and for a moment none is kept", () => {
  const scene = new Scene();
  scene.set("huge", 20 * MB);
  expect(scene.keeps("huge")).toBe(true);
  scene.budget.usedBytes = 60 * MB;
  expect(scene.inUse.standAlone()).toBe(true);
  expect(scene.budget.exemptBytes).toBe(0);
  expect(scene.keeps("huge")).toBe(false);
  scene.pass(100);
  expect(scene.keeps("huge")).toBe(true);
});

test("one whose database was flushed, or that was deleted, is forgotten", () => {
  const scene = new Scene();
  scene.set("a", 6 * MB);
  scene.set("b", 6 * MB);
  expect([scene.keeps("a"), scene.keeps("b")]).toEqual([true, true]);
  scene.harness.run("DEL", "a");
  scene.pass(10);
  expect(scene.inUse.count).toBe(1);
  scene.harness.keyspace.flush(0, false);
  scene.pass(10);
  expect(scene.inUse.count).toBe(0);
});

/**
 * Private changes against two plain keyspaces: one gets what the others do, one what is done in private. Random
 * commands on few keys, by turns; a snapshot begins at some point.
 */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/random.ts";
import { commandSpecs } from "../../src/commands/all.ts";
import { keysOfRequest } from "../../src/commands/key-positions.ts";
import { PrivateChanges } from "../../src/keyspace/private-changes.ts";
import { Request } from "../../src/protocol/request.ts";
import { CommandHarness } from "../support/command-harness.ts";
import { contents, describeEntry } from "../support/entry-contents.ts";
import { usualSeed } from "../support/seed.ts";
import { WHOLE_ENTRIES } from "../support/whole-entries.ts";

const NUMBERS = Array.from({ length: 5000 }, (_, i) => String(i));
const ROUNDS = 20;
const COMMANDS = 12;
const TIME_STEP_MS = 40;

function newHarness(): CommandHarness {
  const harness = new CommandHarness({ commands: commandSpecs });
  harness.staysInMemoryBecause = "addresses are compared with what a snapshot has seen";
  return harness;
}

/** A command that changes something, or reads what may have expired. */
function nextCommand(random: SeededRandom): string[] {
  const key = `k${random.below(6)}`;
  const other = `k${random.below(6)}`;
  const value = String(random.below(1000));
  const commands: string[][] = [
    ["SET", key, value],
    ["SET", key, value, "PX", String(1 + random.below(200))],
    ["APPEND", key, "x".repeat(random.below(3) * 4000)],
    ["RPUSH", key, ...Array.from({ length: 1 + random.below(300) }, (_, i) => `${value}-${i}`)],
    ["LPOP", key],
    ["HSET", key, ...Array.from({ length: 2 + 2 * random.below(200) }, (_, i) => `f${i}`)],
    ["ZADD", key, ...Array.from({ length: 40 }, (_, i) => [value, `m${i}`]).flat()],
    ["XADD", key, "*", "a", value],
    ["DEL", key],
    ["RENAME", key, other],
    ["COPY", key, other, "REPLACE"],
    ["EXPIRE", key, "100"],
    ["PERSIST", key],
    ["GET", key],
    ["LRANGE", key, "0", "3"],
    ["SORT", key, "ALPHA", "STORE", other],
  ];
  return commands[random.below(commands.length)];
}

/** Runs a command in private. */
function runOwn(harness: CommandHarness, changes: PrivateChanges, words: readonly string[]): string {
  const spec = commandSpecs.find(({ name }) => name === words[0].toLowerCase())!;
  const request = Request.of(...words);
  if (!spec.flags.includes("readonly")) {
    for (const { position } of keysOfRequest(spec, request, 0) ?? []) {
      changes.own(harness.client.dbIndex, request.bytes(position));
    }
  }
  return harness.text(...words);
}

describe("private changes", () => {
  const seed = usualSeed();

  it("are not there for others, whatever these do meanwhile", () => {
    for (let round = 0; round < ROUNDS; round++) {
      const random = new SeededRandom(seed + round);
      const [shared, plain] = [newHarness(), newHarness()];
      const both = (words: readonly string[], label: string) =>
        expect(shared.text(...words), label).toBe(plain.text(...words));
      const changes = new PrivateChanges(shared.keyspace, () => true);
      for (let i = 0; i < COMMANDS * 8; i++) {
        const label = `seed ${seed}, round ${round}, command ${i}`;
        if (i % COMMANDS === COMMANDS - 1) {
          changes.enter();
          const effects = shared.effects.length;
          for (let j = 0; j < COMMANDS; j++) runOwn(shared, changes, nextCommand(random));
          changes.leave();
          // What would not be propagated.
          shared.effects.length = effects;
          expect(contents(shared), label).toEqual(contents(plain));
        }
        both(nextCommand(random), label);
        const stepMs = random.below(2) * TIME_STEP_MS;
        shared.clock.advance(stepMs);
        plain.clock.advance(stepMs);
      }
      changes.discard();
      for (let i = 0; i < 6; i++) both(["TYPE", `k${i}`], `seed ${seed}, round ${round}`);
      expect(contents(shared)).toEqual(contents(plain));
      expect(shared.takeEffects()).toEqual(plain.takeEffects());
    }
  });

  it("stay from one time to the next", () => {
    for (let round = 0; round < ROUNDS; round++) {
      const random = new SeededRandom(seed + round);
      const [shared, alone] = [newHarness(), newHarness()];
      for (let i = 0; i < COMMANDS; i++) {
        const words = nextCommand(random);
        shared.run(...words);
        alone.run(...words);
      }
      const changes = new PrivateChanges(shared.keyspace, () => true);
      for (let i = 0; i < COMMANDS; i++) {
        changes.enter();
        for (let j = 0; j < 3; j++) {
          const words = nextCommand(random);
          const label = `seed ${seed}, round ${round}: ${words.slice(0, 4).join(" ")}`;
          expect(runOwn(shared, changes, words), label).toBe(alone.text(...words));
        }
        expect(contents(shared)).toEqual(contents(alone));
        changes.leave();
      }
    }
  });

  it("are not in a snapshot, nor keep what is changed out of it", () => {
    for (let round = 0; round < ROUNDS; round++) {
      const random = new SeededRandom(seed + round);
      const shared = newHarness();
      const { snapshots } = shared.keyspace;
      for (let i = 0; i < COMMANDS; i++) shared.run(...nextCommand(random));
      const changes = new PrivateChanges(shared.keyspace, () => true);
      const visit = () => {
        changes.enter();
        for (let i = 0; i < 3; i++) runOwn(shared, changes, nextCommand(random));
        changes.leave();
      };
      visit();
      const before = contents(shared);
      const seen: string[] = [];
      const index = shared.client.dbIndex;
      snapshots.start({
        entry(number, _database, address) {
          expect(number).toBe(index);
          seen.push(describeEntry(shared, address));
          return false;
        },
        ...WHOLE_ENTRIES,
      });
      do {
        visit();
        shared.run(...nextCommand(random));
      } while (!snapshots.step(1));
      expect(seen.sort(), `seed ${seed}, round ${round}`).toEqual(before);
      visit();
      changes.discard();
    }
  });

  it("give all memory back", () => {
    const shared = newHarness();
    const { keyspace } = shared;
    shared.run("SELECT", 2);
    for (const key of ["l", "s", "gone"]) shared.run("RPUSH", key, ...NUMBERS);
    const settled = () => {
      while (keyspace.freeRetired(1000));
      return keyspace.usedBytes;
    };
    const before = settled();
    const changes = new PrivateChanges(keyspace, () => true);
    changes.enter();
    runOwn(shared, changes, ["RPUSH", "l", ...NUMBERS]);
    runOwn(shared, changes, ["DEL", "gone"]);
    runOwn(shared, changes, ["SET", "new", "x".repeat(100_000)]);
    changes.leave();
    expect(settled()).toBeGreaterThan(before);
    changes.discard();
    expect(settled()).toBe(before);
  });

  it("tell nobody", () => {
    const shared = newHarness();
    const told: string[] = [];
    const tell = (what: string) => () => void told.push(what);
    const { keyspace } = shared;
    keyspace.watch({
      changing: tell("changing"),
      changed: tell("changed"),
      emptying: tell("emptying"),
      swapping: tell("swapping"),
      settle: tell("settle"),
    });
    keyspace.waiters = {
      keyReady: tell("ready"),
      databaseReplaced: tell("replaced"),
      databaseEmptied: tell("emptied"),
    };
    keyspace.events = { happened: tell("event") };
    keyspace.isStill = true;
    shared.run("SET", "a", "1");
    expect(told.splice(0)).not.toEqual([]);
    const { hits, misses } = keyspace;
    const changes = new PrivateChanges(keyspace, () => true);
    changes.enter();
    for (const words of [
      ["SET", "a", "2"],
      ["RPUSH", "l", "1"],
      ["DEL", "a"],
      ["GET", "a"],
      ["GET", "l"],
    ]) {
      runOwn(shared, changes, words);
    }
    changes.leave();
    changes.enter();
    changes.leave();
    expect(told).toEqual([]);
    expect({ hits: keyspace.hits, misses: keyspace.misses, isStill: keyspace.isStill }).toEqual({
      hits,
      misses,
      isStill: true,
    });
    expect(keyspace.waiters).toBeDefined();
    expect(shared.text("GET", "a")).toBe("$1\r\n1\r\n");
  });

  it("do not begin while a key that they have cannot be read", () => {
    const shared = newHarness();
    let isReadable = true;
    const changes = new PrivateChanges(shared.keyspace, () => isReadable);
    changes.enter();
    runOwn(shared, changes, ["SET", "a", "1"]);
    isReadable = false;
    expect(changes.own(0, Buffer.from("b"))).toBe(false);
    changes.leave();
    expect(changes.enter()).toBe(false);
    expect(shared.text("GET", "a")).toBe("$-1\r\n");
    changes.discard();
  });
});

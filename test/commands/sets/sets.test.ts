/** Commands on sets, large ones too, against JavaScript's Sets; and what the log is told. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import type { CommandHarness } from "../../support/command-harness.ts";
import { itemsOf, newSetHarness } from "./harness.ts";

const KEYS = ["a", "b", "c", "d", "e"];

/** Sets of very different sizes, with many members in common, some of them intsets. */
function fill(harness: CommandHarness, random: SeededRandom): Map<string, Set<string>> {
  const sets = new Map<string, Set<string>>();
  const range = 1 + random.below(1500);
  for (const key of KEYS) {
    const isText = random.below(2) === 0;
    const size = random.below(3) === 0 ? random.below(5) : random.below(600);
    const members = Array.from({ length: size }, () => `${isText ? "m" : ""}${random.below(range)}`);
    // Texts and integers meet too.
    if (isText && size > 0) members.push(String(random.below(range)), "1", "2");
    if (members.length > 0) harness.run("SADD", key, ...members);
    sets.set(key, new Set(members));
  }
  harness.takeEffects();
  return sets;
}

function combine(operation: string, [first, ...others]: ReadonlySet<string>[]): string[] {
  if (operation === "UNION") return [...new Set([first, ...others].flatMap((set) => [...set]))].sort();
  const isInter = operation === "INTER";
  const passes = (member: string) =>
    isInter ? others.every((set) => set.has(member)) : !others.some((set) => set.has(member));
  return [...first].filter(passes).sort();
}

describe("SINTER, SUNION, SDIFF", () => {
  it("are those of mathematics, answered, counted or stored, into one of their own sets too", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.constantFrom("INTER", "UNION", "DIFF"),
        fc.array(fc.constantFrom(...KEYS, "none"), { minLength: 1, maxLength: 6 }),
        fc.constantFrom(...KEYS, "new"),
        fc.constantFrom(0, 100, 512),
        (seed, operation, keys, destination, limit) => {
          const harness = newSetHarness(limit);
          const sets = fill(harness, new SeededRandom(seed));
          const expected = combine(
            operation,
            keys.map((key) => sets.get(key) ?? new Set()),
          );
          expect(itemsOf(harness.run(`S${operation}`, ...keys)).sort()).toEqual(expected);
          if (operation === "INTER") {
            const count = (...limits: (string | number)[]) =>
              harness.text("SINTERCARD", keys.length, ...keys, ...limits);
            expect(count()).toBe(`:${expected.length}\r\n`);
            expect(count("LIMIT", 3)).toBe(`:${Math.min(3, expected.length)}\r\n`);
          }
          const wasThere = harness.text("EXISTS", destination) === ":1\r\n";
          if (wasThere) harness.run("EXPIRE", destination, 1000);
          harness.takeEffects();
          const store = [`S${operation}STORE`, destination, ...keys];
          expect(harness.text(...store)).toBe(`:${expected.length}\r\n`);
          expect(itemsOf(harness.run("SMEMBERS", destination)).sort()).toEqual(expected);
          expect(harness.text("TTL", destination)).toBe(expected.length > 0 ? ":-1\r\n" : ":-2\r\n");
          const isChange = expected.length > 0 || wasThere;
          expect(harness.takeEffects()).toEqual(isChange ? [store.join(" ")] : []);
        },
      ),
    );
  });

  it("answer sets in RESP3, and an empty one where there is nothing", () => {
    const harness = newSetHarness();
    harness.client.resp = 3;
    harness.run("SADD", "a", "x");
    for (const command of ["SINTER", "SUNION", "SDIFF", "SMEMBERS"]) {
      expect(harness.text(command, "a")).toBe("~1\r\n$1\r\nx\r\n");
      expect(harness.text(command, "none")).toBe("~0\r\n");
    }
    expect(harness.text("SPOP", "none", 3)).toBe("~0\r\n");
    expect(harness.text("SPOP", "none")).toBe("_\r\n");
    expect(harness.text("SRANDMEMBER", "none", 3)).toBe("*0\r\n");
    expect(harness.text("SPOP", "a", 1)).toBe("~1\r\n$1\r\nx\r\n");
  });

  it("look at all keys' types before anything is stored", () => {
    const harness = newSetHarness();
    harness.run("SADD", "a", "x");
    harness.run("SET", "string", "text");
    harness.takeEffects();
    for (const command of ["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"])
      expect(harness.text(command, "a", "none", "string")).toMatch(/^-WRONGTYPE/);
    expect(harness.takeEffects()).toEqual([]);
    expect(harness.text("SUNIONSTORE", "string", "a")).toBe(":1\r\n");
    expect(harness.text("SMEMBERS", "string")).toBe("*1\r\n$1\r\nx\r\n");
  });
});

describe("SSCAN", () => {
  it("visits each member of a large set once, those that match a pattern only if asked", () => {
    const harness = newSetHarness();
    const all = Array.from({ length: 5000 }, (_, i) => `member ${i}`);
    harness.run("SADD", "set", ...all);
    for (const [options, expected] of [
      [["COUNT", 100], all],
      [["COUNT", 7, "MATCH", "*99"], all.filter((member) => member.endsWith("99"))],
      [[], all],
    ] as const) {
      const seen: string[] = [];
      let cursor = "0";
      let steps = 0;
      do {
        const [next, ...members] = itemsOf(harness.run("SSCAN", "set", cursor, ...options));
        seen.push(...members);
        cursor = next;
        steps++;
      } while (cursor !== "0");
      expect(steps).toBeGreaterThan(10);
      expect(seen.sort()).toEqual([...expected].sort());
    }
  });

  it("shows a set of at most 128 members at once", () => {
    const harness = newSetHarness();
    const all = Array.from({ length: 129 }, (_, i) => `member ${i}`);
    harness.run("SADD", "set", ...all);
    expect(itemsOf(harness.run("SSCAN", "set", "0", "COUNT", 50))[0]).not.toBe("0");
    harness.run("SREM", "set", all[128]);
    const [next, ...members] = itemsOf(harness.run("SSCAN", "set", "0", "COUNT", 1));
    expect(next).toBe("0");
    expect(members.sort()).toEqual(all.slice(0, 128).sort());
  });

  it("goes on after the set was deleted and made again", () => {
    const harness = newSetHarness();
    const all = Array.from({ length: 500 }, (_, i) => `member ${i}`);
    harness.run("SADD", "set", ...all);
    const seen = new Set<string>();
    let cursor = "0";
    do {
      const [next, ...members] = itemsOf(harness.run("SSCAN", "set", cursor));
      for (const member of members) seen.add(member);
      cursor = next;
      harness.run("DEL", "set");
      harness.run(
        "SADD",
        "set",
        ...[...all].reverse(),
        ...Array.from({ length: 500 }, (_, i) => `other ${i}`),
      );
    } while (cursor !== "0");
    expect(all.every((member) => seen.has(member))).toBe(true);
  });
});

describe("SMOVE", () => {
  it("is told to the log if it moved anything", () => {
    const harness = newSetHarness();
    harness.run("SADD", "a", "x", "y");
    harness.takeEffects();
    expect(harness.text("SMOVE", "a", "b", "z")).toBe(":0\r\n");
    expect(harness.text("SMOVE", "a", "a", "x")).toBe(":1\r\n");
    expect(harness.text("SMOVE", "a", "a", "z")).toBe(":0\r\n");
    expect(harness.takeEffects()).toEqual([]);
    expect(harness.text("SMOVE", "a", "b", "x")).toBe(":1\r\n");
    expect(harness.text("SMOVE", "a", "b", "y")).toBe(":1\r\n");
    expect(harness.text("EXISTS", "a")).toBe(":0\r\n");
    expect(itemsOf(harness.run("SMEMBERS", "b")).sort()).toEqual(["x", "y"]);
    expect(harness.takeEffects()).toEqual(["SMOVE a b x", "SMOVE a b y"]);
  });
});

describe("SADD and SREM", () => {
  it("are told to the log only if they changed anything", () => {
    const harness = newSetHarness();
    harness.run("SADD", "a", "1", "2", "1");
    expect(harness.takeEffects()).toEqual(["SADD a 1 2 1"]);
    harness.run("SADD", "a", "1");
    harness.run("SREM", "a", "x");
    expect(harness.takeEffects()).toEqual([]);
    expect(harness.text("SREM", "a", "x", "2", "1", "2")).toBe(":2\r\n");
    expect(harness.takeEffects()).toEqual(["SREM a x 2 1 2"]);
    expect(harness.text("EXISTS", "a")).toBe(":0\r\n");
  });
});

/** SPOP and SRANDMEMBER: what they may choose, how often they choose it, and what the log is told. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { encodingName } from "../../../src/types/set/set-encoding.ts";
import { itemsOf, newSetHarness } from "./harness.ts";

/** Members of a set that is an intset, or else of one that is not. */
function membersOf(size: number, isIntset: boolean): string[] {
  return Array.from({ length: size }, (_, i) => (isIntset ? String(i * 7 - 20) : `member ${i}`));
}

/** The statistic, and what it is below in 9999 of 10000 cases if all are equally likely (Wilson and Hilferty). */
function chiSquare(counts: readonly number[]): { value: number; limit: number } {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const value = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const freedom = counts.length - 1;
  return { value, limit: freedom * (1 - 2 / (9 * freedom) + 3.719 * Math.sqrt(2 / (9 * freedom))) ** 3 };
}

describe("SRANDMEMBER", () => {
  it("returns so many different members, or so many of which each is any", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.integer({ min: 1, max: 200 }),
        fc.boolean(),
        fc.integer({ min: -300, max: 300 }),
        (seed, size, isIntset, count) => {
          const harness = newSetHarness(512, new SeededRandom(seed));
          const all = new Set(membersOf(size, isIntset));
          harness.run("SADD", "set", ...all);
          harness.takeEffects();
          const members = itemsOf(harness.run("SRANDMEMBER", "set", count));
          expect(members.length).toBe(count < 0 ? -count : Math.min(count, size));
          expect(members.every((member) => all.has(member))).toBe(true);
          if (count > 0) expect(new Set(members).size).toBe(members.length);
          expect(all.has(itemsOf(harness.run("SRANDMEMBER", "set"))[0])).toBe(true);
          expect(harness.takeEffects()).toEqual([]);
          expect(harness.text("SCARD", "set")).toBe(`:${size}\r\n`);
        },
      ),
    );
  });

  it.each([
    { isIntset: true, count: 1 },
    { isIntset: true, count: 10 },
    { isIntset: true, count: 40 },
    { isIntset: true, count: -10 },
    { isIntset: false, count: 1 },
    { isIntset: false, count: 10 },
    { isIntset: false, count: 40 },
    { isIntset: false, count: -10 },
  ])("each member is as likely as another: intset $isIntset, count $count", ({ isIntset, count }) => {
    const harness = newSetHarness(512, new SeededRandom(17));
    const all = membersOf(64, isIntset);
    harness.run("SADD", "set", ...all);
    const counts = new Map(all.map((member) => [member, 0]));
    const rounds = Math.ceil(20_000 / Math.abs(count));
    for (let round = 0; round < rounds; round++)
      for (const member of itemsOf(harness.run("SRANDMEMBER", "set", count)))
        counts.set(member, counts.get(member)! + 1);
    const { value, limit } = chiSquare([...counts.values()]);
    // Without replacement the counts differ less: by the share that is not taken.
    expect(value).toBeLessThan(count > 0 ? limit * ((64 - count) / 63) : limit);
  });
});

describe("SPOP", () => {
  it("removes what it returns, and has the log remove the same", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.integer({ min: 1, max: 200 }),
        fc.boolean(),
        fc.option(fc.integer({ min: 0, max: 250 })),
        (seed, size, isIntset, count) => {
          const [harness, copy] = [1, 2].map(() => newSetHarness(512, new SeededRandom(seed)));
          const all = membersOf(size, isIntset);
          for (const each of [harness, copy]) {
            each.run("SADD", "set", ...all);
            each.run("EXPIRE", "set", 1000);
          }
          harness.takeEffects();
          const popped = itemsOf(harness.run("SPOP", "set", ...(count === null ? [] : [count])));
          expect(popped.length).toBe(Math.min(count ?? 1, size));
          const left = itemsOf(harness.run("SMEMBERS", "set"));
          expect([...popped, ...left].sort()).toEqual([...all].sort());
          const effects = harness.effects.splice(0).map((args) => args.map(String));
          if (count !== null && count >= size) expect(effects).toEqual([["DEL", "set"]]);
          else expect(effects).toEqual(popped.map((member) => ["SREM", "set", member]));
          for (const effect of effects) copy.run(...effect);
          expect(itemsOf(copy.run("SMEMBERS", "set")).sort()).toEqual([...left].sort());
          expect(harness.text("PTTL", "set")).toBe(copy.text("PTTL", "set"));
        },
      ),
    );
  });

  it("makes an intset of what stays of a large pop, if it can, as Redis does", () => {
    const harness = newSetHarness();
    const encodings = new Set<string>();
    for (let round = 0; round < 60; round++) {
      harness.run("DEL", "set");
      harness.run("SADD", "set", ...membersOf(11, true), "text");
      harness.run("SPOP", "set", 11);
      const [left] = itemsOf(harness.run("SMEMBERS", "set"));
      const encoding = encodingName(
        harness.keyspace.entries.encoding(harness.db.peek(Buffer.from("set"), 0, 3)),
      );
      expect(encoding).toBe(left === "text" ? "hashtable" : "intset");
      encodings.add(encoding);
    }
    expect(encodings.size).toBe(2);
  });

  it("each member is as likely as another to be the one that is left", () => {
    const random = new SeededRandom(3);
    const all = membersOf(16, false);
    const counts = new Map(all.map((member) => [member, 0]));
    const harness = newSetHarness(512, random);
    for (let round = 0; round < 1500; round++) {
      harness.run("DEL", "set");
      harness.run("SADD", "set", ...all);
      if (round % 2 === 0) harness.run("SPOP", "set", 15);
      else for (let i = 0; i < 15; i++) harness.run("SPOP", "set");
      const [left] = itemsOf(harness.run("SMEMBERS", "set"));
      counts.set(left, counts.get(left)! + 1);
    }
    const { value, limit } = chiSquare([...counts.values()]);
    expect(value).toBeLessThan(limit);
  });
});

/**
 * Patterns found by their heads: the same, and in the same order, as if each were compared.
 */
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { globMatch } from "../../src/base/glob.ts";
import { PatternIndex } from "../../src/server/pattern-index.ts";

let index: PatternIndex;
/** Those that are there, in the order in which they came. */
let present: Set<string>;

beforeEach(() => {
  index = new PatternIndex();
  present = new Set();
});

function add(name: string): void {
  if (present.has(name)) return;
  present.add(name);
  index.add(name);
}

function remove(name: string): void {
  if (present.delete(name)) index.remove(name);
}

/** Looked for among other bytes, which must not count. */
function found(channel: string): string[] {
  const names: string[] = [];
  const source = Buffer.from(`x${channel}abcdabcd`, "latin1");
  index.forMatches(source, 1, channel.length, ({ name }) => names.push(name));
  return names;
}

function expected(channel: string): string[] {
  const bytes = Buffer.from(channel, "latin1");
  return [...present].filter((name) => globMatch(Buffer.from(name, "latin1"), bytes));
}

describe("of many patterns", () => {
  /** Ten for each of these, so that they are not just compared. */
  const HEADS = ["", "a", "news.", "news.of.", "news.of.the.", `${"long.".repeat(20)}`, "\xff\x00\xff\x00"];
  const TAILS = ["*", "", "?", "x*", "[a-c]", "\\*", "*x", "d*e", "[", "\\"];

  beforeEach(() => {
    for (const tail of TAILS) for (const head of HEADS) add(head + tail);
  });

  test.each([
    "news.of.the.world",
    "news.of.",
    "news.",
    "news",
    "a",
    "b",
    "",
    "*",
    `${"long.".repeat(20)}x`,
    `${"long.".repeat(12)}long`,
    "\xff\x00\xff\x00b",
  ])("those that %j matches are told in the order in which they came", (channel) => {
    expect(found(channel)).toEqual(expected(channel));
  });

  test("those that are gone are not found, and one that comes again comes last", () => {
    remove("news.*");
    remove("");
    expect(found("news.x")).toEqual(expected("news.x"));
    add("news.*");
    expect(found("news.x").at(-1)).toBe("news.*");
    expect(found("news.x")).toEqual(expected("news.x"));
    for (const name of present) remove(name);
    expect(found("news.x")).toEqual([]);
  });
});

test("random patterns come and go, few and many", () => {
  const letters = fc.constantFrom("a", "b", "c", "*", "?", "[", "]", "\\", "-");
  const pattern = fc.string({ unit: letters, maxLength: 10 });
  const channel = fc.string({ unit: fc.constantFrom("a", "b", "c", "*"), maxLength: 12 });
  const step = fc.oneof(
    { weight: 5, arbitrary: pattern.map((name) => ({ kind: "add" as const, name })) },
    { weight: 2, arbitrary: fc.nat().map((at) => ({ kind: "remove" as const, at })) },
    { weight: 3, arbitrary: channel.map((name) => ({ kind: "look" as const, name })) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
      index = new PatternIndex();
      present = new Set();
      for (const each of steps) {
        if (each.kind === "add") add(each.name);
        else if (each.kind === "remove") remove([...present][each.at % present.size] ?? "");
        else expect(found(each.name)).toEqual(expected(each.name));
      }
    }),
    { numRuns: 300 },
  );
});

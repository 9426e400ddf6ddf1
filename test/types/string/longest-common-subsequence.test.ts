/**
 * The longest common subsequence against the plain table algorithm, with Redis's choice among equals.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type CommonRun,
  LongestCommonSubsequence,
} from "../../../src/types/string/longest-common-subsequence.ts";

/** The whole table, and the way back through it, byte by byte. */
function model(first: Buffer, second: Buffer): { readonly text: string; readonly runs: CommonRun[] } {
  const table = Array.from({ length: first.length + 1 }, () =>
    Array.from({ length: second.length + 1 }, () => 0),
  );
  for (let i = 1; i <= first.length; i++) {
    for (let j = 1; j <= second.length; j++) {
      const isSame = first[i - 1] === second[j - 1];
      table[i][j] = isSame ? table[i - 1][j - 1] + 1 : Math.max(table[i - 1][j], table[i][j - 1]);
    }
  }
  let text = "";
  const runs: { first: number; second: number; length: number }[] = [];
  let i = first.length;
  let j = second.length;
  while (i > 0 && j > 0) {
    if (first[i - 1] === second[j - 1]) {
      i--;
      j--;
      text = String.fromCharCode(first[i]) + text;
      const last = runs.at(-1);
      if (last !== undefined && last.first === i + 1 && last.second === j + 1) {
        last.first--;
        last.second--;
        last.length++;
      } else {
        runs.push({ first: i, second: j, length: 1 });
      }
    } else if (table[i - 1][j] > table[i][j - 1]) {
      i--;
    } else {
      j--;
    }
  }
  return { text, runs };
}

const text = (alphabet: string) =>
  fc
    .array(fc.constantFrom(...alphabet.split("")), { maxLength: 100 })
    .map((characters) => Buffer.from(characters.join(""), "latin1"));

test("finds what the whole table finds", () => {
  const pair = fc.oneof(
    fc.tuple(text("ab"), text("ab")),
    fc.tuple(text("abcd"), text("bcde")),
    fc.tuple(text("abcdefghijklmnop"), text("abcdefghijklmnop")),
  );
  fc.assert(
    fc.property(pair, ([first, second]) => {
      const expected = model(first, second);
      const found = new LongestCommonSubsequence(first, second, true);
      expect(found.length).toBe(expected.text.length);
      expect(found.bytes().toString("latin1")).toBe(expected.text);
      expect([...found.runs()]).toEqual(expected.runs);
      expect(new LongestCommonSubsequence(first, second, false).length).toBe(expected.text.length);
    }),
    { numRuns: 500 },
  );
});

test("the example of Redis's documentation", () => {
  const found = new LongestCommonSubsequence(Buffer.from("ohmytext"), Buffer.from("mynewtext"), true);
  expect(found.bytes().toString()).toBe("mytext");
  expect([...found.runs()]).toEqual([
    { first: 4, second: 5, length: 4 },
    { first: 2, second: 0, length: 2 },
  ]);
});

test("empty strings have nothing in common", () => {
  const empty = Buffer.alloc(0);
  for (const [first, second] of [
    [empty, empty],
    [empty, Buffer.from("a")],
    [Buffer.from("a"), empty],
  ]) {
    const found = new LongestCommonSubsequence(first, second, true);
    expect(found.length).toBe(0);
    expect(found.bytes().length).toBe(0);
    expect([...found.runs()]).toEqual([]);
  }
});

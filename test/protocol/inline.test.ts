/**
 * Splitting lines: known cases, and random words that are quoted and must come back. That stock Redis splits alike is
 * tested with whole requests in stock-comparison.test.ts.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitArguments } from "../../src/protocol/inline.ts";

function split(line: string): string[] | undefined {
  return splitArguments(Buffer.from(line, "latin1"))?.map((word) => word.toString("latin1"));
}

const LINES: readonly (readonly [string, string[]])[] = [
  ["", []],
  [" \t\r\n\v\f ", []],
  ["get key", ["get", "key"]],
  ["  get \t key  ", ["get", "key"]],
  ["\v\fget", ["get"]],
  ["a\vb c\fd", ["a\vb", "c\fd"]],
  ['set k ""', ["set", "k", ""]],
  ["set k ''", ["set", "k", ""]],
  ['"a b" c', ["a b", "c"]],
  ["'a b' c", ["a b", "c"]],
  [String.raw`"\n\r\t\b\a\\\"\z"`, ['\n\r\t\b\x07\\"z']],
  [String.raw`"\x41\xff\xFf\x4g\x"`, ["A\xff\xffx4gx"]],
  [String.raw`'\'\n\\x'`, ["'\\n\\\\x"]],
  [String.raw`\n\x41`, ["\\n\\x41"]],
  ['foo"bar baz"', ["foobar baz"]],
  ["foo'bar'\tx", ["foobar", "x"]],
  ['"a"\v"b"', ["a", "b"]],
  ["\xe9 \x80", ["\xe9", "\x80"]],
  ["a\0b c", ["a"]],
  ["\0", []],
];

const UNBALANCED = [
  '"',
  "'",
  '"a',
  "'a",
  '"a"b',
  "'a'b",
  "\"a\"'b'",
  String.raw`"\"`,
  String.raw`'\'`,
  String.raw`'\\'`,
  '"a\0"',
  'a"b',
  '"\\',
];

describe("splitArguments", () => {
  it.each(LINES)("splits %j", (line, words) => expect(split(line)).toEqual(words));

  it.each(UNBALANCED)("refuses %j", (line) => expect(split(line)).toBeUndefined());

  it("gives back any words that were quoted", () => {
    const word = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes));
    const blanks = fc.stringMatching(/^[ \t\r\n\v\f]{1,3}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(word, blanks)), (parts) => {
        const line = parts.map(([bytes, blank]) => `"${escaped(bytes)}"${blank}`).join("");
        expect(split(line)).toEqual(parts.map(([bytes]) => bytes.toString("latin1")));
      }),
    );
  });
});

function escaped(bytes: Buffer): string {
  let text = "";
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte !== 0x22 && byte !== 0x5c;
    text += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return text;
}

/** Finding elements against a plain search, also where an integer lies in another encoding than Redis chooses. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withView } from "../../../src/base/byte-copy.ts";
import { Int64 } from "../../../src/base/int64.ts";
import { ElementValue } from "../../../src/types/listpack/element-value.ts";
import { endOffset, HEADER_BYTES, seekElement } from "../../../src/types/listpack/listpack.ts";
import { equalsElement, findElement } from "../../../src/types/listpack/search.ts";
import { usualSeed } from "../../support/seed.ts";
import { contents, integerOf, listpackOf, placed } from "./model.ts";

/** Few different ones, so that some are found; short ones that differ in one byte only. */
const values = fc.array(contents, { minLength: 1, maxLength: 4 }).chain((few) =>
  fc.array(
    fc.oneof(
      fc.constantFrom(...few),
      fc
        .constantFrom("a", "ba", "ca", "bb", "", "cab", "cbb", "\x80", "\x00")
        .map((text) => Buffer.from(text, "latin1")),
    ),
    { maxLength: 30 },
  ),
);
const skips = fc.nat({ max: 3 });

/** The element of this listpack that is found, by its index. */
function found(bytes: Buffer, start: number, value: ElementValue, from: number, skip: number): number {
  const first = seekElement(bytes, start, from);
  const at = findElement(bytes, start, value, first === -1 ? endOffset(bytes, start) : first, skip);
  for (let i = 0; at !== -1; i++) if (seekElement(bytes, start, i) === at) return i;
  return -1;
}

describe("an element", () => {
  test("is found where it is first", () => {
    fc.assert(
      fc.property(values, contents, fc.nat(30), skips, fc.boolean(), (list, other, place, skip, hasView) => {
        const start = place % 7;
        const bytes = placed(listpackOf(list), start);
        const from = place % (list.length + 1);
        for (const content of [...list, other]) {
          const expected = list.findIndex(
            (each, i) => i >= from && (i - from) % (skip + 1) === 0 && each.equals(content),
          );
          const text = hasView ? withView(placed(content, start)) : placed(content, start);
          const value = new ElementValue().set(text, start, content.length);
          expect(found(hasView ? withView(bytes) : bytes, start, value, from, skip)).toBe(expected);
        }
      }),
      { seed: usualSeed(), numRuns: 500 },
    );
  });

  test("is equal to its own content only", () => {
    fc.assert(
      fc.property(contents, contents, (one, other) => {
        const bytes = listpackOf([one]);
        const equals = (content: Buffer) =>
          equalsElement(bytes, 0, HEADER_BYTES, new ElementValue().set(content, 0, content.length));
        expect(equals(one)).toBe(true);
        expect(equals(other)).toBe(one.equals(other));
      }),
      { seed: usualSeed(), numRuns: 2000 },
    );
  });

  test("that is an integer is found without its text", () => {
    fc.assert(
      fc.property(fc.array(contents, { minLength: 1 }), (list) => {
        const bytes = listpackOf(list);
        const integer = new Int64();
        list.forEach((content) => {
          const wanted = integerOf(content);
          if (wanted === undefined) return;
          integer.setBigInt(wanted);
          const value = new ElementValue().setInt64(integer);
          const expected = list.findIndex((each) => each.equals(content));
          expect(found(bytes, 0, value, 0, 0)).toBe(expected);
          if (!integer.isSafe) return;
          expect(found(bytes, 0, new ElementValue().setInteger(integer.toNumber()), 0, 0)).toBe(expected);
        });
        expect(found(listpackOf([Buffer.alloc(0)]), 0, new ElementValue().setInteger(0), 0, 0)).toBe(-1);
      }),
      { seed: usualSeed(), numRuns: 300 },
    );
  });

  test.each([
    ["7", "c007"],
    ["7", "f107 00"],
    ["7", "f207 0000"],
    ["-1", "f3ff ffffff"],
    ["-1", "f4ff ffffff ffffffff"],
    ["7", "8137"],
    ["7", "e001 37"],
    ["7", "f001 000000 37"],
    ["abc", "e003 616263"],
  ])("%s is found in the encoding %s, which is not the shortest", (text, hex) => {
    const encoded = Buffer.from(hex.replaceAll(" ", ""), "hex");
    const bytes = Buffer.concat([Buffer.alloc(6), Buffer.of(1, 1), encoded, Buffer.of(encoded.length, 0xff)]);
    bytes.writeUInt32LE(bytes.length, 0);
    bytes.writeUInt16LE(2, 4);
    const content = Buffer.from(text);
    expect(findElement(bytes, 0, new ElementValue().set(content, 0, content.length), HEADER_BYTES, 0)).toBe(
      8,
    );
    const other = Buffer.from("8");
    expect(findElement(bytes, 0, new ElementValue().set(other, 0, 1), HEADER_BYTES, 0)).toBe(-1);
  });
});

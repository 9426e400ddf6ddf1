/** Ziplists: all their elements are read, and nothing that is not wholly one is taken for one. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ElementValue } from "../../src/types/listpack/element-value.ts";
import { readZiplist } from "../../src/types/ziplist.ts";
import { usualSeed } from "../support/seed.ts";
import { contents, integerOf } from "./listpack/model.ts";
import { ziplistOf } from "./ziplist-model.ts";

function textOf(value: ElementValue): string {
  if (!value.hasText) return value.integer.toBigInt().toString();
  return value.buffer.toString("latin1", value.start, value.start + value.length);
}

function read(ziplist: Buffer): string[] | undefined {
  const texts: string[] = [];
  const count = readZiplist(ziplist, (value) => {
    texts.push(textOf(value));
    return true;
  });
  if (count !== -1) expect(count).toBe(texts.length);
  return count === -1 ? undefined : texts;
}

describe("a ziplist", () => {
  test("is read element by element, whatever their encodings", () => {
    fc.assert(
      fc.property(fc.array(contents, { maxLength: 30 }), fc.boolean(), (all, wide) => {
        expect(read(ziplistOf(all, wide))).toEqual(all.map((content) => content.toString("latin1")));
      }),
      { seed: usualSeed(), numRuns: 500 },
    );
  });

  test("of more elements than its header can count is read", () => {
    const all = Array.from({ length: 70_000 }, (_, i) => Buffer.from(String(i)));
    expect(read(ziplistOf(all))?.length).toBe(70_000);
  });

  test("of which an element is refused counts for none", () => {
    const ziplist = ziplistOf([Buffer.from("a"), Buffer.from("b"), Buffer.from("c")]);
    let seen = 0;
    expect(readZiplist(ziplist, () => ++seen < 2)).toBe(-1);
    expect(seen).toBe(2);
  });

  test.each([
    ["nothing", ""],
    ["no end", "0b0000000a0000000000"],
    ["another length than it says", "0c0000000a0000000000ff"],
    ["an end that is none", "0b0000000a0000000000fe"],
    ["another number of elements", "0d0000000a00000002000001ff"],
    ["a last element elsewhere", "0d0000000b0000000100" + "00f2ff"],
    ["a last element behind the end", "0d000000ff0000000100" + "00f2ff"],
    ["a wrong length of the element before", "0d0000000a0000000100" + "01f2ff"],
    ["an encoding that is none", "0d0000000a0000000100" + "00c1ff"],
    ["a string that is cut off", "0e0000000a0000000100" + "000261ff"],
    ["a long string that is cut off", "110000000a0000000100" + "00800000000f61ff"],
    ["an integer that is cut off", "0e0000000a0000000100" + "00c001ff"],
    ["an end in the middle", "0e0000000a0000000100" + "00f2ffff"],
  ])("with %s is refused", (_reason, hex) => {
    expect(read(Buffer.from(hex, "hex"))).toBeUndefined();
  });

  test("that is damaged is refused or still whole", () => {
    fc.assert(
      fc.property(
        fc.array(contents, { minLength: 1, maxLength: 8 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (all, changes) => {
          const ziplist = ziplistOf(all);
          for (const [at, byte] of changes) ziplist[at % ziplist.length] = byte;
          const texts = read(ziplist);
          if (texts === undefined) return;
          // What was read is again a ziplist of that, in perhaps other encodings.
          const same = texts.map((text) => Buffer.from(text, "latin1"));
          expect(read(ziplistOf(same))).toEqual(texts);
          expect(ziplist.length).toBeGreaterThanOrEqual(11 + 2 * texts.length);
        },
      ),
      { seed: usualSeed(), numRuns: 2000 },
    );
  });

  test("may hold texts that could be integers", () => {
    // A string "12" of one element, which Redis would have written as an integer.
    const ziplist = Buffer.from("0f0000000a000000010000023132ff", "hex");
    expect(read(ziplist)).toEqual(["12"]);
    expect(integerOf(Buffer.from("12"))).toBe(12n);
  });
});

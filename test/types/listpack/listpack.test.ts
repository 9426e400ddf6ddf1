/** Reading listpacks made by the model: every element, every way to it, whatever lies around them in memory. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ElementValue, stringElementSize } from "../../../src/types/listpack/element-value.ts";
import { ElementView } from "../../../src/types/listpack/element-view.ts";
import { backlenBytes, readBacklen, writeBacklen } from "../../../src/types/listpack/encoding.ts";
import * as listpack from "../../../src/types/listpack/listpack.ts";
import { usualSeed } from "../../support/seed.ts";
import { contents, element, integerOf, listpackOf, placed } from "./model.ts";

const lists = fc.array(contents, { maxLength: 12 });
const starts = fc.nat({ max: 9 });
const runs = { seed: usualSeed(), numRuns: 500 };

/** What an element holds, by a view used for many. */
const view = new ElementView();

/** As a text, one character per byte: texts are compared much faster than Buffers. */
function contentAt(bytes: Buffer, start: number, at: number): string {
  view.read(bytes, start, at);
  return view.buffer.toString("latin1", view.start, view.start + view.length);
}

const textOf = (content: Buffer | undefined) => content?.toString("latin1");

describe("a listpack", () => {
  test("is walked from both ends", () => {
    fc.assert(
      fc.property(lists, starts, (values, start) => {
        const bytes = placed(listpackOf(values), start);
        expect(listpack.countElements(bytes, start)).toBe(values.length);
        const forward: string[] = [];
        const offsets: number[] = [];
        for (
          let at = listpack.firstElement(bytes, start);
          at !== -1;
          at = listpack.nextElement(bytes, start, at)
        ) {
          forward.push(contentAt(bytes, start, at));
          offsets.push(at);
          expect(view.end).toBe(listpack.offsetAfter(bytes, start, at));
        }
        expect(forward).toEqual(values.map(textOf));
        const backward: number[] = [];
        for (
          let at = listpack.lastElement(bytes, start);
          at !== -1;
          at = listpack.previousElement(bytes, start, at)
        ) {
          backward.push(at);
        }
        expect(backward.reverse()).toEqual(offsets);
      }),
      runs,
    );
  });

  test("is entered at any index, counted from both ends", () => {
    fc.assert(
      fc.property(lists, starts, fc.boolean(), (values, start, isCounted) => {
        const bytes = placed(listpackOf(values), start);
        if (!isCounted) bytes.writeUInt16LE(65_535, start + 4);
        expect(listpack.countElements(bytes, start)).toBe(values.length);
        for (let index = -values.length - 2; index < values.length + 2; index++) {
          const expected = values.at(index);
          const isThere = index < values.length && index >= -values.length;
          const at = listpack.seekElement(bytes, start, index);
          if (isThere) expect(contentAt(bytes, start, at)).toBe(textOf(expected));
          else expect(at).toBe(-1);
        }
      }),
      runs,
    );
  });

  test("of 65534, 65535 and more elements is counted", () => {
    for (const count of [65_534, 65_535, 70_000]) {
      const bytes = listpackOf(Array<Buffer>(count).fill(Buffer.from("7")));
      expect(listpack.countElements(bytes, 0)).toBe(count);
      expect(listpack.seekElement(bytes, 0, count - 1)).toBe(listpack.lastElement(bytes, 0));
      expect(listpack.seekElement(bytes, 0, count)).toBe(-1);
    }
  });

  test("may not grow beyond 1 GB", () => {
    const bytes = listpackOf([Buffer.from("a")]);
    const room = 2 ** 30 - bytes.length;
    expect([room, room + 1].map((added) => listpack.isSafeToAdd(bytes, 0, added))).toEqual([true, false]);
  });
});

describe("an element", () => {
  test("tells its text, and its integer exactly if it has one", () => {
    fc.assert(
      fc.property(contents, starts, (content, start) => {
        const bytes = placed(listpackOf([content]), start);
        view.readValue(bytes, start, listpack.HEADER_BYTES);
        const integer = integerOf(content);
        expect(view.isInteger).toBe(integer !== undefined);
        if (integer !== undefined) expect(view.integer.toBigInt()).toBe(integer);
        expect(contentAt(bytes, start, listpack.HEADER_BYTES)).toBe(textOf(content));
      }),
      { ...runs, numRuns: 2000 },
    );
  });

  test("is as large as it was said to be, and written so", () => {
    fc.assert(
      fc.property(contents, starts, (content, start) => {
        const value = new ElementValue().set(placed(content, start), start, content.length);
        const expected = element(content);
        expect(value.size).toBe(expected.length);
        if (!value.isInteger) expect(stringElementSize(content.length)).toBe(expected.length);
        const target = placed(Buffer.alloc(expected.length), start);
        expect(value.write(target, start)).toBe(start + expected.length);
        expect(target.equals(placed(expected, start))).toBe(true);
      }),
      { ...runs, numRuns: 2000 },
    );
  });

  test("that is no element is an error", () => {
    for (const head of [0xf5, 0xf8, 0xfe, 0xff]) {
      expect(() => view.readValue(Buffer.alloc(20, head), 0, 6)).toThrow("no element");
    }
  });
});

describe("a backlen", () => {
  const limits = [127, 128, 16_382, 16_383, 2_097_150, 2_097_151, 268_435_454, 268_435_455, 2 ** 30];

  test("of any size is what Redis writes", () => {
    const lengths = limits.map((size) => backlenBytes(size));
    expect(lengths).toEqual([1, 2, 2, 3, 3, 4, 4, 5, 5]);
    const written = (size: number) => {
      const bytes = Buffer.alloc(8);
      return bytes.subarray(0, writeBacklen(bytes, 0, size)).toString("hex");
    };
    const expected = "7f 0180 7ffe 00ffff 7ffffe 00ffffff 7ffffffe 00ffffffff 0480808080";
    expect(limits.map(written)).toEqual(expected.split(" "));
  });

  test("is read backwards", () => {
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...limits), fc.nat({ max: 2 ** 30 })), (size) => {
        const bytes = Buffer.alloc(16, 0xff);
        expect(readBacklen(bytes, writeBacklen(bytes, 3, size))).toBe(size);
      }),
    );
    expect(readBacklen(Buffer.alloc(10, 0xff), 8)).toBe(-1);
  });

  test("of five bytes leads over an element of 300 MB", () => {
    const length = 300_000_000;
    // Never written but at its ends, so the system gives memory for these only.
    const bytes = Buffer.alloc(length + 17);
    bytes.writeUInt32LE(bytes.length, 0);
    bytes.writeUInt16LE(1, 4);
    bytes[6] = 0xf0;
    bytes.writeUInt32LE(length, 7);
    writeBacklen(bytes, 11 + length, length + 5);
    bytes[bytes.length - 1] = 0xff;
    expect(listpack.lastElement(bytes, 0)).toBe(6);
    expect(listpack.nextElement(bytes, 0, 6)).toBe(-1);
    view.read(bytes, 0, 6);
    expect([view.start, view.length, view.end]).toEqual([11, length, bytes.length - 1]);
  });
});

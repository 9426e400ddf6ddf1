/** Lists against a plain array: whatever is done, in whatever form they are. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChunkImages, elementsOf } from "../../../src/types/list/list-chunks.ts";
import { HEAD, TAIL } from "../../../src/types/list/list-reader.ts";
import { ListSearch } from "../../../src/types/list/list-search.ts";
import { listType } from "../../../src/types/list/list-type.ts";
import { INLINE, LARGE } from "../../../src/types/list/list-value.ts";
import { ElementView } from "../../../src/types/listpack/element-view.ts";
import { rootOf } from "../../../src/types/rooted.ts";
import { usualSeed } from "../../support/seed.ts";
import { contents } from "../listpack/model.ts";
import { checkForm, ModelledList, valueOf } from "./model.ts";

/** Few different values, that some may be equal, and some that fill chunks, or need one of their own. */
const values = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("", "a", "b", "7", "1000").map((text) => Buffer.from(text)) },
  { weight: 3, arbitrary: contents },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(500, 1000, 1013, 1014, 1015, 3000, 8170, 8180, 9000, 20_000)
      .map((length) => Buffer.alloc(length, 0x78)),
  },
);
const ends = fc.constantFrom(HEAD, TAIL);
const steps = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("push" as const),
      end: ends,
      values: fc.array(values, { minLength: 1, maxLength: 4 }),
      times: fc.oneof(fc.constant(1), fc.nat(300)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("remove" as const, "removeEqual" as const, "replace" as const, "insert" as const),
      end: ends,
      place: fc.nat(),
      value: values,
      times: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("removeFrom" as const),
      end: ends,
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
);
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

function doStep(list: ModelledList, step: Step): void {
  switch (step.kind) {
    case "push":
      for (let i = 0; i < step.times; i++) list.push(step.values, step.end);
      break;
    case "removeFrom":
      list.removeFrom(step.end, Math.round(step.share * list.model.length));
      break;
    case "remove":
      for (let i = 0; i < step.times; i++) list.removeAt(placeIn(list, step.place, i));
      break;
    case "replace":
      for (let i = 0; i < step.times; i++) list.replace(placeIn(list, step.place, i), step.value);
      break;
    case "insert":
      for (let i = 0; i < step.times; i++) list.insert(placeIn(list, step.place, i), step.value, step.end);
      break;
    case "removeEqual":
      list.removeEqual(step.value, step.end, step.times === 1 ? Number.POSITIVE_INFINITY : step.times);
      break;
  }
}

function placeIn(list: ModelledList, place: number, i: number): number {
  return (place + i * 7919) % list.model.length;
}

describe("a list", () => {
  test("holds what a plain array holds", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(-2, -2, -1, -5, 0, 1, 3, 100),
        values,
        fc.array(steps, { maxLength: 15 }),
        (fill, first, all) => {
          const list = new ModelledList(fill, first);
          for (const step of all) {
            doStep(list, step);
            list.check();
          }
          list.dispose();
        },
      ),
      { seed: usualSeed(), numRuns: 150 },
    );
  });

  test("finds each element by its index", () => {
    const list = new ModelledList(-2, Buffer.from("0"));
    list.push(
      Array.from({ length: 20_000 }, (_, i) => Buffer.from(`element ${i + 1}`)),
      TAIL,
    );
    const reader = list.read();
    for (let i = 1; i < 20_000; i += 7) {
      expect(reader.seek(i)).toBe(true);
      expect(reader.buffer.toString("latin1", reader.start + reader.at + 1).startsWith(`element ${i}`)).toBe(
        true,
      );
    }
    expect([reader.seek(-1), reader.seek(20_001), reader.seek(20_000)]).toEqual([false, false, true]);
  });

  test("is searched from both ends", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "b", "1", "x".repeat(900)), { minLength: 1, maxLength: 60 }),
        fc.constantFrom("a", "1", "c"),
        ends,
        fc.oneof(fc.nat(70), fc.constant(Number.POSITIVE_INFINITY)),
        (all, sought, end, limit) => {
          const [first, ...rest] = all.map((text) => Buffer.from(text));
          const list = new ModelledList(-1, first);
          list.push(rest, TAIL);
          const search = new ListSearch();
          search.begin(list.read(), valueOf(Buffer.from(sought)), end, limit);
          const found: number[] = [];
          for (let index = search.next(); index !== -1; index = search.next()) found.push(index);
          const places = all.map((text, i) => (text === sought ? i : -1)).filter((i) => i !== -1);
          const expected =
            end === HEAD
              ? places.filter((i) => i < limit)
              : places.filter((i) => all.length - 1 - i < limit).reverse();
          expect(found).toEqual(expected);
        },
      ),
      { seed: usualSeed(), numRuns: 500 },
    );
  });
});

describe("the image of a list", () => {
  const long = Array.from({ length: 400 }, (_, i) => Buffer.alloc(350 + (i % 100), 0x61 + (i % 26)));

  test("holds what the list did, whatever is done to that", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(-2, -1, 3, 100),
        fc.array(fc.tuple(steps, fc.nat(30)), { maxLength: 15 }),
        fc.boolean(),
        (fill, all, isLeft) => {
          const list = new ModelledList(fill, Buffer.from("first"));
          list.push(long, TAIL);
          const before = [...list.model];
          const image = new ChunkImages(list.memory.blocks, rootOf(list.memory.entries, list.address));
          while (!image.freezeStep());
          const seen: string[] = [];
          for (const [step, chunks] of all) {
            doStep(list, step);
            list.check();
            readChunks(image, chunks, seen);
          }
          if (isLeft) list.memory.blocks.frozen.giveUp();
          else {
            readChunks(image, Number.POSITIVE_INFINITY, seen);
            expect(seen).toEqual(before);
          }
          expect(list.memory.blocks.frozen.count).toBe(0);
          list.check();
          // Nothing that was kept for the image is left in memory.
          list.dispose();
        },
      ),
      { seed: usualSeed(), numRuns: 150 },
    );
  });

  function readChunks(image: ChunkImages, count: number, into: string[]): void {
    const view = new ElementView();
    for (let i = 0; i < count && image.nextChunk(); i++)
      for (const { buffer, start, length } of elementsOf(image, view))
        into.push(buffer.toString("latin1", start, start + length));
  }
});

describe("the memory of a list", () => {
  test("of few elements is its entry", () => {
    const list = new ModelledList(-2, Buffer.from("1"));
    list.push([Buffer.from("2"), Buffer.from("x".repeat(900))], TAIL);
    expect(list.memory.entries.encoding(list.address)).toBe(INLINE);
    list.push([Buffer.from("y".repeat(200))], HEAD);
    expect(list.memory.entries.encoding(list.address)).toBe(LARGE);
    list.check();
  });

  test.each([HEAD, TAIL])("that was pushed at end %i is little more than its elements", (end) => {
    const list = new ModelledList(-2, Buffer.from("1"));
    const before = list.memory.entries.allocatedBytes;
    list.push(
      Array.from({ length: 200_000 }, () => Buffer.from("ten bytes.")),
      end,
    );
    const bytes = list.memory.entries.allocatedBytes - before;
    expect(bytes / 200_000).toBeLessThan(12 * 1.01);
    const { entries } = list.memory;
    const size = listType.rooted!.sizeBytes(list.memory, rootOf(entries, list.address), 5);
    expect(size).toBeLessThan(bytes * 1.05);
    expect(size).toBeGreaterThan(bytes * 0.95);
    expect(entries.encoding(list.address)).toBe(LARGE);
  });

  test("of two chunks is not spread over much more", () => {
    const list = new ModelledList(-2, Buffer.from("1"));
    const before = list.memory.entries.allocatedBytes;
    list.push(
      Array.from({ length: 1000 }, () => Buffer.from("ten bytes.")),
      TAIL,
    );
    expect(list.memory.entries.allocatedBytes - before).toBeLessThan(12_000 * 1.2);
  });

  test("of a queue does not grow", () => {
    const list = new ModelledList(-2, Buffer.from("first"));
    const batch = Array.from({ length: 1000 }, (_, i) => Buffer.from(`message ${i}`));
    for (let i = 0; i < 20; i++) list.push(batch, TAIL);
    const bytes = list.memory.entries.allocatedBytes;
    for (let i = 0; i < 100; i++) {
      list.push(batch, TAIL);
      list.removeFrom(HEAD, 1000);
    }
    expect(list.memory.entries.allocatedBytes).toBeLessThan(bytes + 20_000);
    list.check();
  });

  test("is given back when most elements are removed from the middle", () => {
    const list = new ModelledList(-2, Buffer.from("keep"));
    const batch = "abcdefghi".split("").map((letter) => Buffer.from(`${letter}${letter}`));
    for (let i = 0; i < 3000; i++) list.push(batch, TAIL);
    const bytes = list.memory.entries.allocatedBytes;
    for (const content of batch.slice(1)) list.removeEqual(content, HEAD, Number.POSITIVE_INFINITY);
    expect(list.memory.entries.allocatedBytes).toBeLessThan(bytes / 4);
    list.check();
  });
});

describe("chunks", () => {
  test("divided by insertions are joined again with what fits", () => {
    const list = new ModelledList(-2, Buffer.from("0"));
    for (let i = 0; i < 4000; i++) {
      const place = (i * 7919) % list.model.length;
      list.insert(place, Buffer.alloc(60, 0x61 + (i % 26)), i % 2);
    }
    const chunks = checkForm(list.memory, list.address);
    expect((4000 * 62) / chunks.length).toBeGreaterThan(4000);
    list.check();
  });
});

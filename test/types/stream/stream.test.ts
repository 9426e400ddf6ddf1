/**
 * Streams against a plain array of entries: adding, removing, trimming, ranges in both directions; with nodes of few
 * entries or few bytes, and ids all over their 128 bits. In the end nothing is left in memory.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { createStream, Stream } from "../../../src/types/stream/stream.ts";
import { StreamId } from "../../../src/types/stream/stream-id.ts";
import { StreamRange } from "../../../src/types/stream/stream-range.ts";
import { copyStream, disposeStream } from "../../../src/types/stream/whole-stream.ts";
import { usualSeed } from "../../support/seed.ts";
import { newValueMemory } from "../../support/value-memory.ts";
import { entriesOf, idOf, sourceOf } from "./model.ts";

const MAX_ID = 2n ** 128n - 1n;

const limits = fc.record({
  streamNodeMaxBytes: fc.constantFrom(0, 60, 200, 4096),
  streamNodeMaxEntries: fc.constantFrom(0, 1, 2, 7, 100),
});

/** How far an id is from the one before: mostly little, sometimes beyond a word. */
const distance = fc.oneof(
  fc.bigInt({ min: 1n, max: 3n }),
  fc
    .tuple(fc.constantFrom(31n, 32n, 63n, 64n, 65n, 95n, 100n), fc.bigInt({ min: -2n, max: 2n }))
    .map(([bits, more]) => 2n ** bits + more),
);
const pairs = fc.array(
  fc.tuple(
    fc.constantFrom("f", "g", "1"),
    fc.oneof(fc.string({ maxLength: 3 }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n }).map(String)),
  ),
  { minLength: 1, maxLength: 3 },
);
/** Where in the stream, as a fraction. */
const place = fc.double({ min: 0, max: 1, noNaN: true });

const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("add" as const), distance, pairs }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("trim" as const), place, byId: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("range" as const), place, end: place, isReverse: fc.boolean() }),
  },
);

interface ModelEntry {
  readonly id: bigint;
  readonly pairs: [string, string][];
}

test("a stream does what an array of entries does", () => {
  fc.assert(
    fc.property(limits, fc.array(operation, { maxLength: 120 }), (nodeLimits, operations) => {
      const { blocks } = newValueMemory();
      const before = blocks.slabs.allocatedBytes;
      const root = createStream(blocks.slabs);
      const stream = new Stream().open(blocks, root);
      const range = new StreamRange();
      let model: ModelEntry[] = [];
      let last = 0n;
      let added = 0;
      const at = (fraction: number) => model[Math.min(Math.floor(fraction * model.length), model.length - 1)];
      for (const step of operations) {
        if (step.kind === "add") {
          if (last + step.distance > MAX_ID) continue;
          last += step.distance;
          const source = sourceOf(step.pairs);
          stream.append(idOf(last), source, 0, step.pairs.length, source.buf.length, nodeLimits);
          model.push({ id: last, pairs: step.pairs });
          added++;
        } else if (model.length === 0) {
          expect(stream.walk(range).next()).toBe(false);
        } else if (step.kind === "remove") {
          const { id } = at(step.place);
          expect(stream.find(idOf(id))).toBe(true);
          stream.removeFound();
          expect(stream.find(idOf(id))).toBe(false);
          stream.updateFirstId();
          model = model.filter((entry) => entry.id !== id);
        } else if (step.kind === "trim") {
          const { id } = at(step.place);
          const kept = model.filter((entry) => entry.id >= id);
          const removed = model.length - kept.length;
          expect(
            step.byId ? stream.trimToId(idOf(id), true, 0) : stream.trimToLength(kept.length, true, 0),
          ).toBe(removed);
          model = kept;
        } else {
          const [from, to] = [at(step.place).id, at(step.end).id];
          const wanted = model.filter(({ id }) => id >= from && id <= to);
          if (step.isReverse) wanted.reverse();
          stream.walk(range, idOf(from), idOf(to), step.isReverse);
          expect(entriesOf(range)).toEqual(wanted);
        }
        expect(stream.length).toBe(model.length);
      }
      const reopened = new Stream().open(blocks, root);
      expect(reopened.length).toBe(model.length);
      expect(reopened.entriesAdded.toNumber()).toBe(added);
      expect(reopened.lastId.compare(idOf(last))).toBe(0);
      expect(reopened.firstId.compare(idOf(model[0]?.id ?? 0n))).toBe(0);
      const copy = copyStream(blocks, root);
      expect(entriesOf(new Stream().open(blocks, copy).walk(range))).toEqual(model);
      while (!disposeStream(blocks, root, 2));
      expect(entriesOf(new Stream().open(blocks, copy).walk(range))).toEqual(model);
      expect(disposeStream(blocks, copy, Number.POSITIVE_INFINITY)).toBe(true);
      expect(blocks.slabs.allocatedBytes).toBe(before);
    }),
    { numRuns: 150 },
  );
});

test("approximate trimming removes whole nodes, within its limit", () => {
  const { blocks } = newValueMemory();
  const stream = new Stream().open(blocks, createStream(blocks.slabs));
  const source = sourceOf([["f", "v"]]);
  const nodeLimits = { streamNodeMaxBytes: 4096, streamNodeMaxEntries: 10 };
  for (let i = 1n; i <= 95n; i++) stream.append(idOf(i), source, 0, 1, 2, nodeLimits);
  expect(stream.nodes).toBe(10);
  expect(stream.trimToLength(81, false, 0)).toBe(10);
  expect(stream.trimToLength(10, false, 35)).toBe(30);
  expect(stream.trimToId(idOf(59n), false, 0)).toBe(10);
  expect(stream.firstId.toString()).toBe("0-51");
  expect(stream.trimToLength(0, false, 44)).toBe(40);
  expect(stream.trimToLength(0, false, 45)).toBe(5);
  expect([stream.length, stream.nodes, stream.firstId.toString()]).toEqual([0, 0, "0-0"]);
  expect(stream.lastId.toString()).toBe("0-95");
});

test("when the last id was set below deleted ones, entries come in the order of their ids", () => {
  const { blocks } = newValueMemory();
  const stream = new Stream().open(blocks, createStream(blocks.slabs));
  const source = sourceOf([["f", "v"]]);
  const nodeLimits = { streamNodeMaxBytes: 4096, streamNodeMaxEntries: 2 };
  const add = (id: bigint) => stream.append(idOf(id), source, 0, 1, 2, nodeLimits);
  for (const id of [10n, 11n, 20n, 21n, 30n, 31n]) add(id);
  expect(stream.find(idOf(31n))).toBe(true);
  stream.removeFound();
  // The last node stays, of deleted entries only, since it ends with an id that is not to be trimmed.
  expect(stream.trimToId(idOf(31n), true, 0)).toBe(5);
  expect([stream.length, stream.nodes]).toEqual([0, 1]);
  stream.lastId.set(idOf(3n));
  stream.store();
  for (const id of [4n, 5n, 6n, 30n, 40n, 41n]) add(id);
  const ids = entriesOf(stream.walk(new StreamRange())).map(({ id }) => id);
  expect(ids).toEqual([4n, 5n, 6n, 30n, 40n, 41n]);
  // As in Redis, one each for what comes before the last node; 30 with those that were deleted; 40 and 41.
  expect(stream.nodes).toBe(5);
});

test("a hundred thousand entries take little more memory than their bytes, and are found", () => {
  const { blocks } = newValueMemory();
  const stream = new Stream().open(blocks, createStream(blocks.slabs));
  const source = sourceOf([["field", "some value"]]);
  const nodeLimits = { streamNodeMaxBytes: 4096, streamNodeMaxEntries: 100 };
  const before = blocks.slabs.allocatedBytes;
  const count = 100_000n;
  for (let i = 1n; i <= count; i++) stream.append(idOf(i << 64n), source, 0, 1, 15, nodeLimits);
  // Flags, two differences, the value and its frame, the number of elements.
  expect((blocks.slabs.allocatedBytes - before) / Number(count)).toBeLessThan(30);
  const random = new SeededRandom(usualSeed());
  const range = new StreamRange();
  for (let i = 0; i < 1000; i++) {
    const id = BigInt(1 + random.below(Number(count)));
    expect(stream.find(idOf(id << 64n))).toBe(true);
    expect(stream.find(idOf((id << 64n) + 1n))).toBe(false);
    expect(stream.walk(range, idOf((id << 64n) + 1n)).next()).toBe(id < count);
  }
  const lastId = new StreamId();
  expect(stream.readLastLiveId(lastId)).toBe(true);
  expect(lastId.toString()).toBe("100000-0");
});

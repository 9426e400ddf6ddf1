/**
 * Undo blocks: entries come back in order, whatever their sizes, and damage is noticed.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32c } from "../../src/base/checksum.ts";
import { StorageError } from "../../src/base/storage-error.ts";
import { numberOf, recordKey } from "../../src/cold/keys.ts";
import { UNDO_BLOCK_BYTES } from "../../src/cold/limits.ts";
import { readUndoBlock, type UndoEntry, UndoPacker } from "../../src/cold/undo.ts";

const entries: fc.Arbitrary<UndoEntry[]> = fc.array(
  fc.record({
    recordKey: fc
      .uint8Array({ maxLength: 1000 })
      .map((key) => recordKey({ namespace: 5, hash: 6, key: Buffer.from(key) })),
    value: fc.option(
      fc.oneof(
        fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)),
        fc.integer({ min: 0, max: 2 * UNDO_BLOCK_BYTES }).map((length) => Buffer.alloc(length, 7)),
      ),
      { nil: undefined },
    ),
  }),
);

/** Comparing large buffers byte by byte through `toEqual` takes seconds. */
function describeEntry({ recordKey, value }: UndoEntry): unknown[] {
  return [recordKey.toString("latin1"), value?.length, value === undefined ? 0 : crc32c(value)];
}

describe("undo blocks", () => {
  test("give back all entries in order, numbered upward, and each packer can be used again", () => {
    const packer = new UndoPacker();
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(), (saved, generation, sequence) => {
        packer.begin(generation, sequence);
        for (const entry of saved) packer.add(entry.recordKey, entry.value);
        const blocks = packer.finish();
        expect(blocks.map(({ key }) => numberOf(key))).toEqual(blocks.map((_, index) => sequence + index));
        const read = blocks.map(({ key, value }) => readUndoBlock(key, value as Buffer));
        expect(read.every((block) => block.generation === generation)).toBe(true);
        expect(read.flatMap((block) => block.entries).map(describeEntry)).toEqual(saved.map(describeEntry));
      }),
      { numRuns: 50 },
    );
  });

  test("small entries share a block", () => {
    const packer = new UndoPacker();
    packer.begin(1, 0);
    const key = recordKey({ namespace: 1, hash: 2, key: Buffer.from("some key") });
    for (let index = 0; index < 1000; index += 1) packer.add(key, undefined);
    expect(packer.finish().length).toBe(1);
  });

  test("every flipped bit is noticed", () => {
    const packer = new UndoPacker();
    packer.begin(3, 9);
    packer.add(recordKey({ namespace: 1, hash: 2, key: Buffer.from("a") }), Buffer.from("old"));
    packer.add(recordKey({ namespace: 1, hash: 2, key: Buffer.from("b") }), undefined);
    const [{ key, value }] = packer.finish() as { key: Buffer; value: Buffer }[];
    for (const target of [key, value]) {
      for (let bit = 0; bit < target.length * 8; bit += 1) {
        target[bit >> 3] ^= 1 << (bit & 7);
        expect(() => readUndoBlock(key, value)).toThrow(StorageError);
        target[bit >> 3] ^= 1 << (bit & 7);
      }
    }
    expect(readUndoBlock(key, value).entries.length).toBe(2);
  });
});

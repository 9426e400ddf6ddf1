/** Lists of keys: what was put in comes out, whole and in its order; keys of one hash are told from each other. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { HashedKeys, KeyList } from "../../src/keyspace/key-list.ts";

const someKey = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const longKey = fc.uint8Array({ minLength: 200, maxLength: 3000 }).map((bytes) => Buffer.from(bytes));

test("a list shows the keys that were added, however long", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(someKey, longKey), { maxLength: 60 }), (keys) => {
      const list = new KeyList();
      for (const key of keys) {
        const within = Buffer.concat([Buffer.from("<<<"), key, Buffer.from(">")]);
        list.add(within, 3, key.length);
        // What was given may change afterwards.
        within.fill(0);
      }
      const found: Buffer[] = [];
      list.forEach((source, start, length) =>
        found.push(Buffer.from(source.subarray(start, start + length))),
      );
      expect(list.count).toBe(keys.length);
      expect(found).toEqual(keys);
    }),
  );
});

test("keys with hashes are found by both", () => {
  const hashed = fc.record({
    hash: fc.integer({ min: 0, max: 5 }),
    key: fc.constantFrom("", "a", "b", "ab"),
  });
  fc.assert(
    fc.property(fc.array(hashed, { maxLength: 20 }), (added) => {
      const keys = new HashedKeys();
      const sorted = [...added].sort((a, b) => a.hash - b.hash);
      for (const { hash, key } of sorted) keys.add(hash * 800_000_000, Buffer.from(key), 0, key.length);
      for (let hash = 0; hash <= 5; hash++) {
        for (const key of ["", "a", "b", "ab"]) {
          const expected = added.some((each) => each.hash === hash && each.key === key);
          expect(keys.has(hash * 800_000_000, Buffer.from(`-${key}-`), 1, key.length)).toBe(expected);
        }
      }
    }),
  );
});

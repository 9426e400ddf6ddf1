/**
 * Ids against BigInt: all 64 bits of both parts, and the odd texts that Redis takes for numbers.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MAX_ID_TEXT,
  NO_ID,
  OPEN_ID,
  parseStreamId,
  StreamId,
  WHOLE_ID,
} from "../../../src/types/stream/stream-id.ts";

const MAX_UINT64 = 2n ** 64n - 1n;
const MAX_UINT128 = 2n ** 128n - 1n;

/** Numbers of all sizes, many of them at the edges of words. */
const uint64: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: MAX_UINT64 }),
  fc
    .tuple(fc.constantFrom(0n, 1n, 31n, 32n, 33n, 52n, 53n, 63n, 64n), fc.bigInt({ min: -2n, max: 2n }))
    .map(([bits, distance]) => BigInt.asUintN(64, 2n ** bits + distance)),
  fc.bigInt({ min: 0n, max: 20n }),
);

const value = (ms: bigint, seq: bigint) => (ms << 64n) | seq;

function idOf(ms: bigint, seq: bigint): StreamId {
  const word = (part: bigint, shift: bigint) => Number(BigInt.asIntN(32, part >> shift));
  return new StreamId().setWords(word(ms, 32n), word(ms, 0n), word(seq, 32n), word(seq, 0n));
}

function parse(text: string, toLast = false, allowsOpen = false): string | undefined {
  const id = new StreamId();
  const bytes = Buffer.from(`..${text}..`, "latin1");
  const kind = parseStreamId(id, bytes, 2, Buffer.from(text, "latin1").length, toLast, allowsOpen);
  if (kind === NO_ID) return undefined;
  expect([WHOLE_ID, OPEN_ID]).toContain(kind);
  return kind === OPEN_ID ? `open ${id.toString()}` : id.toString();
}

describe("ids of 64 bits in both parts", () => {
  test("are written and read exactly", () => {
    fc.assert(
      fc.property(uint64, uint64, (ms, seq) => {
        const id = idOf(ms, seq);
        const text = `${ms}-${seq}`;
        expect(id.toString()).toBe(text);
        const bytes = Buffer.alloc(MAX_ID_TEXT);
        expect(bytes.toString("latin1", 0, id.write(bytes, 0))).toBe(text);
        expect(parse(text)).toBe(text);
        expect(parse(`${ms}`)).toBe(`${ms}-0`);
        expect(parse(`${ms}`, true)).toBe(`${ms}-${MAX_UINT64}`);
        expect(parse(`${ms}-*`, false, true)).toBe(`open ${ms}-0`);
        const raw = Buffer.alloc(16);
        expect(id.writeBytes(raw, 0)).toBe(16);
        expect(raw.toString("hex")).toBe(value(ms, seq).toString(16).padStart(32, "0"));
        expect(new StreamId().readBytes(raw, 0).toString()).toBe(text);
        const words = new Int32Array(5);
        id.writeWords(words, 1);
        expect(new StreamId().readWords(words, 1).compare(id)).toBe(0);
      }),
    );
  });

  test("are compared as numbers without sign", () => {
    fc.assert(
      fc.property(uint64, uint64, uint64, uint64, fc.boolean(), (ms, seq, otherMs, otherSeq, isSameMs) => {
        const second = isSameMs ? ms : otherMs;
        const order = idOf(ms, seq).compare(idOf(second, otherSeq));
        const [a, b] = [value(ms, seq), value(second, otherSeq)];
        expect(Math.sign(order)).toBe(a < b ? -1 : a > b ? 1 : 0);
        expect(idOf(ms, seq).isOfSameMs(idOf(second, otherSeq))).toBe(ms === second);
      }),
    );
  });

  test("have a next and a previous one", () => {
    fc.assert(
      fc.property(uint64, uint64, (ms, seq) => {
        const number = value(ms, seq);
        const next = idOf(ms, seq);
        expect(next.increment()).toBe(number !== MAX_UINT128);
        const after = BigInt.asUintN(128, number + 1n);
        expect(next.toString()).toBe(`${after >> 64n}-${after & MAX_UINT64}`);
        const previous = idOf(ms, seq);
        expect(previous.decrement()).toBe(number !== 0n);
        const before = BigInt.asUintN(128, number - 1n);
        expect(previous.toString()).toBe(`${before >> 64n}-${before & MAX_UINT64}`);
      }),
    );
  });

  test("know the least and the greatest of them", () => {
    const id = new StreamId();
    expect(id.setMax().toString()).toBe(`${MAX_UINT64}-${MAX_UINT64}`);
    expect([id.isMax, id.isZero, id.hasLastSequence]).toEqual([true, false, true]);
    expect(id.setMin().toString()).toBe("0-0");
    expect([id.isMax, id.isZero, id.hasLastSequence]).toEqual([false, true, false]);
    expect(id.setMs(1_700_000_000_000).toString()).toBe("1700000000000-0");
  });
});

describe("texts", () => {
  test.each([
    [" 5-6", "5-6"],
    ["\t5-+7", "5-7"],
    ["+5", "5-0"],
    ["007-08", "7-8"],
    ["1--0", "1-0"],
    ["1--05", `1-${MAX_UINT64 - 4n}`],
    ["1- 5", "1-5"],
    ["1--9223372036854775809", "1-9223372036854775807"],
    ["1\0garbage", "1-0"],
    ["1-2\0-3", "1-2"],
    [`0${MAX_UINT64}`, `${MAX_UINT64}-0`],
    ["0".repeat(127), "0-0"],
  ])("as C reads them: %j", (text, id) => expect(parse(text)).toBe(id));

  test.each([
    "",
    "-",
    "+",
    "-1",
    "1-",
    "1-2-3",
    "a",
    "1a",
    "1-a",
    "1.5",
    "*",
    "1-*",
    "1-**",
    "(1",
    " ",
    "1 ",
    "1-5 ",
    "1--5",
    "1-- 5",
    "1-+-5",
    "18446744073709551616",
    "1-18446744073709551616",
    "\0",
    "0".repeat(128),
  ])("that are no ids: %j", (text) => expect(parse(text)).toBeUndefined());

  test.each([
    ["5-*", "open 5-0"],
    ["5-6", "5-6"],
    ["5-**", undefined],
    ["-*", undefined],
  ])("with a sequence number to be chosen: %j", (text, id) => expect(parse(text, false, true)).toBe(id));
});

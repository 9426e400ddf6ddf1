/**
 * The values whose memory is compared with Redis's. Members, fields, elements and values have 16 bytes, and none is the
 * text of an integer, which either server could store in fewer.
 */
import type { Random } from "../../src/base/random.ts";
import { encodeCommand } from "../support/pipeline-client.ts";

const ITEMS = 1_000_000;
/** Digits after a prefix of four characters, a colon included. */
const DIGITS = 12;
const FIELDS_OF_SMALL_HASH = 5;
/** Wanted as a multiple of Redis's, at most. */
const TARGET = 1.1;

export interface MemoryCase {
  readonly name: string;
  /** Members, fields, elements, or keys where each has a value of its own. */
  readonly items: number;
  readonly target: number;
  /** The commands that add the items from `first` up to `end`. */
  readonly add: (first: number, end: number, random: Random) => Buffer[];
  /** What tells how many items there are. */
  readonly size: readonly [name: string, ...args: string[]];
}

export const MEMORY_CASES: readonly MemoryCase[] = [
  oneKey("set", ["SADD", "set"], "SCARD", (i) => [text("mem", i)]),
  oneKey("hash", ["HSET", "hash"], "HLEN", (i) => [text("fld", i), text("val", i)]),
  // Random scores: in ascending order the tree would be packed more densely than it mostly is.
  oneKey("sorted-set", ["ZADD", "zset"], "ZCARD", (i, random) => [
    String(random.below(ITEMS)),
    text("mem", i),
  ]),
  oneKey("list", ["RPUSH", "list"], "LLEN", (i) => [text("elm", i)]),
  {
    name: "small-hashes",
    items: ITEMS,
    target: TARGET,
    add: (first, end) => numbers(first, end).map(smallHash),
    size: ["DBSIZE"],
  },
];

/** A case of one key; `parts` are the arguments that add one item. */
function oneKey(
  name: string,
  command: readonly [string, string],
  size: string,
  parts: (i: number, random: Random) => string[],
): MemoryCase {
  return {
    name,
    items: ITEMS,
    target: TARGET,
    add: (first, end, random) => [
      encodeCommand([...command, ...numbers(first, end).flatMap((i) => parts(i, random))]),
    ],
    size: [size, command[1]],
  };
}

function smallHash(i: number): Buffer {
  const fields = numbers(0, FIELDS_OF_SMALL_HASH).flatMap((field) => [
    text("fld", field),
    text("val", i * FIELDS_OF_SMALL_HASH + field),
  ]);
  return encodeCommand(["HSET", text("key", i), ...fields]);
}

function numbers(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}

/** Sixteen bytes. */
function text(prefix: string, number: number): string {
  return `${prefix}:${String(number).padStart(DIGITS, "0")}`;
}

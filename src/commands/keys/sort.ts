/**
 * SORT and SORT_RO: the elements of a list, set or sorted set in the order of their numbers, of their bytes, or of what
 * other keys hold for them.
 *
 * What is sorted is copied first (sort-vector.ts): the result may replace it. Keys named by BY and GET that are cold
 * are fetched together; then the command begins anew.
 */
import { parseInteger } from "../../base/numbers.ts";
import { naturalOrder, numberKeys, Scratch, sortedOrder, textKeys } from "../../base/sorted-order.ts";
import { SORT_NOT_A_DOUBLE, WRONG_TYPE } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { INFINITE, NEGATIVE_INFINITE, parseLongDouble } from "../../types/string/long-double.ts";
import { type CommandSpec, defineCommand, keyAt, unknownKeys } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { PatternValue } from "./sort-lookup.ts";
import { keysOfReadonlySort, keysOfSort, SortOptions } from "./sort-options.ts";
import { elementCount, isOrdered, isSortable, loadElements, prepareSource } from "./sort-source.ts";
import { storeSorted } from "./sort-store.ts";
import { ByteVector } from "./sort-vector.ts";

/** Below it a double has fewer digits: C's strtod says that it is out of range. */
const MIN_NORMAL_DOUBLE = 2 ** -1022;
const NUL = 0;

/** What all runs of the command use: none begins before another has ended. */
const room = {
  elements: new ByteVector(),
  /** What the elements are sorted by. */
  texts: new ByteVector(),
  numbers: new Scratch((length) => new Float64Array(length)),
  /** What is to be stored. */
  result: new ByteVector(),
};
const EMPTY_ORDER = new Uint32Array(0);

/** One run of the command. */
class Sorting {
  readonly ctx: CommandContext;
  readonly options: SortOptions;
  readonly elements = room.elements;
  /** Begins with the elements' numbers in the order of the result. Which part of it is wanted is told by the others. */
  order: Uint32Array = EMPTY_ORDER;
  start = 0;
  end = 0;
  readonly value: PatternValue;

  constructor(ctx: CommandContext, options: SortOptions) {
    this.ctx = ctx;
    this.options = options;
    this.value = new PatternValue(ctx);
  }

  /** Does all for the value at `address` (0: there is none). */
  run(address: number): Outcome {
    const { ctx, options } = this;
    this.load(address);
    if (!options.keepsOrder) {
      const outcome = this.sort();
      if (outcome !== undefined) return outcome;
    }
    for (const pattern of options.gets) {
      const fetching = ctx.fetchKeys(this.keysOf(pattern, this.start, this.end));
      if (fetching !== undefined) return fetching;
    }
    return options.storeAt === 0 ? answer(this) : store(this);
  }

  /** Loads the elements of the value at `address` (0: there is none). */
  load(address: number): void {
    const { ctx, options } = this;
    const size = address === 0 ? 0 : elementCount(ctx, address);
    this.start = Math.min(Math.max(options.start, 0), size);
    this.end = options.count < 0 ? size : Math.min(this.start + options.count, size);
    if (size === 0) return;
    const isOwnOrder = options.keepsOrder && isOrdered(ctx.keyspace.entries.type(address));
    if (!isOwnOrder) {
      loadElements(ctx, address, 0, size, this.elements);
      this.order = naturalOrder(size);
      return;
    }
    // Only what is wanted; the last elements come first if the order is descending.
    const count = this.end - this.start;
    const first = options.isDescending ? size - this.end : this.start;
    if (count > 0) loadElements(ctx, address, first, count, this.elements);
    this.order = naturalOrder(count, options.isDescending);
    this.start = 0;
    this.end = count;
  }

  /** The keys that a pattern names for the elements from `start` to before `end` of the result. */
  *keysOf(pattern: NonNullable<SortOptions["by"]>, start: number, end: number): Generator<Buffer> {
    if (!pattern.hasPlace || pattern.isElement) return;
    for (let i = start; i < end; i++) {
      this.substitute(pattern, this.order[i]);
      yield Buffer.from(pattern.name.bytes());
    }
  }

  /** Sorts; undefined after an error reply, or with what the handler is to return. */
  sort(): Outcome | undefined {
    const { ctx, elements, options } = this;
    const { by, isAlphabetical, isDescending } = options;
    if (by !== undefined) {
      const fetching = ctx.fetchKeys(this.keysOf(by, 0, elements.length));
      if (fetching !== undefined) return fetching;
    }
    if (isAlphabetical) {
      const weights = by === undefined ? elements : this.textWeights(by);
      // What is stored must not depend on the locale, so for Redis only what is answered is text.
      if (options.storeAt === 0) weights.compareAsTexts();
      const compare = (i: number, k: number): number => weights.compare(i, k);
      this.order = sortedOrder(elements.length, textKeys(weights), isDescending, compare);
      return undefined;
    }
    const weights = this.numberWeights(by);
    if (weights === undefined) return ctx.reply.error(SORT_NOT_A_DOUBLE);
    const compare = (i: number, k: number): number => weights[i] - weights[k] || elements.compare(i, k);
    const keys = [...numberKeys(weights), ...textKeys(elements)];
    this.order = sortedOrder(elements.length, keys, isDescending, compare);
    return undefined;
  }

  /** What the elements are sorted by, as bytes. */
  private textWeights(by: NonNullable<SortOptions["by"]>): ByteVector {
    const { value } = this;
    const weights = room.texts;
    for (let i = 0; i < this.elements.length; i++) {
      if (this.lookUp(by, i)) weights.push(value.buffer, value.start, value.length);
      else weights.pushAbsent();
    }
    return weights;
  }

  /** What the elements are sorted by, as numbers: 0 where there is none; undefined if one is no number. */
  private numberWeights(by: SortOptions["by"]): Float64Array | undefined {
    const { elements, value } = this;
    const weights = room.numbers.take(elements.length);
    for (let i = 0; i < elements.length; i++) {
      if (by === undefined) {
        weights[i] = parseWeight(elements.buffer, elements.startOf(i), elements.lengthOf(i));
      } else {
        weights[i] = this.lookUp(by, i) ? parseWeight(value.buffer, value.start, value.length) : 0;
      }
      if (Number.isNaN(weights[i])) return undefined;
    }
    return weights;
  }

  private substitute(pattern: NonNullable<SortOptions["by"]>, element: number): void {
    const { elements } = this;
    pattern.substitute(elements.buffer, elements.startOf(element), elements.lengthOf(element));
  }

  /** Turns `value` to what a pattern stands for; false if that does not exist. */
  lookUp(pattern: NonNullable<SortOptions["by"]>, element: number): boolean {
    const { elements, value } = this;
    if (pattern.isElement) {
      value.buffer = elements.buffer;
      value.start = elements.startOf(element);
      value.length = elements.lengthOf(element);
      return true;
    }
    if (!pattern.hasPlace) return false;
    this.substitute(pattern, element);
    return value.find(pattern);
  }
}

/** A number as C's strtod reads it; NaN for anything else, and for what a double does not hold. */
function parseWeight(buffer: Buffer, start: number, length: number): number {
  const integer = parseInteger(buffer, start, length);
  if (!Number.isNaN(integer)) return integer;
  let first = start;
  let end = start + length;
  const nul = buffer.indexOf(NUL, start);
  if (nul !== -1 && nul < end) end = nul;
  while (first < end && isBlank(buffer[first])) first++;
  if (start === end) return 0;
  const parsed = parseLongDouble(buffer, first, end - first);
  if (parsed === undefined) return Number.NaN;
  if (parsed === INFINITE) return Number.POSITIVE_INFINITY;
  if (parsed === NEGATIVE_INFINITE) return Number.NEGATIVE_INFINITY;
  const value = Number(parsed.significand) * 2 ** parsed.exponent;
  const magnitude = Math.abs(value);
  const isInRange = magnitude < Number.POSITIVE_INFINITY && magnitude >= MIN_NORMAL_DOUBLE;
  return isInRange || parsed.significand === 0n ? value : Number.NaN;
}

/** As C's isspace. */
function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function runSort(ctx: CommandContext, mayStore: boolean): Outcome {
  const { client, db, keyspace, request, reply } = ctx;
  const options = SortOptions.parse(ctx, mayStore);
  if (options === undefined) return DONE;
  let address = db.lookupRead(request.buf, request.start[1], request.len[1]);
  const type = address === 0 ? -1 : keyspace.entries.type(address);
  if (address !== 0 && !isSortable(type)) return reply.error(WRONG_TYPE);
  if (address !== 0) address = prepareSource(ctx, address);
  // What is stored, or what a script does, must not depend on the order in which a set happens to lie in memory.
  const isRepeatable = options.storeAt !== 0 || client.isInScript;
  if (options.keepsOrder && isRepeatable && address !== 0 && !isOrdered(type)) {
    options.keepsOrder = false;
    options.isAlphabetical = true;
    options.by = undefined;
  }
  try {
    return new Sorting(ctx, options).run(address);
  } finally {
    for (const vector of [room.elements, room.texts, room.result]) vector.clear();
  }
}

function answer(sorting: Sorting): Outcome {
  const { ctx, elements, end, options, order, start, value } = sorting;
  const { reply } = ctx;
  reply.array((end - start) * Math.max(1, options.gets.length));
  for (let i = start; i < end; i++) {
    const element = order[i];
    if (options.gets.length === 0)
      reply.bulkRange(elements.buffer, elements.startOf(element), elements.lengthOf(element));
    for (const pattern of options.gets) {
      if (sorting.lookUp(pattern, element)) reply.bulkRange(value.buffer, value.start, value.length);
      else reply.null();
    }
  }
  return DONE;
}

function store(sorting: Sorting): Outcome {
  const { elements, end, options, order, start, value } = sorting;
  const { result } = room;
  for (let i = start; i < end; i++) {
    const element = order[i];
    if (options.gets.length === 0)
      result.push(elements.buffer, elements.startOf(element), elements.lengthOf(element));
    for (const pattern of options.gets) {
      // What does not exist becomes an empty element.
      if (sorting.lookUp(pattern, element)) result.push(value.buffer, value.start, value.length);
      else result.push(elements.buffer, 0, 0);
    }
  }
  return storeSorted(sorting.ctx, options.storeAt, result);
}

const NOTE_BY_GET =
  "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort";
const NOTE_STORE =
  "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array";

export const sort = defineCommand({
  name: "sort",
  group: "generic",
  since: "1.0.0",
  summary: "Sorts the elements of a list, a set or a sorted set",
  complexity: "O(N*log(N)) in the number of elements, O(N) if they keep their order",
  arity: -2,
  flags: ["write", "denyoom"],
  categories: ["set", "sortedset", "list", "dangerous"],
  keys: [
    keyAt(1, "RO", "access"),
    { ...unknownKeys("RO", "access"), notes: NOTE_BY_GET },
    { ...unknownKeys("OW", "update"), notes: NOTE_STORE },
  ],
  keysOf: keysOfSort,
  run: (ctx) => runSort(ctx, true),
});

export const sortRo: CommandSpec = defineCommand({
  name: "sort_ro",
  group: "generic",
  since: "7.0.0",
  summary: "Sorts the elements of a list, a set or a sorted set, and stores nothing",
  complexity: "O(N*log(N)) in the number of elements, O(N) if they keep their order",
  arity: -2,
  flags: ["readonly"],
  categories: ["set", "sortedset", "list", "dangerous"],
  keys: [keyAt(1, "RO", "access"), { ...unknownKeys("RO", "access"), notes: NOTE_BY_GET }],
  keysOf: keysOfReadonlySort,
  run: (ctx) => runSort(ctx, false),
});

/**
 * Puts many elements in order. Each has a key, a number of 40 bits; with the element's position behind it that makes a
 * word of 64 bits, and words are sorted by the engine itself, which calls back for none of them: three times as fast as
 * a sort that compares by a function. Elements with the same key are sorted by further keys, as long as that tells them
 * apart, and then compared.
 */
import { compareBytes } from "./byte-copy.ts";

/** What one order after another uses has room for so many elements; for more there is new memory each time. */
export const KEPT_ELEMENTS = 1024;
const POSITION_BITS = 24;
const MOST_ELEMENTS = 2 ** POSITION_BITS;
const KEY_BYTES = 5;
/** The key's lowest byte is in a word's lower half. */
const LOW_KEY_VALUES = 0x100;
const KEY_MAX = 2 ** (8 * KEY_BYTES) - 1;
/** So few elements are put in order one after the other. */
const FEW_ELEMENTS = 16;
/** Which half of a word the machine has first. */
const LOW = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

/** Negative, 0 or positive, as element `i` comes before `k`, either is first, or `k` comes first. */
export type Comparison = (i: number, k: number) => number;

/**
 * Makes for each of these elements a whole number from 0 to 2^40 - 1: whatever has a lower one comes first. The array
 * may be longer, is changed, and holds until the next one is made.
 */
export type KeysOf = (elements: Uint32Array) => Float64Array;

/** An array of numbers for one sort after another. */
export class Scratch<A extends Float64Array | Uint32Array> {
  private readonly make: (length: number) => A;
  private readonly kept: A;

  /** @param make makes an array for that number of elements */
  constructor(make: (elements: number) => A) {
    this.make = make;
    this.kept = make(KEPT_ELEMENTS);
  }

  /** An array for so many elements, in which anything may be: for whoever asks until the next one does. */
  take(length: number): A {
    return length <= KEPT_ELEMENTS ? this.kept : this.make(length);
  }
}

const orderScratch = new Scratch((length) => new Uint32Array(length));
const unsortedScratch = new Scratch((length) => new Uint32Array(length));
const keyScratch = new Scratch((length) => new Float64Array(length));
/** For words of 64 bits, whose halves are the elements. */
const wordScratch = new Scratch((length) => new Uint32Array(2 * length));

/** The numbers from 0 on, or down to 0: the first `length` of an array that holds until the next call. */
export function naturalOrder(length: number, isReversed = false): Uint32Array {
  const order = orderScratch.take(length);
  for (let i = 0; i < length; i++) order[i] = isReversed ? length - 1 - i : i;
  return order;
}

/**
 * The elements 0, 1, 2 ... in their order. Of two that are equal the one with the lower number comes first.
 * @param keys the keys to sort by, those to sort elements by that have the same, and so on; the last are made again for
 * the elements of which they were the same, as they may differ if they are made for fewer
 * @param compare what the keys are to do; called for elements that they do not tell apart
 * @returns the first `length` of an array that holds until the next call
 */
export function sortedOrder(
  length: number,
  keys: readonly KeysOf[],
  isDescending: boolean,
  compare: Comparison,
): Uint32Array {
  const directed: Comparison = isDescending ? (i, k) => compare(k, i) : compare;
  const order = naturalOrder(length);
  if (length <= FEW_ELEMENTS) insertInOrder(order, length, directed);
  else sortByKeys(order.subarray(0, length), keys, isDescending, directed);
  return order;
}

function insertInOrder(order: Uint32Array, length: number, compare: Comparison): void {
  for (let i = 1; i < length; i++) {
    const element = order[i];
    let to = i;
    for (; to > 0 && compare(order[to - 1], element) > 0; to--) order[to] = order[to - 1];
    order[to] = element;
  }
}

/** Sorts elements, which come in the order of their numbers. */
function sortByKeys(
  elements: Uint32Array,
  [keysOf, ...further]: readonly KeysOf[],
  isDescending: boolean,
  directed: Comparison,
): void {
  const { length } = elements;
  if (length > MOST_ELEMENTS) {
    elements.sort(directed);
    return;
  }
  const equal = sortOnce(elements, keysOf(elements), isDescending);
  for (let i = 0; i < equal.length; i += 2) {
    const group = elements.subarray(equal[i], equal[i + 1]);
    if (group.length <= FEW_ELEMENTS) insertInOrder(group, group.length, directed);
    else if (further.length > 0) sortByKeys(group, further, isDescending, directed);
    else if (group.length < length) sortByKeys(group, [keysOf], isDescending, directed);
    else group.sort(directed);
  }
}

/** Sorts elements by these keys. Returns from which places up to which others the keys are the same. */
function sortOnce(elements: Uint32Array, keys: Float64Array, isDescending: boolean): number[] {
  const { length } = elements;
  const unsorted = unsortedScratch.take(length);
  const halves = wordScratch.take(length);
  for (let i = 0; i < length; i++) {
    if (isDescending) keys[i] = KEY_MAX - keys[i];
    const high = Math.floor(keys[i] / LOW_KEY_VALUES);
    halves[2 * i + HIGH] = high;
    halves[2 * i + LOW] = (keys[i] - high * LOW_KEY_VALUES) * MOST_ELEMENTS + i;
    unsorted[i] = elements[i];
  }
  new BigUint64Array(halves.buffer, 0, length).sort();
  const equal: number[] = [];
  let from = 0;
  let keyFrom = Number.NaN;
  for (let i = 0; i < length; i++) {
    const position = halves[2 * i + LOW] % MOST_ELEMENTS;
    elements[i] = unsorted[position];
    if (keys[position] === keyFrom) continue;
    if (i - from > 1) equal.push(from, i);
    from = i;
    keyFrom = keys[position];
  }
  if (length - from > 1) equal.push(from, length);
  return equal;
}

/** Keys of numbers, none of which is NaN, in two steps: the first bits of each as an unsigned integer, and the rest. */
export function numberKeys(numbers: Float64Array): KeysOf[] {
  return [
    (elements) => bitKeys(numbers, elements, (high, low) => high * LOW_KEY_VALUES + (low >>> POSITION_BITS)),
    (elements) => bitKeys(numbers, elements, (_, low) => low & (MOST_ELEMENTS - 1)),
  ];
}

/** Keys that are made of the halves of unsigned integers of 64 bits, which are in the order of the numbers. */
function bitKeys(
  numbers: Float64Array,
  elements: Uint32Array,
  key: (high: number, low: number) => number,
): Float64Array {
  const keys = keyScratch.take(elements.length);
  const number = new Float64Array(1);
  const bits = new Uint32Array(number.buffer);
  for (let i = 0; i < elements.length; i++) {
    // -0 is 0.
    number[0] = numbers[elements[i]] + 0;
    // Of numbers below 0 the larger one is nearer to 0, and all are before the others.
    const isNegative = number[0] < 0;
    const high = (bits[HIGH] ^ (isNegative ? -1 : 0x8000_0000)) >>> 0;
    keys[i] = key(high, (bits[LOW] ^ (isNegative ? -1 : 0)) >>> 0);
  }
  return keys;
}

/** Byte strings by number. */
export interface Texts {
  /** Whether each counts up to its first NUL only. */
  readonly endsAtNul: boolean;
  /** Absent ones come first. */
  isAbsent(i: number): boolean;
  /** Where it is: `lengthOf` bytes of `bufferOf` from `startOf` on. */
  bufferOf(i: number): Buffer;
  startOf(i: number): number;
  lengthOf(i: number): number;
}

/** Keys of byte strings: the first bytes in which those of these elements are not all the same. */
export function textKeys(texts: Texts): KeysOf[] {
  const { endsAtNul } = texts;
  const keysOf: KeysOf = (elements) => {
    const keys = keyScratch.take(elements.length);
    const skipped = endsAtNul ? 0 : commonLength(texts, elements);
    for (let k = 0; k < elements.length; k++) {
      const i = elements[k];
      const start = texts.startOf(i) + skipped;
      const length = Math.min(KEY_BYTES, texts.lengthOf(i) - skipped);
      keys[k] = textKey(texts.bufferOf(i), start, length, endsAtNul);
    }
    return keys;
  };
  return [keysOf];
}

function textKey(buffer: Buffer, start: number, length: number, endsAtNul: boolean): number {
  let key = 0;
  let read = 0;
  for (; read < length; read++) {
    if (endsAtNul && buffer[start + read] === 0) break;
    key = key * 0x100 + buffer[start + read];
  }
  return read < KEY_BYTES ? key * 0x100 ** (KEY_BYTES - read) : key;
}

/** How many bytes are the same at the beginning of all that there are. */
function commonLength(texts: Texts, elements: Uint32Array): number {
  let k = 0;
  while (k < elements.length && texts.isAbsent(elements[k])) k++;
  if (k === elements.length) return 0;
  const first = texts.bufferOf(elements[k]);
  const begin = texts.startOf(elements[k]);
  let common = texts.lengthOf(elements[k]);
  for (k++; k < elements.length && common > 0; k++) {
    const i = elements[k];
    if (texts.isAbsent(i)) continue;
    const buffer = texts.bufferOf(i);
    const start = texts.startOf(i);
    common = Math.min(common, texts.lengthOf(i));
    if (compareBytes(first, begin, common, buffer, start, common) === 0) continue;
    let same = 0;
    while (first[begin + same] === buffer[start + same]) same++;
    common = same;
  }
  return common;
}

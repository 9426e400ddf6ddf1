/**
 * Passes over a value of any type that Redis 7.4 or older writes, by its layout alone: nothing is decoded, and
 * memory use does not depend on the value's size. What it passes over is exactly the value's payload, as DUMP would
 * carry it.
 *
 *     string 0                     string
 *     list 1, set 2                count, strings
 *     hash 4                       count, (field, value)
 *     zset 3                       count, (member, score: length byte and text; 253 nan, 254 +inf, 255 -inf)
 *     zset 5                       count, (member, score: 8 bytes)
 *     9-13, 16, 17, 20             one string that holds the packed form (zipmap, ziplist, intset, listpack)
 *     list 14                      count, strings (ziplists)
 *     list 18                      count, (container length, string)
 *     stream 15, 19, 21            nodes, lengths, consumer groups: see `skipStream`
 *     hash 22                      count, (time length, field, value)
 *     hash 23                      one string (listpack)
 *     hash 24                      8 bytes, count, (time to live length, field, value)
 *     hash 25                      8 bytes, one string (listpack)
 *     module 7                     module id, values that begin with their kind (1, 2 length; 3 float; 4 double;
 *                                  5 string), 0
 */
import { moduleName, TYPE_MODULE_1, TYPE_MODULE_2, typeName } from "./format.ts";
import type { RdbSource } from "./source.ts";

/** What most types consist of: a count, and for each element so many lengths, strings and raw bytes, in this order; or
 * of one string, which holds the packed form. */
interface ElementLayout {
  readonly lengths: number;
  readonly strings: number;
  readonly rawBytes: number;
}

const ONE_STRING = "one string";
const TYPES_OF_ONE_STRING: readonly number[] = [0, 9, 10, 11, 12, 13, 16, 17, 20, 23];

const SIMPLE: readonly (ElementLayout | typeof ONE_STRING | undefined)[] = Array.from(
  { length: 256 },
  (_, type) => {
    if (type === 1 || type === 2 || type === 14) return { lengths: 0, strings: 1, rawBytes: 0 };
    if (type === 4) return { lengths: 0, strings: 2, rawBytes: 0 };
    if (type === 5) return { lengths: 0, strings: 1, rawBytes: 8 };
    if (type === 18) return { lengths: 1, strings: 1, rawBytes: 0 };
    return TYPES_OF_ONE_STRING.includes(type) ? ONE_STRING : undefined;
  },
);

/** Whether values of this type consist of one string. */
export function isOneString(type: number): boolean {
  return SIMPLE[type] === ONE_STRING;
}

/**
 * Passes over a value that lies in the window as a whole, if its layout is one of the simple ones. False if not; then
 * the source is somewhere in it. Throws RdbError.
 */
export function trySkipValue(source: RdbSource, type: number): boolean {
  const layout = SIMPLE[type];
  if (layout === undefined) return false;
  if (layout === ONE_STRING) return source.trySkipString();
  const { lengths, strings, rawBytes } = layout;
  const count = source.tryLength();
  if (count === -1) return false;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < lengths; j++) if (source.tryLength() === -1) return false;
    for (let j = 0; j < strings; j++) if (!source.trySkipString()) return false;
    if (rawBytes > 0 && !source.trySkip(rawBytes)) return false;
  }
  return true;
}

/** Passes over a value. Throws RdbError. */
export async function skipValue(source: RdbSource, type: number): Promise<void> {
  const layout = SIMPLE[type];
  if (layout !== undefined) {
    await (layout === ONE_STRING ? source.skipString() : skipElements(source, layout));
    return;
  }
  const skip = LAYOUTS[type];
  if (skip === undefined) {
    throw source.fail(
      "unsupported",
      `The layout of a ${typeName(type) ?? "value"} (type ${type}) is unknown`,
    );
  }
  await skip(source, type);
}

async function skipElements(source: RdbSource, { lengths, strings, rawBytes }: ElementLayout): Promise<void> {
  const count = await source.length();
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < lengths; j++) if (source.tryLength() === -1) await source.length();
    for (let j = 0; j < strings; j++) if (!source.trySkipString()) await source.skipString();
    if (rawBytes > 0 && !source.trySkip(rawBytes)) await source.skip(rawBytes);
  }
}

/** Hashes with times as release candidates of Redis 7.4 wrote them: without the earliest one in front. */
const HASH_TIMED_FIRST = 22;

type Skipper = (source: RdbSource, type: number) => Promise<void>;

async function skipTextScores(source: RdbSource): Promise<void> {
  const count = await source.length();
  for (let i = 0; i < count; i++) {
    await source.skipString();
    const length = await source.byte();
    if (length < 253) await source.skip(length);
  }
}

async function skipHashWithExpiries(source: RdbSource, type: number): Promise<void> {
  if (type !== HASH_TIMED_FIRST) await source.skip(8);
  const count = await source.length();
  for (let i = 0; i < count; i++) {
    await source.length();
    await source.skipString();
    await source.skipString();
  }
}

async function skipHashListpackWithExpiries(source: RdbSource): Promise<void> {
  await source.skip(8);
  await source.skipString();
}

/** Nodes (id, listpack), counters (more since type 19), groups with pending entries and consumers (more since 21). */
async function skipStream(source: RdbSource, type: number): Promise<void> {
  const isSecond = type !== 15;
  const nodes = await source.length();
  for (let i = 0; i < nodes; i++) {
    await source.skipString();
    await source.skipString();
  }
  await lengths(source, isSecond ? 8 : 3);
  const groups = await source.length();
  for (let i = 0; i < groups; i++) {
    await source.skipString();
    await lengths(source, isSecond ? 3 : 2);
    const pending = await source.length();
    for (let j = 0; j < pending; j++) {
      await source.skip(16 + 8);
      await source.length();
    }
    const consumers = await source.length();
    for (let j = 0; j < consumers; j++) {
      await source.skipString();
      await source.skip(type === 21 ? 16 : 8);
      const owned = await source.length();
      await source.skip(owned * 16);
    }
  }
}

async function lengths(source: RdbSource, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await source.length();
}

async function skipModule(source: RdbSource): Promise<void> {
  await skipModuleValues(source, await readModuleName(source));
}

/** Reads a module's id and returns the name in it. */
export async function readModuleName(source: RdbSource): Promise<string> {
  // An id is always written as a 64-bit length, whose value a number cannot hold exactly.
  const marker = await source.byte();
  if (marker !== 0x81) throw source.fail("corrupt", "A module's id is not a 64-bit length");
  return moduleName((await source.bytes(8)).readBigUInt64BE());
}

/** Passes over a module's values up to the end mark. */
export async function skipModuleValues(source: RdbSource, name: string): Promise<void> {
  for (;;) {
    const kind = await source.length();
    if (kind === 0) return;
    if (kind === 1 || kind === 2) await source.length();
    else if (kind === 3) await source.skip(4);
    else if (kind === 4) await source.skip(8);
    else if (kind === 5) await source.skipString();
    else throw source.fail("corrupt", `Unknown kind of value (${kind}) of module ${name}`);
  }
}

async function refuseOldModule(source: RdbSource): Promise<void> {
  throw source.fail("unsupported", "A module value of a Redis 4 pre-release: only its module could read it");
}

/** The others. */
const LAYOUTS: Record<number, Skipper | undefined> = {
  3: skipTextScores,
  [TYPE_MODULE_1]: refuseOldModule,
  [TYPE_MODULE_2]: skipModule,
  15: skipStream,
  19: skipStream,
  21: skipStream,
  [HASH_TIMED_FIRST]: skipHashWithExpiries,
  24: skipHashWithExpiries,
  25: skipHashListpackWithExpiries,
};

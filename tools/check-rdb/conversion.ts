/**
 * Values in the form that an RDB version knows. What it knows is kept byte for byte; what came later is packed anew: as
 * Redis 7.0 has it for versions 10 and 11, and for older ones as plain counts and strings, which every Redis reads.
 */
import type { RdbEntry } from "../../src/persistence/rdb/reader.ts";
import {
  decodeLength,
  encodeLength,
  encodeString,
  type RdbBytes,
  RdbLength,
  STRING_OVERHEAD_BYTES,
} from "../../src/types/rdb-encoding.ts";
import type { PackedValue, ValueHolder } from "../shared/value-holder.ts";

/** The oldest version that can be written, and the newest. */
export const VERSION_MIN = 6;
export const VERSION_MAX = 12;

const HASH_TIMES = [22, 23, 24, 25];
const RELEASE_CANDIDATE_HASHES = [22, 23];
/** Version that brought types from this number on. */
const TYPE_VERSIONS: readonly (readonly [number, number])[] = [
  [22, 12],
  [20, 11],
  [16, 10],
  [15, 9],
  [14, 7],
  [7, 8],
  [5, 8],
  [0, 1],
];
const PACKED_VERSION = 10;
const DOUBLE_VERSION = 8;
const STREAM_VERSION = 9;
const LIST = 1;
const SET = 2;
const SORTED_SET_TEXT = 3;
const HASH = 4;
const SORTED_SET = 5;
const STREAM_FIRST = 15;
const STREAM_SECOND = 19;
const LENGTH_MAX_BYTES = 9;
const ID_BYTES = 16;
const TIME_BYTES = 8;

/** A value that a version cannot hold. */
export class ConversionError extends Error {
  override readonly name = "ConversionError";
}

/** The version that brought this type. */
function versionOf(type: number): number {
  for (const [from, version] of TYPE_VERSIONS) if (type >= from && !(type >= 9 && type <= 13)) return version;
  // Small collections as one string: hashes since 4, all others since 2.6.
  return type === 13 ? 4 : 1;
}

/** Converts values for one file. */
export class Converter {
  readonly #holder: ValueHolder;
  readonly #version: number;
  readonly #dropsFieldTimes: boolean;
  /** Hashes whose fields lost their times. */
  fieldTimesDropped = 0;

  constructor(holder: ValueHolder, version: number, dropsFieldTimes: boolean) {
    this.#holder = holder;
    this.#version = version;
    this.#dropsFieldTimes = dropsFieldTimes;
  }

  /** The value of an entry that is no string. Throws ConversionError. */
  convert(entry: RdbEntry): PackedValue {
    const { type } = entry;
    const isFinal = !RELEASE_CANDIDATE_HASHES.includes(type);
    if (isFinal && versionOf(type) <= this.#version) return { type, payload: entry.payload! };
    if (type === 7) throw new ConversionError("a module value");
    const hasTimes = HASH_TIMES.includes(type) && this.#version < VERSION_MAX;
    if (hasTimes) {
      if (!this.#dropsFieldTimes) throw new ConversionError("a hash whose fields expire");
      this.fieldTimesDropped++;
      return { type: HASH, payload: this.#plain(entry, (args) => args.slice(2)) };
    }
    if (this.#version < PACKED_VERSION) return this.#convertToOld(entry);
    const packed = this.#holder.pack(entry, true);
    if (versionOf(packed.type) <= this.#version) return packed;
    throw new ConversionError(`a value of type ${packed.type}`);
  }

  /** Before version 10 there were no listpacks but in streams. */
  #convertToOld(entry: RdbEntry): PackedValue {
    const { type } = entry;
    switch (type) {
      case 16:
        return { type: HASH, payload: this.#plain(entry, (args) => args.slice(2)) };
      case 18:
      case 14:
        return { type: LIST, payload: this.#plain(entry, (args) => args.slice(2)) };
      case 20:
        return { type: SET, payload: this.#plain(entry, (args) => args.slice(2)) };
      case 5:
      case 17:
        return this.#sortedSet(entry);
      case 15:
      case 19:
      case 21:
        if (this.#version < STREAM_VERSION) throw new ConversionError("a stream");
        return { type: STREAM_FIRST, payload: firstStream(this.#secondStream(entry)) };
      default:
        throw new ConversionError(`a value of type ${type}`);
    }
  }

  #secondStream(entry: RdbEntry): Buffer {
    return entry.type === STREAM_SECOND ? entry.payload! : this.#holder.pack(entry, true).payload;
  }

  #sortedSet(entry: RdbEntry): PackedValue {
    const isText = this.#version < DOUBLE_VERSION;
    const payload = this.#plain(
      entry,
      (args) => args.slice(2),
      (args) => {
        const parts: Buffer[] = [];
        for (let i = 0; i < args.length; i += 2) {
          parts.push(stringOf(bytesOf(args[i + 1])));
          parts.push(scoreOf(numberOf(bytesOf(args[i]).toString("latin1")), isText));
        }
        return parts;
      },
    );
    return { type: isText ? SORTED_SET_TEXT : SORTED_SET, payload };
  }

  /** A count and strings, of the commands that make the value. Pairs count once. */
  #plain(
    entry: RdbEntry,
    elementsOf: (args: (string | Buffer | number)[]) => (string | Buffer | number)[],
    encode = (elements: (string | Buffer | number)[]) => elements.map((each) => stringOf(bytesOf(each))),
  ): Buffer {
    const parts: Buffer[] = [];
    let strings = 0;
    let perElement = 1;
    this.#holder.rewrite(entry, (...args) => {
      if (args[0] === "HPEXPIREAT") return;
      perElement = args[0] === "HMSET" || args[0] === "ZADD" ? 2 : 1;
      const elements = elementsOf(args);
      strings += elements.length;
      parts.push(...encode(elements));
    });
    const count = Buffer.alloc(LENGTH_MAX_BYTES);
    const end = encodeLength(count, 0, strings / perElement);
    return Buffer.concat([count.subarray(0, end), ...parts]);
  }
}

function bytesOf(argument: string | Buffer | number): Buffer {
  // What is shown may be used again when the next command comes.
  return Buffer.isBuffer(argument) ? Buffer.from(argument) : Buffer.from(String(argument), "latin1");
}

function stringOf(text: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(text.length + STRING_OVERHEAD_BYTES);
  return bytes.subarray(0, encodeString(bytes, 0, text, 0, text.length, true));
}

function numberOf(text: string): number {
  return Number(text.replace("inf", "Infinity"));
}

function scoreOf(score: number, isText: boolean): Buffer {
  if (!isText) {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(score);
    return bytes;
  }
  if (score === Number.POSITIVE_INFINITY) return Buffer.of(254);
  if (score === Number.NEGATIVE_INFINITY) return Buffer.of(255);
  const text = Object.is(score, -0) ? "-0" : String(score);
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
}

/** A stream of type 19 as one of type 15: without what Redis 7.0 added. */
function firstStream(packed: Buffer): Buffer {
  return new StreamCut(packed).run();
}

class StreamCut implements RdbBytes {
  readonly buffer: Buffer;
  next = 0;
  readonly end: number;
  readonly #length = new RdbLength();
  readonly #kept: Buffer[] = [];
  #keptUpTo = 0;

  constructor(packed: Buffer) {
    this.buffer = packed;
    this.end = packed.length;
  }

  run(): Buffer {
    for (let nodes = this.#take(); nodes > 0; nodes--) {
      this.#skipString();
      this.#skipString();
    }
    // Number of entries, last id.
    for (let i = 0; i < 3; i++) this.#take();
    // First id, greatest deleted id, entries added.
    this.#drop(5);
    for (let groups = this.#take(); groups > 0; groups--) {
      this.#skipString();
      this.#take();
      this.#take();
      this.#drop(1);
      for (let pending = this.#take(); pending > 0; pending--) {
        this.next += ID_BYTES + TIME_BYTES;
        this.#take();
      }
      for (let consumers = this.#take(); consumers > 0; consumers--) {
        this.#skipString();
        this.next += TIME_BYTES;
        this.next += this.#take() * ID_BYTES;
      }
    }
    this.#kept.push(this.buffer.subarray(this.#keptUpTo, this.end));
    return Buffer.concat(this.#kept);
  }

  #take(): number {
    decodeLength(this, this.#length);
    return this.#length.value;
  }

  #drop(lengths: number): void {
    this.#kept.push(this.buffer.subarray(this.#keptUpTo, this.next));
    for (let i = 0; i < lengths; i++) this.#take();
    this.#keptUpTo = this.next;
  }

  #skipString(): void {
    const length = this.#take();
    if (!this.#length.isEncoding) {
      this.next += length;
    } else if (length === 3) {
      const compressed = this.#take();
      this.#take();
      this.next += compressed;
    } else {
      this.next += 1 << length;
    }
  }
}

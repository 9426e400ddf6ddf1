/**
 * What every data type tells the layers that move values about without understanding them: the cold tier, snapshots,
 * RDB, copies. One folder per type, one descriptor each, listed in registry.ts.
 */
import type { ByteArena } from "../base/byte-arena.ts";
import type { RdbBytes } from "./rdb-encoding.ts";
import type { ValueDigest } from "./value-digest.ts";
import type { ValueMemory } from "./value-memory.ts";

/** A value taken out of its packed form and fully checked, not yet in an entry. */
export interface UnpackedValue {
  /** Bytes the entry's value needs. */
  readonly length: number;
  readonly encoding: number;
  /** Writes the value into an entry of that length. Does not fail. */
  fill(memory: ValueMemory, address: number): void;
}

/** Bytes that are the value of an entry with this encoding, just as they are. */
export class StoredValue {
  buffer!: Buffer;
  start = 0;
  length = 0;
  encoding = 0;

  set(buffer: Buffer, start: number, length: number, encoding: number): true {
    this.buffer = buffer;
    this.start = start;
    this.length = length;
    this.encoding = encoding;
    return true;
  }
}

/** Takes a command that would make a value, or a part of it. */
export type CommandSink = (...args: (string | Buffer | number)[]) => void;

/** Takes the packed form of a value in parts: lengths and strings of rdb-encoding.ts, and what lies between them. */
export interface PartSink {
  appendLength(length: number): void;
  appendText(text: Uint8Array, start: number, length: number): void;
  appendDouble(value: number): void;
  appendBytes(bytes: Uint8Array, start: number, length: number): void;
}

/** Of a type whose large form lies outside its entry (rooted.ts): what to do with that form, known by its root. */
export interface RootedForm {
  /** Frees about `limit` blocks; true when all is freed, the root too. What is left is only good for the next step. */
  disposeStep(memory: ValueMemory, root: number, limit: number): boolean;
  /** The root of a copy. */
  copy(memory: ValueMemory, root: number): number;
  /** Bytes of memory that the form takes; estimated from `samples` elements where it would have to look at all. */
  sizeBytes(memory: ValueMemory, root: number, samples: number): number;
}

/**
 * A large value as it is when all steps of freezing are done, to be read once while it changes, in one of two forms. It
 * must not change before. The iterator must be finished, or all frozen blocks be given up (memory/frozen-blocks.ts),
 * before there is another image of it.
 */
export interface ValueImage {
  /** Freezes some of it, which takes some hundredths of a millisecond; true when that was all. */
  freezeStep(): boolean;
  /** As DataType.packInParts. */
  packInParts(sink: PartSink): Iterator<void, void>;
  /** As DataType.rewrite. */
  rewrite(key: Buffer, sink: CommandSink): Iterator<void, void>;
}

export interface DataType {
  /** The entry type number: Redis's object type. */
  readonly type: number;
  /** What TYPE answers. */
  readonly name: string;
  /** What OBJECT ENCODING answers for an entry's encoding number. */
  encodingName(encoding: number): string;
  /** The encoding number of a copy of an entry with this one. */
  copiedEncoding(encoding: number): number;
  /** Present if some encodings have the bit ROOTED. */
  readonly rooted?: RootedForm;
  /** The type numbers of RDB whose values `unpack` reads. */
  readonly rdbTypes: readonly number[];
  /** The type number that RDB gives the packed form of this entry: one that Redis 7.0 reads, if there is one. */
  rdbTypeOf(memory: ValueMemory, address: number): number;
  /** The value's RDB encoding, in a piece of the arena and nowhere else: the tier writes into the margins around it.
   * `compress` allows LZF, where Redis would use it. */
  pack(memory: ValueMemory, address: number, arena: ByteArena, compress: boolean): Buffer;
  /**
   * As `pack`, for an entry whose value lies outside it (rooted.ts) and is large, else undefined: a part of the packed
   * form with each step of the iterator, of some ten kilobytes. The value must not change until the last.
   */
  packInParts?(memory: ValueMemory, address: number, sink: PartSink): Iterator<void, void> | undefined;
  /**
   * The reverse; validates everything, and allocates for no length that it has not verified. `encoding` is the entry's
   * encoding when it was packed; without it (bytes from outside) the type chooses, by its limits. The result may refer
   * to `packed`. Throws a StorageError "corrupt" if the bytes cannot be a value of this type.
   */
  unpack(memory: ValueMemory, rdbType: number, packed: Buffer, encoding?: number): UnpackedValue;
  /**
   * For the bytes from `packed.next` to `packed.end`, which come from outside: whether they hold, byte for byte, what
   * an entry of this type holds, as those of most small values do. Then `into` tells where (until the next call, and
   * while `packed` stays), and all that `unpack` validates has been validated. False says nothing about the bytes:
   * they are for `unpack`. Throws a StorageError "corrupt", as that does.
   */
  findStored?(memory: ValueMemory, rdbType: number, packed: RdbBytes, into: StoredValue): boolean;
  /**
   * The commands that make the value, as an append-only file without RDB preamble holds it: a few with each step of the
   * iterator. The value must not change until the last; of one that lies in its entry all steps must be done at once.
   */
  rewrite(memory: ValueMemory, address: number, key: Buffer, sink: CommandSink): Iterator<void, void>;
  /** How many blocks an image of the entry's value, which lies outside it, freezes. Types that are `rooted` have it. */
  imageBlocks?(memory: ValueMemory, address: number): number;
  /** The image of such a value. The same types have it. */
  image?(memory: ValueMemory, address: number): ValueImage;
  /** Adds the value to a digest, as DEBUG DIGEST-VALUE of Redis does. */
  digest(memory: ValueMemory, address: number, digest: ValueDigest): void;
}

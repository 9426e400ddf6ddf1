/**
 * What every data type tells the layers that move values about without understanding them: the cold tier, snapshots,
 * RDB. One folder per type, one descriptor each, listed in registry.ts.
 */
import type { ByteArena } from "../base/byte-arena.ts";
import type { Entries } from "../memory/entries.ts";

/** A value taken out of its packed form, not yet in an entry. */
export interface UnpackedValue {
  /** Bytes the entry's value needs. */
  readonly length: number;
  readonly encoding: number;
  /** Writes the value into an entry of that length. */
  fill(entries: Entries, address: number): void;
}

export interface DataType {
  /** The entry type number. */
  readonly type: number;
  /** What TYPE answers. */
  readonly name: string;
  /** What OBJECT ENCODING answers for an entry's encoding number. */
  encodingName(encoding: number): string;
  /** The encoding number of a copy of an entry with this one. */
  copiedEncoding(encoding: number): number;
  /** The type number that RDB gives the packed form. */
  readonly rdbType: number;
  /** The value's RDB encoding, in a piece of the arena. `compress` allows LZF, where Redis would use it. */
  pack(entries: Entries, address: number, arena: ByteArena, compress: boolean): Buffer;
  /** The reverse; validates everything, and allocates for no length that it has not verified. `encoding` is the entry's
   * encoding when it was packed; without it (bytes from outside) the type chooses. The result may refer to `packed`.
   * Throws a StorageError "corrupt" if the bytes cannot be a value of this type. */
  unpack(packed: Buffer, encoding?: number): UnpackedValue;
}

/**
 * What the thread that loads a file and one that loads a part of it tell each other.
 *
 * A part begins between two items of the file, where its thread says: it has passed over all items before. It counts if
 * the main reading comes to this very place; where it ends the main reading goes on. So nothing rests upon the part but
 * what the same bytes give to whoever reads them from there.
 */
import type { KeyspacePart } from "../../keyspace/handover.ts";
import type { SharedNumbers } from "../../keyspace/keyspace.ts";
import type { SharedNumber } from "../../memory/shared-number.ts";
import type { TypeLimits } from "../../types/limits.ts";
import type { RdbPlace } from "../rdb/reader.ts";

/** What a thread is to do. */
export interface PartTask {
  readonly path: string;
  /** Where the RDB begins in the file. */
  readonly start: number;
  readonly verifyChecksum: boolean;
  readonly skipExpired: boolean;
  /** Which part of what is left of the file, counted from 1, and how many threads have one. The main reading has the
   * first. */
  readonly number: number;
  readonly threads: number;
  /** Memory that the part may take. */
  readonly maxBytes: number;
  readonly reservedKeys: number;
  /** How far the main reading has come, in units of POSITION_UNIT_BYTES. */
  readonly position: SharedNumber;
  readonly keyspace: PartKeyspace;
}

/** What the keyspace must have in common with the one that it goes to. */
export interface PartKeyspace {
  readonly databases: number;
  readonly hashSeed: Uint8Array;
  readonly numbers: SharedNumbers;
  readonly limits: TypeLimits;
  readonly isLfu: boolean;
  readonly newEntryFlag: number;
}

/** So that the length of any file fits into 32 bits. */
export const POSITION_UNIT_BYTES = 4096;

/** What is loaded, and where the next item begins. */
export interface LoadedPart {
  readonly end: RdbPlace;
  readonly keys: number;
  readonly expired: number;
  readonly keyspace: KeyspacePart;
}

/** What a thread tells: "nothing" if it cannot help, whatever it has told before. */
export type PartReport =
  | { readonly kind: "begins"; readonly begin: RdbPlace }
  | { readonly kind: "reached"; readonly offset: number }
  | { readonly kind: "loaded"; readonly part: LoadedPart }
  | { readonly kind: "nothing" };

/** What it is told: another part begins here. */
export interface PartLimit {
  readonly limit: number;
}

/** The thread's end of what both talk through. */
export interface PartPort {
  postMessage(report: PartReport, transferred?: readonly ArrayBuffer[]): void;
  on(event: "message", listener: (limit: PartLimit) => void): unknown;
}

/** What tsredis-check-aof says: its lines, and the object that --json prints. */
import { Console } from "../shared/console.ts";
import type { SalvageResult } from "./losses.ts";
import type { StatisticsResult } from "./statistics.ts";

export { Stop } from "../shared/console.ts";

/** One file's result in the JSON object. */
export interface FileResult {
  readonly name: string;
  readonly role: "base" | "incr" | "single";
  readonly format: "rdb" | "aof";
  status: "valid" | "empty" | "invalid" | "truncated" | "unreadable" | "salvaged" | "missing" | "dropped";
  sizeBytes?: number;
  /** Offset up to which the file is valid. */
  validUpTo?: number;
  /** "clean", "truncated", "torn" or "damaged": see src/persistence/aof/verifier.ts. */
  outcome?: string;
  /** Intact checksummed blocks; absent in a file without blocks. */
  intactBlocks?: number;
  problem?: { offset: number; reason: string };
  /** Name of the copy made before the file was changed. */
  backup?: string;
  rdb?: { keys: number; expires: number; alreadyExpired: number; tombstones: number };
  /** What --salvage found. */
  salvage?: SalvageResult;
  /** --stats */
  statistics?: StatisticsResult;
}

export interface TierResult {
  readonly folder: string;
  readonly generation: number;
}

export class Report extends Console {
  readonly files: FileResult[] = [];
  tier: TierResult | undefined;

  /** Adds a file to the object. */
  add(name: string, role: FileResult["role"], format: FileResult["format"]): FileResult {
    const result: FileResult = { name, role, format, status: "unreadable" };
    this.files.push(result);
    return result;
  }

  /** The JSON object, if that was asked for. */
  finish(path: string, status: number): void {
    const tier = this.tier === undefined ? {} : { tier: this.tier };
    this.finishJson({ path, valid: status === 0, exitStatus: status, ...tier, files: this.files });
  }
}

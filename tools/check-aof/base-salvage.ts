/** The RDB at the beginning of an AOF file, during a salvage: where it ends, and what of it is kept if it is damaged.
 *  */
import type { FileHandle } from "../../src/base/files.ts";
import { RdbError, RdbReader } from "../../src/persistence/rdb/reader.ts";
import type { FileWriter } from "../shared/file-writer.ts";
import type { Run } from "./file-check.ts";
import type { FileResult } from "./report.ts";

export interface BasePlan {
  /** Where commands begin behind it. */
  readonly end: number;
  /** What is wrong with it; undefined if nothing is. */
  readonly damage: string | undefined;
  /** Writes an RDB of all entries that can be read. */
  write(file: FileHandle, writer: FileWriter): Promise<void>;
}

export async function planBase(
  run: Run,
  file: FileHandle,
  name: string,
  hasTier: boolean,
  result: FileResult,
): Promise<BasePlan> {
  const reader = await RdbReader.open(file, { otherTypes: "skip", privateOpcodes: hasTier });
  let end = 0;
  try {
    for await (const record of reader) end = record.endOffset;
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    result.problem = { offset: error.offset, reason: error.message };
    throw run.report.stop(`The RDB in AOF ${name} is damaged at offset ${error.offset}: ${error.message}`);
  }
  return { end, damage: undefined, write: async () => undefined };
}

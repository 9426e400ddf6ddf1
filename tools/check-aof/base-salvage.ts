/**
 * The RDB at the beginning of an AOF file, during a salvage: where it ends, and what of it is kept if it is damaged. A
 * base file that relies on a cold tier is left alone: under a key that is lost from it an old record may lie in the
 * tier, and would come back.
 */
import type { FileHandle } from "../../src/base/files.ts";
import { printable } from "../../src/persistence/aof/salvage-run.ts";
import { RdbError, RdbReader } from "../../src/persistence/rdb/reader.ts";
import { salvageRdb } from "../../src/persistence/rdb/salvage.ts";
import { newScratchMemory } from "../../src/persistence/rdb/value-check.ts";
import { RdbFileOutput } from "../check-rdb/outputs.ts";
import type { FileWriter } from "../shared/file-writer.ts";
import { plural } from "../shared/texts.ts";
import type { Run } from "./file-check.ts";
import type { FileResult } from "./report.ts";

export interface BasePlan {
  /** Where commands begin behind it. */
  readonly end: number;
  /** What is wrong with it; undefined if nothing is. */
  readonly damage: string | undefined;
  /** Writes an RDB of all entries that can be read. */
  write(file: FileHandle, writer: FileWriter, onProgress: (position: number) => void): Promise<void>;
}

const VERSION_OF_LOST_HEADER = 10;

export async function planBase(
  run: Run,
  file: FileHandle,
  name: string,
  hasTier: boolean,
  result: FileResult,
): Promise<BasePlan> {
  const { report } = run;
  if (hasTier) return { end: await endOfBase(run, file, name, result), damage: undefined, write: noRdb };
  const memory = newScratchMemory();
  let keys = 0;
  let end: number | undefined;
  let version = VERSION_OF_LOST_HEADER;
  let damage: string | undefined;
  await report.withToldProgress(await file.size(), async (onProgress) => {
    for await (const record of salvageRdb(file, { memory, mayHaveTail: true, onProgress })) {
      if (record.kind === "header") version = record.version;
      else if (record.kind === "entry") keys++;
      else if (record.kind === "end") end = record.endOffset;
      else if (record.kind === "lost") {
        damage ??= record.reason;
        const of =
          record.key === undefined ? "" : `, key '${printable(record.key)}' of database ${record.db}`;
        const bytes = plural(record.end - record.start, "byte");
        report.printNote(`RDB in AOF ${name}: [offset ${record.start}] ${bytes} lost: ${record.reason}${of}`);
        result.problem ??= { offset: record.start, reason: record.reason };
      }
    }
  });
  if (damage !== undefined) report.printNote(`RDB in AOF ${name}: ${plural(keys, "key")} can be kept`);
  return {
    end: end ?? (await file.size()),
    damage,
    write: (source, writer, onProgress) => writeEntries(source, writer, version, onProgress),
  };
}

async function noRdb(): Promise<void> {
  throw new Error("there is nothing to be written");
}

async function endOfBase(run: Run, file: FileHandle, name: string, result: FileResult): Promise<number> {
  const reader = await RdbReader.open(file, { otherTypes: "skip", privateOpcodes: true });
  let end = 0;
  const read = async (): Promise<void> => {
    for await (const record of reader) end = record.endOffset;
  };
  try {
    await run.report.withProgress(await file.size(), () => end, read);
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    result.problem = { offset: error.offset, reason: error.message };
    throw run.report.stop(
      `The RDB in AOF ${name} is damaged at offset ${error.offset} (${error.message}), and it relies on a cold tier: ` +
        "old records of keys that are lost from it would come back. Restore the data directory from a backup",
    );
  }
  return end;
}

async function writeEntries(
  file: FileHandle,
  writer: FileWriter,
  version: number,
  onProgress: (position: number) => void,
): Promise<void> {
  const output = await RdbFileOutput.begin(writer, version, false);
  const memory = newScratchMemory();
  for await (const record of salvageRdb(file, { memory, mayHaveTail: true, onProgress })) {
    if (record.kind === "aux") await output.aux(record.key, record.value);
    else if (record.kind === "function") await output.function(record.code);
    else if (record.kind === "entry") await output.entry(record);
  }
  await output.end();
}

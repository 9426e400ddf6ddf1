/**
 * All data types. Whoever packs, unpacks, names or saves values finds the type here; nobody else lists types.
 */
import { StorageError } from "../base/storage-error.ts";
import type { DataType } from "./data-type.ts";
import { hashType } from "./hash/hash-type.ts";
import { listType } from "./list/list-type.ts";
import { setType } from "./set/set-type.ts";
import { sortedSetType } from "./sorted-set/sorted-set-type.ts";
import { streamType } from "./stream/stream-type.ts";
import { stringType } from "./string/string-type.ts";

const DATA_TYPES: readonly DataType[] = [
  // In the order of their numbers.
  stringType,
  listType,
  setType,
  sortedSetType,
  hashType,
  streamType,
];

const byType: (DataType | undefined)[] = [];
const byRdbType: (DataType | undefined)[] = [];
for (const dataType of DATA_TYPES) {
  byType[dataType.type] = dataType;
  for (const rdbType of dataType.rdbTypes) byRdbType[rdbType] = dataType;
}

/** The RDB type numbers of all values that can be loaded. */
export const LOADABLE_RDB_TYPES: ReadonlySet<number> = new Set(
  DATA_TYPES.flatMap((dataType) => dataType.rdbTypes),
);

/** The type of a live entry. */
export function dataTypeOf(type: number): DataType {
  const dataType = byType[type];
  if (dataType === undefined) throw new Error(`there is no data type ${type}`);
  return dataType;
}

/** The type that packs values under this RDB type number. Throws StorageError "corrupt" if there is none. */
export function dataTypeOfRdb(rdbType: number): DataType {
  const dataType = byRdbType[rdbType];
  if (dataType === undefined)
    throw new StorageError("corrupt", `a record has the unknown value type ${rdbType}`);
  return dataType;
}

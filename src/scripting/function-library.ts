/**
 * A library of functions: its source begins with a line that names it, "#!lua name=mylib", and registers functions
 * when it is loaded.
 */

import { splitArguments } from "../protocol/inline.ts";
import {
  engineNotFound,
  INVALID_LIBRARY_METADATA,
  INVALID_LIBRARY_NAME,
  invalidLibraryMetadata,
  LIBRARY_NAME_MISSING,
  LIBRARY_NAME_TWICE,
  NO_LIBRARY_METADATA,
} from "../protocol/script-errors.ts";
import type { ScriptFlag } from "./shebang.ts";

export interface RegisteredFunction {
  readonly name: string;
  readonly description: string | undefined;
  readonly flags: ReadonlySet<ScriptFlag>;
  /** Of the function in the VM. */
  readonly reference: number;
}

export interface FunctionLibrary {
  readonly name: string;
  readonly source: Buffer;
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
}

const LINE_FEED = 0x0a;
const NAME = /^[A-Za-z0-9_]+$/;

export function isLibraryName(name: string): boolean {
  return NAME.test(name);
}

/** Name of the library, and bytes before what is to be compiled; or the error that its source gets. */
export function parseLibraryMetadata(
  source: Buffer,
): { readonly name: string; readonly skipped: number } | string {
  if (source.toString("latin1", 0, 2) !== "#!") return NO_LIBRARY_METADATA;
  const skipped = source.indexOf(LINE_FEED);
  if (skipped < 0) return INVALID_LIBRARY_METADATA;
  const words = splitArguments(source.subarray(0, skipped))?.map((word) => word.toString("latin1"));
  if (words === undefined || words.length === 0) return INVALID_LIBRARY_METADATA;
  const [first, ...parts] = words;
  const engine = first.slice("#!".length);
  let name: string | undefined;
  for (const part of parts) {
    if (!/^name=/i.test(part)) return invalidLibraryMetadata(part);
    if (name !== undefined) return LIBRARY_NAME_TWICE;
    name = part.slice("name=".length);
  }
  if (name === undefined) return LIBRARY_NAME_MISSING;
  if (!isLibraryName(name)) return INVALID_LIBRARY_NAME;
  if (engine.toLowerCase() !== "lua") return engineNotFound(engine);
  return { name, skipped };
}

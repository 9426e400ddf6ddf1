/**
 * The first line of a script, "#!lua flags=no-writes,allow-oom": what the script says of itself. A script without one
 * may do what its command may.
 */

import { splitArguments } from "../protocol/inline.ts";
import {
  INVALID_SHEBANG,
  INVALID_SHEBANG_ENGINE,
  unexpectedEngine,
  unexpectedScriptFlag,
  unknownShebangOption,
} from "../protocol/script-errors.ts";

export const SCRIPT_FLAGS = [
  "no-writes",
  "allow-oom",
  "allow-stale",
  "no-cluster",
  "allow-cross-slot-keys",
] as const;
export type ScriptFlag = (typeof SCRIPT_FLAGS)[number];

export interface Shebang {
  /** Undefined of a script without that line. */
  readonly flags: ReadonlySet<ScriptFlag> | undefined;
  /** Bytes of the line, without its end. */
  readonly length: number;
}

const HASH = 0x23;
const EXCLAMATION = 0x21;
const LINE_FEED = 0x0a;
const NONE: Shebang = { flags: undefined, length: 0 };

/** The shebang of a script, or the error that it gets. */
export function parseShebang(source: Buffer): Shebang | string {
  if (source[0] !== HASH || source[1] !== EXCLAMATION) return NONE;
  const length = source.indexOf(LINE_FEED);
  if (length < 0) return INVALID_SHEBANG;
  const words = splitArguments(source.subarray(0, length))?.map((word) => word.toString("latin1"));
  if (words === undefined || words.length === 0) return INVALID_SHEBANG_ENGINE;
  const [engine, ...options] = words;
  if (engine !== "#!lua") return unexpectedEngine(engine);
  const flags = new Set<ScriptFlag>();
  for (const option of options) {
    if (!option.startsWith("flags=")) return unknownShebangOption(option);
    const names = option.slice("flags=".length);
    if (names === "") continue;
    for (const name of names.split(",")) {
      const flag = SCRIPT_FLAGS.find((each) => each === name);
      if (flag === undefined) return unexpectedScriptFlag(name);
      flags.add(flag);
    }
  }
  return { flags, length };
}

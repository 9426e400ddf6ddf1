/**
 * The commands of scripts and functions.
 */
import type { CommandSpec } from "../command.ts";
import { evalRo, evalsha, evalshaRo, evaluate, fcall, fcallRo } from "./eval.ts";
import { functionCommand } from "./function.ts";
import { script } from "./script.ts";

export const scriptingCommands: readonly CommandSpec[] = [
  evaluate,
  evalsha,
  evalRo,
  evalshaRo,
  fcall,
  fcallRo,
  functionCommand,
  script,
];

/**
 * The commands of scripts.
 */
import type { CommandSpec } from "../command.ts";
import { evalRo, evalsha, evalshaRo, evaluate } from "./eval.ts";
import { script } from "./script.ts";

export const scriptingCommands: readonly CommandSpec[] = [evaluate, evalsha, evalRo, evalshaRo, script];

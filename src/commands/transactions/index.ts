/**
 * The commands of transactions.
 */
import type { CommandSpec } from "../command.ts";
import { discard, exec, multi, unwatch, watch } from "./transactions.ts";

export const transactionCommands: readonly CommandSpec[] = [discard, exec, multi, unwatch, watch];

/**
 * EVAL, EVALSHA, FCALL and their _RO forms: run scripts and functions.
 */
import { NUMKEYS_TOO_LARGE } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import {
  BAD_NUMBER_OF_KEYS,
  DEBUG_NEEDS_SOURCE,
  NO_SUCH_FUNCTION,
  NO_SUCH_SCRIPT,
  NUMKEYS_NEGATIVE,
} from "../../protocol/script-errors.ts";
import { longOrReply } from "../arguments.ts";
import { type CommandFlag, type CommandSpec, defineCommand, keysCountedAt } from "../command.ts";
import type { CommandContext, ScriptCall } from "../context.ts";

const FLAGS: readonly CommandFlag[] = ["noscript", "stale", "skip_monitor", "no_mandatory_keys"];
/** Length of a SHA1 in hexadecimal digits. */
const SHA_DIGITS = 40;

function runCommand(
  facts: Pick<CommandSpec, "name" | "since" | "summary">,
  kind: ScriptCall["kind"],
  isReadOnly: boolean,
  notes: string | undefined,
): CommandSpec {
  const spec = isReadOnly ? keysCountedAt(2, "RO", "access") : keysCountedAt(2, "RW", "access", "update");
  return defineCommand({
    ...facts,
    group: "scripting",
    complexity: "That of the script",
    arity: -3,
    flags: [...(isReadOnly ? (["readonly"] as const) : (["may_replicate"] as const)), ...FLAGS],
    categories: ["scripting"],
    keys: [notes === undefined ? spec : { ...spec, notes }],
    runsScripts: !isReadOnly,
    run: (ctx) => runScript(ctx, kind, isReadOnly),
  });
}

function runScript(ctx: CommandContext, kind: ScriptCall["kind"], isReadOnly: boolean): Outcome {
  const { request, reply, scripts } = ctx;
  if (kind === "sha" && request.len[1] !== SHA_DIGITS) return reply.error(NO_SUCH_SCRIPT);
  if (scripts.isDebugging && kind !== "function") {
    if (kind === "sha") return reply.error(DEBUG_NEEDS_SOURCE);
    return scripts.debug(() => runWithKeys(ctx, kind, isReadOnly));
  }
  return runWithKeys(ctx, kind, isReadOnly);
}

function runWithKeys(ctx: CommandContext, kind: ScriptCall["kind"], isReadOnly: boolean): Outcome {
  const { reply, request, scripts } = ctx;
  if (kind === "function" && !scripts.functions.has(1)) return reply.error(NO_SUCH_FUNCTION);
  const keys = longOrReply(ctx, 2, kind === "function" ? BAD_NUMBER_OF_KEYS : undefined);
  if (Number.isNaN(keys)) return DONE;
  if (keys > request.argc - 3) return reply.error(NUMKEYS_TOO_LARGE);
  if (keys < 0) return reply.error(NUMKEYS_NEGATIVE);
  return scripts.run({ kind, script: 1, firstKey: 3, keys, isReadOnly });
}

const ANY_USE = "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE";
const ANY_READING = "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS";

export const evaluate = runCommand(
  { name: "eval", since: "2.6.0", summary: "Runs a Lua script" },
  "source",
  false,
  ANY_USE,
);
export const evalsha = runCommand(
  { name: "evalsha", since: "2.6.0", summary: "Runs a Lua script that the server knows, by its SHA1" },
  "sha",
  false,
  undefined,
);
export const evalRo = runCommand(
  { name: "eval_ro", since: "7.0.0", summary: "Runs a Lua script that only reads" },
  "source",
  true,
  ANY_READING,
);
export const evalshaRo = runCommand(
  { name: "evalsha_ro", since: "7.0.0", summary: "Runs a Lua script that only reads, by its SHA1" },
  "sha",
  true,
  undefined,
);
export const fcall = runCommand(
  { name: "fcall", since: "7.0.0", summary: "Calls a function" },
  "function",
  false,
  ANY_USE,
);
export const fcallRo = runCommand(
  { name: "fcall_ro", since: "7.0.0", summary: "Calls a function that only reads" },
  "function",
  true,
  ANY_READING,
);

/**
 * FUNCTION: libraries of functions; and FCALL, which calls one.
 */
import { globMatch } from "../../base/glob.ts";
import { wrongSubcommandSyntax } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import {
  FUNCTION_CODE_MISSING,
  INVALID_FUNCTION_FLUSH,
  INVALID_RESTORE_POLICY,
  LIBRARY_NAME_NOT_GIVEN,
  NO_SUCH_LIBRARY,
  unknownFunctionArgument,
  unknownFunctionOption,
} from "../../protocol/script-errors.ts";
import { isWord, textForError } from "../arguments.ts";
import { type CommandSpec, defineCommand } from "../command.ts";
import type { CommandContext, LibraryFacts, RestorePolicy } from "../context.ts";
import { helpCommand } from "../help.ts";

type Facts = Pick<CommandSpec, "name" | "summary" | "complexity" | "arity" | "flags" | "tips" | "run">;

function functionSubcommand(facts: Facts): CommandSpec {
  return defineCommand({ group: "scripting", since: "7.0.0", categories: ["scripting"], keys: [], ...facts });
}

const TO_ALL_SHARDS = ["request_policy:all_shards", "response_policy:all_succeeded"];
const POLICIES: readonly RestorePolicy[] = ["append", "replace", "flush"];
/** As FUNCTION LIST names them. */
const FLAGS = ["no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"];

const load = functionSubcommand({
  name: "load",
  summary: "Loads a library of functions",
  complexity: "O(N) in the length of the source, besides what it does",
  arity: -3,
  flags: ["write", "denyoom", "noscript"],
  tips: TO_ALL_SHARDS,
  run({ request, reply, effects, scripts }) {
    let place = 2;
    let replace = false;
    while (place < request.argc - 1) {
      if (!isWord(request, place, "replace"))
        return reply.error(unknownFunctionOption(textForError(request, place)));
      replace = true;
      place++;
    }
    if (place >= request.argc) return reply.error(FUNCTION_CODE_MISSING);
    const result = scripts.functions.create(Buffer.from(request.bytes(place)), replace);
    if (typeof result === "string") return reply.error(result);
    effects.verbatim();
    return reply.bulkText(result.name);
  },
});

const remove = functionSubcommand({
  name: "delete",
  summary: "Deletes a library and its functions",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "noscript"],
  tips: TO_ALL_SHARDS,
  run({ reply, effects, scripts }) {
    if (!scripts.functions.remove(2)) return reply.error(NO_SUCH_LIBRARY);
    effects.verbatim();
    return reply.ok();
  },
});

const dump = functionSubcommand({
  name: "dump",
  summary: "All libraries as a payload for FUNCTION RESTORE",
  complexity: "O(N) in the number of functions",
  arity: 2,
  flags: ["noscript"],
  run: ({ reply, scripts, server }) => reply.bulk(scripts.functions.dump(server.config.rdbcompression)),
});

const restore = functionSubcommand({
  name: "restore",
  summary: "Loads the libraries of a payload",
  complexity: "O(N) in the number of functions of the payload",
  arity: -3,
  flags: ["write", "denyoom", "noscript"],
  tips: TO_ALL_SHARDS,
  run({ request, reply, effects, scripts, server }) {
    if (request.argc > 4) return reply.error(wrongSubcommandSyntax(request));
    const policy = request.argc === 4 ? POLICIES.find((each) => isWord(request, 3, each)) : "append";
    if (policy === undefined) return reply.error(INVALID_RESTORE_POLICY);
    const error = scripts.functions.restore(2, policy, server.debugging.ignoresChecksums);
    if (error !== undefined) return reply.error(error);
    effects.verbatim();
    return reply.ok();
  },
});

const flush = functionSubcommand({
  name: "flush",
  summary: "Deletes all libraries",
  complexity: "O(N) in the number of functions",
  arity: -2,
  flags: ["write", "noscript"],
  tips: TO_ALL_SHARDS,
  run({ request, reply, effects, scripts }) {
    if (request.argc > 3) return reply.error(wrongSubcommandSyntax(request));
    if (request.argc === 3 && !isWord(request, 2, "sync") && !isWord(request, 2, "async")) {
      return reply.error(INVALID_FUNCTION_FLUSH);
    }
    scripts.functions.flush();
    effects.verbatim();
    return reply.ok();
  },
});

const kill = functionSubcommand({
  name: "kill",
  summary: "Ends the function that runs, if it has written nothing",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "allow_busy"],
  tips: ["request_policy:all_shards", "response_policy:one_succeeded"],
  run: ({ scripts }) => scripts.kill("function"),
});

const list = functionSubcommand({
  name: "list",
  summary: "Describes libraries and their functions",
  complexity: "O(N) in the number of functions",
  arity: -2,
  flags: ["noscript"],
  tips: ["nondeterministic_output_order"],
  run(ctx) {
    const { request, reply, scripts } = ctx;
    let withCode = false;
    let pattern: Buffer | undefined;
    for (let i = 2; i < request.argc; i++) {
      if (!withCode && isWord(request, i, "withcode")) {
        withCode = true;
      } else if (pattern === undefined && isWord(request, i, "libraryname")) {
        if (++i >= request.argc) return reply.error(LIBRARY_NAME_NOT_GIVEN);
        pattern = request.bytes(i);
      } else {
        return reply.error(unknownFunctionArgument(textForError(request, i)));
      }
    }
    const libraries = [...scripts.functions.list()].filter(
      ({ name }) => pattern === undefined || globMatch(pattern, Buffer.from(name), true),
    );
    reply.array(libraries.length);
    for (const library of libraries) replyLibrary(ctx, library, withCode);
    return DONE;
  },
});

function replyLibrary({ reply }: CommandContext, library: LibraryFacts, withCode: boolean): void {
  reply.map(withCode ? 4 : 3);
  reply.bulkText("library_name");
  reply.bulkText(library.name);
  reply.bulkText("engine");
  reply.bulkText("LUA");
  reply.bulkText("functions");
  reply.array(library.functions.length);
  for (const { name, description, flags } of library.functions) {
    reply.map(3);
    reply.bulkText("name");
    reply.bulkText(name);
    reply.bulkText("description");
    if (description === undefined) reply.null();
    else reply.bulk(Buffer.from(description, "latin1"));
    reply.bulkText("flags");
    const present = FLAGS.filter((flag) => flags.includes(flag));
    reply.set(present.length);
    for (const flag of present) reply.simple(flag);
  }
  if (!withCode) return;
  reply.bulkText("library_code");
  reply.bulk(library.source);
}

const stats = functionSubcommand({
  name: "stats",
  summary: "What runs, and how many functions there are",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "allow_busy"],
  tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
  run({ reply, scripts }) {
    const { functions } = scripts;
    const { running } = functions;
    if (running?.kind === "script") return reply.error(scripts.busyError!);
    const libraries = [...functions.list()];
    reply.map(2);
    reply.bulkText("running_script");
    if (running === undefined) {
      reply.null();
    } else {
      reply.map(3);
      reply.bulkText("name");
      reply.bulkText(running.name);
      reply.bulkText("command");
      reply.array(running.words.length);
      for (const word of running.words) reply.bulk(word);
      reply.bulkText("duration_ms");
      reply.integer(running.durationMs);
    }
    reply.bulkText("engines");
    reply.map(1);
    reply.bulkText("LUA");
    reply.map(2);
    reply.bulkText("libraries_count");
    reply.integer(libraries.length);
    reply.bulkText("functions_count");
    return reply.integer(libraries.reduce((sum, library) => sum + library.functions.length, 0));
  },
});

const help = helpCommand("function", { group: "scripting", since: "7.0.0", categories: ["scripting"] }, [
  "DELETE <library-name>",
  "    Deletes a library and its functions.",
  "DUMP",
  "    All libraries as a payload for FUNCTION RESTORE.",
  "FLUSH [ASYNC|SYNC]",
  "    Deletes all libraries.",
  "KILL",
  "    Ends the function that runs, if it has written nothing.",
  "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
  "    Describes libraries and their functions, with their sources if asked for.",
  "LOAD [REPLACE] <library-code>",
  "    Loads a library, in the place of one of the same name if asked to.",
  "RESTORE <payload> [FLUSH|APPEND|REPLACE]",
  "    Loads the libraries of a payload: in the place of all there are, beside them (the default), or in the place of",
  "    those of the same name.",
  "STATS",
  "    What runs, and how many libraries and functions there are.",
]);

export const functionCommand = defineCommand({
  name: "function",
  group: "scripting",
  since: "7.0.0",
  summary: "Libraries of functions",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [remove, dump, flush, help, kill, list, load, restore, stats],
});

/**
 * COMMAND: what clients may know of the commands.
 */
import { globMatch } from "../../base/glob.ts";
import {
  COMMAND_HAS_NO_KEYS,
  INVALID_COMMAND,
  INVALID_COMMAND_ARGUMENT_COUNT,
  INVALID_COMMAND_ARGUMENTS,
  SYNTAX_ERROR,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { aclCategoriesOf } from "../acl-categories.ts";
import { isWord } from "../arguments.ts";
import { type CommandSpec, defineCommand, type KeyFlag } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { helpCommand } from "../help.ts";
import { hasKeys, keysOfRequest } from "../key-positions.ts";
import { replyDocumentation } from "./command-docs.ts";
import { fullNameOf, replyCommand, replyKeyFlags } from "./command-reply.ts";

type Facts = Pick<CommandSpec, "name" | "since" | "summary" | "complexity" | "arity" | "tips" | "run">;

function commandSubcommand(facts: Facts): CommandSpec {
  return defineCommand({
    ...facts,
    group: "server",
    flags: ["loading", "stale"],
    categories: ["connection"],
    keys: [],
  });
}

function replyAll({ server, reply }: CommandContext): Outcome {
  const commands = [...server.commands()];
  reply.array(commands.length);
  for (const spec of commands) replyCommand(reply, spec);
  return DONE;
}

const ANY_ORDER = ["nondeterministic_output_order"];

const count = commandSubcommand({
  name: "count",
  since: "2.8.13",
  summary: "Counts the commands",
  complexity: "O(1)",
  arity: 2,
  run: ({ server, reply }) => reply.integer([...server.commands()].length),
});

const info = commandSubcommand({
  name: "info",
  since: "2.8.13",
  summary: "Describes the given commands, or all",
  complexity: "O(N) in the number of commands described",
  arity: -2,
  tips: ANY_ORDER,
  run(ctx) {
    const { request, reply, server } = ctx;
    if (request.argc === 2) return replyAll(ctx);
    reply.array(request.argc - 2);
    for (let i = 2; i < request.argc; i++) {
      const [name, subcommand, ...more] = request.text(i).split("|");
      const container = server.findCommand(name);
      const spec = subcommand === undefined ? container : server.findCommand(name, subcommand);
      if (spec === undefined || more.length > 0) reply.null();
      else replyCommand(reply, spec, subcommand === undefined ? undefined : container);
    }
    return DONE;
  },
});

const docs = commandSubcommand({
  name: "docs",
  since: "7.0.0",
  summary: "Documents the given commands, or all",
  complexity: "O(N) in the number of commands documented",
  arity: -2,
  tips: ANY_ORDER,
  run(ctx) {
    const { request, reply, server } = ctx;
    const found: [spec: CommandSpec, container: CommandSpec | undefined][] = [];
    if (request.argc === 2) for (const spec of server.commands()) found.push([spec, undefined]);
    for (let i = 2; i < request.argc; i++) {
      const [name, subcommand, ...more] = request.text(i).split("|");
      const container = server.findCommand(name);
      const spec = subcommand === undefined ? container : server.findCommand(name, subcommand);
      if (spec === undefined || more.length > 0) continue;
      found.push([spec, subcommand === undefined ? undefined : container]);
    }
    reply.map(found.length);
    for (const [spec, container] of found) {
      reply.bulkText(fullNameOf(spec, container));
      replyDocumentation(ctx, spec, container);
    }
    return DONE;
  },
});

type NameFilter = (spec: CommandSpec, fullName: string) => boolean;

const list = commandSubcommand({
  name: "list",
  since: "7.0.0",
  summary: "Lists the names of commands and subcommands",
  complexity: "O(N) in the number of commands",
  arity: -2,
  tips: ANY_ORDER,
  run(ctx) {
    const { request, reply, server } = ctx;
    let passes: NameFilter | undefined = () => true;
    if (request.argc > 2) passes = parseFilter(ctx);
    if (passes === undefined) return reply.error(SYNTAX_ERROR);
    const names: string[] = [];
    for (const spec of server.commands()) {
      if (passes(spec, spec.name)) names.push(spec.name);
      for (const subcommand of spec.subcommands ?? []) {
        const fullName = fullNameOf(subcommand, spec);
        if (passes(subcommand, fullName)) names.push(fullName);
      }
    }
    reply.array(names.length);
    for (const name of names) reply.bulkText(name);
    return DONE;
  },
});

/** FILTERBY with its two arguments, which must be all that follows; undefined if it is something else. */
function parseFilter({ request }: CommandContext): NameFilter | undefined {
  if (request.argc !== 5 || !isWord(request, 2, "filterby")) return undefined;
  if (isWord(request, 3, "module")) return () => false;
  if (isWord(request, 3, "aclcat")) {
    const wanted = request.text(4).toLowerCase();
    return (spec) => aclCategoriesOf(spec).some((category) => category === wanted);
  }
  if (!isWord(request, 3, "pattern")) return undefined;
  const pattern = Buffer.from(request.bytes(4));
  return (_spec, fullName) => globMatch(pattern, Buffer.from(fullName), true);
}

/** How GETKEYS and GETKEYSANDFLAGS answer one key of the command `spec`. */
type KeyReply = (ctx: CommandContext, argument: number, flags: readonly KeyFlag[]) => void;

function replyKeysOfCommand(ctx: CommandContext, replyKey: KeyReply): Outcome {
  const { request, reply, server } = ctx;
  const argc = request.argc - 2;
  const container = server.findCommand(request.text(2));
  const isContainer = container?.subcommands !== undefined && argc > 1;
  const spec = isContainer ? server.findCommand(request.text(2), request.text(3)) : container;
  if (spec === undefined) return reply.error(INVALID_COMMAND);
  if (!hasKeys(spec)) return reply.error(COMMAND_HAS_NO_KEYS);
  if (spec.arity > 0 ? argc !== spec.arity : argc < -spec.arity) {
    return reply.error(INVALID_COMMAND_ARGUMENT_COUNT);
  }
  const keys = keysOfRequest(spec, request, 2);
  if (keys === undefined || keys.length === 0) {
    if (spec.flags.includes("no_mandatory_keys")) return reply.emptyArray();
    return reply.error(INVALID_COMMAND_ARGUMENTS);
  }
  reply.array(keys.length);
  const exactFlags = spec.keyFlagsOf?.(request, 2);
  for (const { position, flags } of keys) replyKey(ctx, position, exactFlags ?? flags);
  return DONE;
}

const replyName: KeyReply = ({ request, reply }, argument) =>
  reply.bulkRange(request.buf, request.start[argument], request.len[argument]);

const getkeys = commandSubcommand({
  name: "getkeys",
  since: "2.8.13",
  summary: "Finds the keys in a command given in full",
  complexity: "O(N) in the number of arguments",
  arity: -4,
  run: (ctx) => replyKeysOfCommand(ctx, replyName),
});

const getkeysandflags = commandSubcommand({
  name: "getkeysandflags",
  since: "7.0.0",
  summary: "Finds the keys in a command given in full, and how it uses them",
  complexity: "O(N) in the number of arguments",
  arity: -4,
  run: (ctx) =>
    replyKeysOfCommand(ctx, (_, argument, flags) => {
      ctx.reply.array(2);
      replyName(ctx, argument, flags);
      replyKeyFlags(ctx.reply, flags);
    }),
});

const help = helpCommand("command", { group: "server", since: "5.0.0", categories: ["connection"] }, [
  "(no subcommand)",
  "    Descriptions of all commands.",
  "COUNT",
  "    The number of commands.",
  "DOCS [<command-name> ...]",
  "    Documentation of the given commands, or of all.",
  "GETKEYS <full-command>",
  "    The keys in a command given with its arguments.",
  "GETKEYSANDFLAGS <full-command>",
  "    The same with what is done to each key.",
  "INFO [<command-name> ...]",
  "    Descriptions of the given commands, or of all.",
  "LIST [FILTERBY (MODULE <module-name>|ACLCAT <category>|PATTERN <pattern>)]",
  "    Names of all commands and subcommands, or of those that the filter takes.",
]);

export const command = defineCommand({
  name: "command",
  group: "server",
  since: "2.8.13",
  summary: "Describes all commands",
  complexity: "O(N) in the number of commands",
  arity: -1,
  flags: ["loading", "stale"],
  categories: ["connection"],
  keys: [],
  tips: ANY_ORDER,
  run: replyAll,
  subcommands: [count, docs, getkeys, getkeysandflags, help, info, list],
});

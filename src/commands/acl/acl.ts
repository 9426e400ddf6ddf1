/**
 * ACL: the container, categories, new passwords, and the file of users.
 */
import {
  ACL_NOT_SAVED,
  GENPASS_BITS,
  NO_ACL_FILE,
  unknownAclCategory,
  wrongSubcommandSyntax,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { ACL_CATEGORIES } from "../acl-categories.ts";
import { longOrReply, textForError } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { helpCommand } from "../help.ts";
import { dryRun } from "./dry-run.ts";
import { log } from "./log.ts";
import { adminSubcommand, plainSubcommand } from "./subcommand.ts";
import { userSubcommands } from "./users.ts";

const DEFAULT_BITS = 256;
const MOST_BITS = 4096;
const BITS_PER_DIGIT = 4;
const NAME_SHOWN = 128;

const cat = plainSubcommand({
  name: "cat",
  since: "6.0.0",
  summary: "Lists the categories of commands, or the commands of one",
  complexity: "O(1)",
  arity: -2,
  run({ request, reply, server }) {
    if (request.argc > 3) return reply.error(wrongSubcommandSyntax(request));
    const names = request.argc === 2 ? ACL_CATEGORIES : server.access.commandsOf(textForError(request, 2));
    if (names === undefined)
      return reply.error(unknownAclCategory(textForError(request, 2).slice(0, NAME_SHOWN)));
    reply.array(names.length);
    for (const name of names) reply.bulkText(name);
    return DONE;
  },
});

const genpass = plainSubcommand({
  name: "genpass",
  since: "6.0.0",
  summary: "Makes up a password that nobody can guess",
  complexity: "O(1)",
  arity: -2,
  run(ctx) {
    const { request, reply, server } = ctx;
    if (request.argc > 3) return reply.error(wrongSubcommandSyntax(request));
    const bits = request.argc === 3 ? longOrReply(ctx, 2) : DEFAULT_BITS;
    if (Number.isNaN(bits)) return DONE;
    if (bits <= 0 || bits > MOST_BITS) return reply.error(GENPASS_BITS);
    return reply.bulkText(server.access.randomDigits(Math.ceil(bits / BITS_PER_DIGIT)));
  },
});

const load = adminSubcommand({
  name: "load",
  since: "6.0.0",
  summary: "Replaces all users by those of the file of users",
  complexity: "O(N) in the number of users",
  arity: 2,
  run(ctx) {
    const { access } = ctx.server;
    return access.hasFile ? ctx.suspend(access.load(), answerLoad) : ctx.reply.error(NO_ACL_FILE);
  },
});

function answerLoad({ reply }: CommandContext, errors: string | undefined): Outcome {
  return errors === undefined ? reply.ok() : reply.error(`ERR ${errors}`);
}

const save = adminSubcommand({
  name: "save",
  since: "6.0.0",
  summary: "Writes all users to the file of users",
  complexity: "O(N) in the number of users",
  arity: 2,
  run(ctx) {
    const { access } = ctx.server;
    return access.hasFile ? ctx.suspend(access.save(), answerSave) : ctx.reply.error(NO_ACL_FILE);
  },
});

function answerSave({ reply }: CommandContext, isSaved: boolean): Outcome {
  return isSaved ? reply.ok() : reply.error(ACL_NOT_SAVED);
}

const help = helpCommand("acl", { group: "server", since: "6.0.0", categories: [] }, [
  "CAT [<category>]",
  "    The categories of commands, or the commands of one.",
  "DELUSER <username> [<username> ...]",
  "    Remove users, and disconnect their clients.",
  "DRYRUN <username> <command> [<arg> ...]",
  "    Whether the user might execute the command, which is not executed.",
  "GETUSER <username>",
  "    The user's flags, passwords and permissions.",
  "GENPASS [<bits>]",
  "    A password that nobody can guess, of 256 bits or as many as given.",
  "LIST",
  "    All users with their rules, as lines of a file of users.",
  "LOAD",
  "    Replace all users by those of the file of users.",
  "LOG [<count> | RESET]",
  "    What was denied of late; RESET forgets it.",
  "SAVE",
  "    Write all users to the file of users.",
  "SETUSER <username> <attribute> [<attribute> ...]",
  "    Change a user by rules, or create it.",
  "USERS",
  "    The names of all users.",
  "WHOAMI",
  "    The user that this connection is authenticated as.",
]);

export const acl = defineCommand({
  name: "acl",
  group: "server",
  since: "6.0.0",
  summary: "Container of commands about users and what they may do",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [cat, dryRun, genpass, help, load, log, save, ...userSubcommands],
});

/**
 * ACL SETUSER, GETUSER, DELUSER, LIST, USERS, WHOAMI: the users there are.
 */
import { DEFAULT_USER_STAYS, INVALID_USERNAME } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { hasBlanks, type SelectorFacts } from "../access.ts";
import type { CommandSpec } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { argumentsFrom } from "../secrets.ts";
import { adminSubcommand, plainSubcommand, replyBytes } from "./subcommand.ts";

const setuser = adminSubcommand({
  name: "setuser",
  since: "6.0.0",
  summary: "Changes a user by rules, or creates one",
  complexity: "O(N) in the number of rules",
  arity: -3,
  secretsOf: (request) => argumentsFrom(request, 2),
  run({ request, reply, server }) {
    const username = request.text(2);
    if (hasBlanks(username)) return reply.error(INVALID_USERNAME);
    const rules: string[] = [];
    for (let i = 3; i < request.argc; i++) rules.push(request.text(i));
    const problem = server.access.set(username, rules);
    return problem === undefined ? reply.ok() : reply.error(`ERR ${problem}`);
  },
});

const deluser = adminSubcommand({
  name: "deluser",
  since: "6.0.0",
  summary: "Removes users, and disconnects their clients",
  complexity: "O(N) in the number of clients",
  arity: -3,
  run({ request, reply, server }) {
    const names: string[] = [];
    for (let i = 2; i < request.argc; i++) names.push(request.text(i));
    if (names.includes("default")) return reply.error(DEFAULT_USER_STAYS);
    return reply.integer(server.access.remove(names));
  },
});

const getuser = adminSubcommand({
  name: "getuser",
  since: "6.0.0",
  summary: "Describes a user",
  complexity: "O(N) in the number of the user's rules",
  arity: 3,
  run(ctx) {
    const { request, reply, server } = ctx;
    const user = server.access.user(request.text(2));
    if (user === undefined) return reply.null();
    reply.map(6);
    reply.bulkText("flags");
    reply.set(user.flags.length);
    for (const flag of user.flags) reply.bulkText(flag);
    reply.bulkText("passwords");
    reply.array(user.passwords.length);
    for (const password of user.passwords) reply.bulkText(password);
    replySelector(ctx, user.root);
    reply.bulkText("selectors");
    reply.array(user.selectors.length);
    for (const selector of user.selectors) {
      reply.map(3);
      replySelector(ctx, selector);
    }
    return DONE;
  },
});

/** Three fields of a map. */
function replySelector(ctx: CommandContext, selector: SelectorFacts): void {
  for (const field of ["commands", "keys", "channels"] as const) {
    ctx.reply.bulkText(field);
    replyBytes(ctx.reply, selector[field]);
  }
}

function replyTexts({ reply }: CommandContext, texts: readonly string[]): typeof DONE {
  reply.array(texts.length);
  for (const text of texts) replyBytes(reply, text);
  return DONE;
}

const list = adminSubcommand({
  name: "list",
  since: "6.0.0",
  summary: "Lists all users with their rules, as a file of users has them",
  complexity: "O(N) in the number of users",
  arity: 2,
  run: (ctx) => replyTexts(ctx, ctx.server.access.lines()),
});

const users = adminSubcommand({
  name: "users",
  since: "6.0.0",
  summary: "Lists the names of all users",
  complexity: "O(N) in the number of users",
  arity: 2,
  run: (ctx) => replyTexts(ctx, ctx.server.access.names()),
});

const whoami = plainSubcommand({
  name: "whoami",
  since: "6.0.0",
  summary: "Tells which user the connection is authenticated as",
  complexity: "O(1)",
  arity: 2,
  run: ({ client, reply }) =>
    client.user === undefined ? reply.null() : replyBytes(reply, client.user.name),
});

export const userSubcommands: readonly CommandSpec[] = [deluser, getuser, list, setuser, users, whoami];

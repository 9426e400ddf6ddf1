/**
 * What clients say about themselves: CLIENT SETNAME, GETNAME, SETINFO.
 */
import { INVALID_CLIENT_NAME, invalidClientAttribute, unrecognizedAttribute } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { isWord, textForError } from "../arguments.ts";
import { type CommandSpec, defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";

/** Anything else would break the lines of CLIENT LIST, which are split at spaces. */
const PRINTABLE_WITHOUT_SPACE = /^[!-~]*$/;

/** Names the client by argument i; false after an error reply. */
export function setNameOrReply(ctx: CommandContext, i: number): boolean {
  const name = ctx.request.text(i);
  if (!PRINTABLE_WITHOUT_SPACE.test(name)) {
    ctx.reply.error(INVALID_CLIENT_NAME);
    return false;
  }
  ctx.client.name = name;
  return true;
}

const setname = defineCommand({
  name: "setname",
  group: "connection",
  since: "2.6.9",
  summary: "Names the connection",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  run: (ctx) => (setNameOrReply(ctx, 2) ? ctx.reply.ok() : DONE),
});

const getname = defineCommand({
  name: "getname",
  group: "connection",
  since: "2.6.9",
  summary: "Tells the connection's name",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  run: ({ client, reply }) => (client.name === "" ? reply.null() : reply.bulkText(client.name)),
});

const setinfo = defineCommand({
  name: "setinfo",
  group: "connection",
  since: "7.2.0",
  summary: "Tells which client library, in which version, uses the connection",
  complexity: "O(1)",
  arity: 4,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  run({ request, reply, client }) {
    const isName = isWord(request, 2, "lib-name");
    if (!isName && !isWord(request, 2, "lib-ver"))
      return reply.error(unrecognizedAttribute(textForError(request, 2)));
    const value = request.text(3);
    if (!PRINTABLE_WITHOUT_SPACE.test(value))
      return reply.error(invalidClientAttribute(textForError(request, 2)));
    if (isName) client.libraryName = value;
    else client.libraryVersion = value;
    return reply.ok();
  },
});

export const nameSubcommands: readonly CommandSpec[] = [setname, getname, setinfo];

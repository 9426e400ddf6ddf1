/**
 * Looking at clients and closing them: CLIENT LIST, INFO, KILL.
 */
import {
  CLIENT_ID_NOT_POSITIVE,
  INVALID_CLIENT_ID,
  NO_SUCH_CLIENT,
  noSuchUser,
  SYNTAX_ERROR,
  unknownClientType,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { isWord, longOrReply, rangeOrReply, textForError } from "../arguments.ts";
import type { Client } from "../client.ts";
import { type CommandSpec, defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { clientLine } from "./client-line.ts";

/** Redis's words for kinds of clients. There is no master here. */
const CLIENT_TYPES = ["normal", "slave", "replica", "pubsub", "master"];

function typeOf(client: Client): string {
  if (client.isReplica) return "replica";
  return client.isSubscribed ? "pubsub" : "normal";
}

function replyLines(ctx: CommandContext, clients: Iterable<Client>): Outcome {
  let text = "";
  for (const client of clients) {
    const argumentBytes = client === ctx.client ? ctx.request.argumentBytes : 0;
    text += `${clientLine(client, ctx.keyspace.nowMs, argumentBytes)}\n`;
  }
  return ctx.reply.verbatim(text, "txt");
}

const list = defineCommand({
  name: "list",
  group: "connection",
  since: "2.4.0",
  summary: "Lists the clients",
  complexity: "O(N) in the number of clients",
  arity: -2,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { request, reply, server } = ctx;
    if (request.argc === 2) return replyLines(ctx, server.clients());
    if (request.argc === 4 && isWord(request, 2, "type")) {
      const type = clientTypeOrReply(ctx, 3);
      if (type === undefined) return DONE;
      return replyLines(
        ctx,
        [...server.clients()].filter((client) => typeOf(client) === type),
      );
    }
    if (request.argc < 4 || !isWord(request, 2, "id")) return reply.error(SYNTAX_ERROR);
    const clients = [...server.clients()];
    const chosen: Client[] = [];
    for (let i = 3; i < request.argc; i++) {
      const id = longOrReply(ctx, i, INVALID_CLIENT_ID);
      if (Number.isNaN(id)) return DONE;
      const client = clients.find((candidate) => candidate.id === id);
      if (client !== undefined) chosen.push(client);
    }
    return replyLines(ctx, chosen);
  },
});

const info = defineCommand({
  name: "info",
  group: "connection",
  since: "6.2.0",
  summary: "Describes the connection itself",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  tips: ["nondeterministic_output"],
  run: (ctx) => replyLines(ctx, [ctx.client]),
});

/** The kind of client that argument i names; undefined after an error reply. */
function clientTypeOrReply(ctx: CommandContext, i: number): string | undefined {
  const type = CLIENT_TYPES.find((name) => isWord(ctx.request, i, name));
  if (type === undefined) ctx.reply.error(unknownClientType(textForError(ctx.request, i)));
  return type === "slave" ? "replica" : type;
}

/** Which clients CLIENT KILL is to close: those that match all that is set. */
interface KillFilter {
  id: number | undefined;
  address: string | undefined;
  localAddress: string | undefined;
  type: string | undefined;
  user: string | undefined;
  skipMe: boolean;
}

const kill = defineCommand({
  name: "kill",
  group: "connection",
  since: "2.4.0",
  summary: "Closes clients",
  complexity: "O(N) in the number of clients",
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  run(ctx) {
    const { request, reply } = ctx;
    const filter: KillFilter = {
      id: undefined,
      address: undefined,
      localAddress: undefined,
      type: undefined,
      user: undefined,
      skipMe: true,
    };
    const isOldForm = request.argc === 3;
    if (isOldForm) {
      filter.address = textForError(request, 2);
      filter.skipMe = false;
    } else if (!parseKillFilter(ctx, filter)) {
      return DONE;
    }
    const victims = [...ctx.server.clients()].filter((client) => matches(client, filter, ctx.client));
    if (!isOldForm) reply.integer(victims.length);
    else if (victims.length === 0) reply.error(NO_SUCH_CLIENT);
    else reply.ok();
    for (const victim of victims) {
      if (victim === ctx.client) victim.closeAfterReply();
      else victim.close();
    }
    return DONE;
  },
});

function matches(client: Client, filter: KillFilter, self: Client): boolean {
  if (filter.address !== undefined && client.address !== filter.address) return false;
  if (filter.localAddress !== undefined && client.localAddress !== filter.localAddress) return false;
  if (filter.type !== undefined && filter.type !== typeOf(client)) return false;
  if (filter.user !== undefined && client.user?.name !== filter.user) return false;
  if (filter.id !== undefined && client.id !== filter.id) return false;
  return !(filter.skipMe && client === self);
}

/** The options of the new form, pairs from argument 2 on; false after an error reply. */
function parseKillFilter(ctx: CommandContext, filter: KillFilter): boolean {
  for (let i = 2; i < ctx.request.argc; i += 2) {
    if (i + 1 < ctx.request.argc) {
      const outcome = parseKillOption(ctx, i, filter);
      if (outcome === "parsed") continue;
      if (outcome === "replied") return false;
    }
    ctx.reply.error(SYNTAX_ERROR);
    return false;
  }
  return true;
}

function parseKillOption(
  ctx: CommandContext,
  i: number,
  filter: KillFilter,
): "parsed" | "replied" | "unknown" {
  const { request, reply } = ctx;
  if (isWord(request, i, "id")) {
    filter.id = rangeOrReply(ctx, i + 1, 1, Number.POSITIVE_INFINITY, CLIENT_ID_NOT_POSITIVE);
    return Number.isNaN(filter.id) ? "replied" : "parsed";
  }
  if (isWord(request, i, "type")) {
    filter.type = clientTypeOrReply(ctx, i + 1);
    return filter.type === undefined ? "replied" : "parsed";
  }
  if (isWord(request, i, "addr")) {
    filter.address = textForError(request, i + 1);
  } else if (isWord(request, i, "laddr")) {
    filter.localAddress = textForError(request, i + 1);
  } else if (isWord(request, i, "user")) {
    filter.user = request.text(i + 1);
    if (!ctx.server.access.has(filter.user)) {
      reply.error(noSuchUser(textForError(request, i + 1)));
      return "replied";
    }
  } else if (isWord(request, i, "skipme")) {
    filter.skipMe = isWord(request, i + 1, "yes");
    if (!filter.skipMe && !isWord(request, i + 1, "no")) return "unknown";
  } else {
    return "unknown";
  }
  return "parsed";
}

export const listSubcommands: readonly CommandSpec[] = [info, kill, list];

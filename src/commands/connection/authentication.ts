/**
 * Who a client is: AUTH and HELLO.
 */
import { REDIS_VERSION } from "../../base/compatibility.ts";
import {
  HELLO_NOT_AUTHENTICATED,
  NO_PASSWORD_SET,
  PROTOCOL_VERSION_NOT_AN_INTEGER,
  SYNTAX_ERROR,
  UNSUPPORTED_PROTOCOL,
  unknownHelloOption,
  WRONG_PASSWORD,
} from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import type { Request } from "../../protocol/request.ts";
import { isWord, longOrReply, textForError } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { argumentsFrom } from "../secrets.ts";
import { setNameOrReply } from "./client-names.ts";

const DEFAULT_USER = "default";

export const auth = defineCommand({
  name: "auth",
  group: "connection",
  since: "1.0.0",
  summary: "Authenticates the connection",
  complexity: "O(1)",
  arity: -2,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  categories: ["connection"],
  keys: [],
  secretsOf: (request) => argumentsFrom(request, 1),
  run(ctx) {
    const { request, reply } = ctx;
    if (request.argc > 3) return reply.error(SYNTAX_ERROR);
    const { access } = ctx.server;
    if (request.argc === 2 && access.isOpen) return reply.error(NO_PASSWORD_SET);
    const user = request.argc === 2 ? DEFAULT_USER : request.text(1);
    return access.authenticate(user, request.bytes(request.argc - 1), request.text(0))
      ? reply.ok()
      : reply.error(WRONG_PASSWORD);
  },
});

export const hello = defineCommand({
  name: "hello",
  group: "connection",
  since: "6.0.0",
  summary: "Greets the server: chooses the protocol, and may authenticate and name the connection",
  complexity: "O(1)",
  arity: -1,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  categories: ["connection"],
  keys: [],
  secretsOf: secretsOfHello,
  run(ctx) {
    const { request, reply, client } = ctx;
    let version: number = client.resp;
    if (request.argc > 1) {
      version = longOrReply(ctx, 1, PROTOCOL_VERSION_NOT_AN_INTEGER);
      if (Number.isNaN(version)) return DONE;
      if (version !== 2 && version !== 3) return reply.error(UNSUPPORTED_PROTOCOL);
    }
    if (!applyHelloOptions(ctx)) return DONE;
    if (!client.authenticated) return reply.error(HELLO_NOT_AUTHENTICATED);
    client.resp = version === 3 ? 3 : 2;
    reply.resp = client.resp;
    return greet(ctx);
  },
});

/** What follows AUTH. */
function secretsOfHello(request: Request): number[] {
  const secrets: number[] = [];
  for (let i = 2; i < request.argc; i++) {
    if (isWord(request, i, "setname")) i++;
    else if (isWord(request, i, "auth")) secrets.push(...argumentsFrom(request, i + 1).slice(0, 2));
  }
  return secrets;
}

/** AUTH and SETNAME of HELLO, in their order; false after an error reply. */
function applyHelloOptions(ctx: CommandContext): boolean {
  const { request, reply, server } = ctx;
  for (let i = 2; i < request.argc; i++) {
    const following = request.argc - 1 - i;
    if (following >= 2 && isWord(request, i, "auth")) {
      if (!server.access.authenticate(request.text(i + 1), request.bytes(i + 2), request.text(0))) {
        reply.error(WRONG_PASSWORD);
        return false;
      }
      i += 2;
    } else if (following >= 1 && isWord(request, i, "setname")) {
      if (!setNameOrReply(ctx, ++i)) return false;
    } else {
      reply.error(unknownHelloOption(textForError(request, i)));
      return false;
    }
  }
  return true;
}

function greet({ reply, client }: CommandContext): typeof DONE {
  reply.map(7);
  reply.bulkText("server");
  reply.bulkText("redis");
  reply.bulkText("version");
  reply.bulkText(REDIS_VERSION);
  reply.bulkText("proto");
  reply.integer(client.resp);
  reply.bulkText("id");
  reply.integer(client.id);
  reply.bulkText("mode");
  reply.bulkText("standalone");
  reply.bulkText("role");
  reply.bulkText("master");
  reply.bulkText("modules");
  reply.array(0);
  return DONE;
}

/**
 * MIGRATE: hands keys over to another server. How that is done is the server's business (server/migration); here is
 * what a request asks for.
 */
import { leadingInt32, parseInt64 } from "../../base/numbers.ts";
import { CANNOT_WAIT_IN_TRANSACTION, SYNTAX_ERROR } from "../../protocol/errors.ts";
import { KEY_WITH_KEYS_OPTION } from "../../protocol/migration-errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { Request } from "../../protocol/request.ts";
import { isWord, longOrReply } from "../arguments.ts";
import { defineCommand, type KeyArgument, keyAt, keysAfter } from "../command.ts";
import type { CommandContext } from "../context.ts";
import type { MigrationResult } from "../services.ts";

const HOST = 1;
const PORT = 2;
const KEY = 3;
const DESTINATION = 4;
const TIMEOUT = 5;
const FIRST_OPTION = 6;
const DEFAULT_TIMEOUT_MS = 1000;
const KEY_FLAGS = ["RW", "access", "delete"] as const;

/** Options of a request: arguments, -1 for those that are not there. */
interface Options {
  copies: boolean;
  replaces: boolean;
  userAt: number;
  passwordAt: number;
  /** The first key behind KEYS. */
  keysAt: number;
}

/** Reads the options; the text of an error if there is one. What stands before the error has been read. */
function readOptions(request: Request, options: Options): string | undefined {
  for (let i = FIRST_OPTION; i < request.argc; i++) {
    const left = request.argc - 1 - i;
    if (isWord(request, i, "copy")) {
      options.copies = true;
    } else if (isWord(request, i, "replace")) {
      options.replaces = true;
    } else if (isWord(request, i, "auth") && left >= 1) {
      options.passwordAt = ++i;
    } else if (isWord(request, i, "auth2") && left >= 2) {
      options.userAt = ++i;
      options.passwordAt = ++i;
    } else if (isWord(request, i, "keys")) {
      if (request.len[KEY] !== 0) return KEY_WITH_KEYS_OPTION;
      options.keysAt = i + 1;
      return undefined;
    } else {
      return SYNTAX_ERROR;
    }
  }
  return undefined;
}

function noOptions(): Options {
  return { copies: false, replaces: false, userAt: -1, passwordAt: -1, keysAt: -1 };
}

function secretsOfMigrate(request: Request): number[] {
  const secrets: number[] = [];
  for (let i = FIRST_OPTION; i < request.argc && !isWord(request, i, "keys"); i++) {
    const count = isWord(request, i, "auth") ? 1 : isWord(request, i, "auth2") ? 2 : 0;
    for (let k = 0; k < count && i + 1 < request.argc; k++) secrets.push(++i);
  }
  return secrets;
}

function keysOfMigrate(request: Request, nameAt: number): readonly KeyArgument[] {
  let first = nameAt + KEY;
  let last = first;
  // As in Redis, the last word is not looked at.
  for (let i = nameAt + FIRST_OPTION; i < request.argc - 1; i++) {
    if (isWord(request, i, "keys")) {
      // With a key besides it is a syntax error, of a command without keys.
      first = i + 1;
      last = request.len[nameAt + KEY] > 0 ? i : request.argc - 1;
      break;
    }
    if (isWord(request, i, "auth")) i += 1;
    else if (isWord(request, i, "auth2")) i += 2;
  }
  return Array.from({ length: last - first + 1 }, (_, i) => ({ position: first + i, flags: KEY_FLAGS }));
}

function runMigrate(ctx: CommandContext): Outcome {
  const { client, request, reply, server } = ctx;
  const options = noOptions();
  const wrong = readOptions(request, options);
  if (wrong !== undefined) return reply.error(wrong);
  const timeoutMs = longOrReply(ctx, TIMEOUT);
  if (Number.isNaN(timeoutMs) || Number.isNaN(longOrReply(ctx, DESTINATION))) return DONE;
  const { userAt, passwordAt, keysAt } = options;
  const order = {
    host: request.text(HOST),
    port: leadingInt32(request.buf, request.start[PORT], request.len[PORT]),
    target: `${request.text(HOST)}:${request.text(PORT)}`,
    destination: parseInt64(request.buf, request.start[DESTINATION], request.len[DESTINATION])!,
    timeoutMs: timeoutMs > 0 ? timeoutMs : DEFAULT_TIMEOUT_MS,
    copies: options.copies,
    replaces: options.replaces,
    user: userAt < 0 ? undefined : Buffer.from(request.bytes(userAt)),
    password: passwordAt < 0 ? undefined : Buffer.from(request.bytes(passwordAt)),
    keys:
      keysAt < 0
        ? [Buffer.from(request.bytes(KEY))]
        : Array.from({ length: request.argc - keysAt }, (_, i) => Buffer.from(request.bytes(keysAt + i))),
  };
  if (client.isExecuting) return reply.error(CANNOT_WAIT_IN_TRANSACTION);
  return ctx.suspend(server.migrations.migrate(client.dbIndex, order), answer);
}

function answer({ reply }: CommandContext, result: MigrationResult): Outcome {
  return "error" in result ? reply.error(result.error) : reply.simple(result.status);
}

export const migrate = defineCommand({
  name: "migrate",
  group: "generic",
  since: "2.6.0",
  summary: "Moves or copies keys to another server",
  complexity: "O(N) in the size of the values, here, there, and between",
  arity: -6,
  flags: ["write"],
  categories: ["keyspace", "dangerous"],
  keys: [keyAt(KEY, ...KEY_FLAGS), keysAfter("KEYS", -2, 1, ...KEY_FLAGS, "incomplete")],
  keysOf: keysOfMigrate,
  secretsOf: secretsOfMigrate,
  tips: ["nondeterministic_output"],
  // One after the other: all together might not fit.
  leavesKeysCold: true,
  run: runMigrate,
});

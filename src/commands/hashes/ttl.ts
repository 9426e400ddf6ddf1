/**
 * How long fields have to live: HTTL, HPTTL (time left), HEXPIRETIME, HPEXPIRETIME (the instant), as in Redis 7.4.
 */
import { NUMBER_OF_FIELDS_NOT_POSITIVE } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { NO_TIME } from "../../types/hash/timed-listpack.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { areFieldsOrReply } from "./field-arguments.ts";
import { openHash } from "./open.ts";

const FIELDS = 2;
const FIRST_FIELD = 4;
const NO_FIELD = -2;
const NO_FIELD_TIME = -1;

/** `unitMs` is what is counted: part of one counts as a whole one. */
function replyTimes(ctx: CommandContext, isAbsolute: boolean, unitMs: number): Outcome {
  const { request, reply, keyspace } = ctx;
  const { buf, start, len, argc } = request;
  const address = ctx.db.lookupRead(buf, start[1], len[1]);
  const hash = address === 0 ? undefined : openHash(ctx, address);
  if (address !== 0 && hash === undefined) return DONE;
  if (!areFieldsOrReply(ctx, FIELDS, NUMBER_OF_FIELDS_NOT_POSITIVE)) return DONE;
  reply.array(argc - FIRST_FIELD);
  for (let i = FIRST_FIELD; i < argc; i++) {
    if (hash === undefined || !hash.see(buf, start[i], len[i])) {
      reply.integer(NO_FIELD);
      continue;
    }
    const { time } = hash.fields;
    // While data is loaded, a field past its time is still seen: it has no time left, not a negative one.
    const milliseconds = Math.max(0, isAbsolute ? time : time - keyspace.nowMs);
    reply.integer(time === NO_TIME ? NO_FIELD_TIME : Math.ceil(milliseconds / unitMs));
  }
  return DONE;
}

function timeCommand(name: string, summary: string, isAbsolute: boolean, unitMs: number): CommandSpec {
  return defineCommand({
    name,
    group: "hash",
    since: "7.4.0",
    summary,
    complexity: "O(N) in the number of fields",
    arity: -5,
    flags: ["readonly", "fast"],
    categories: ["hash"],
    keys: [keyAt(1, "RO", "access")],
    run: (ctx) => replyTimes(ctx, isAbsolute, unitMs),
  });
}

export const httl: CommandSpec = timeCommand(
  "httl",
  "Tell the seconds that fields of a hash have to live",
  false,
  1000,
);

export const hpttl: CommandSpec = timeCommand(
  "hpttl",
  "Tell the milliseconds that fields of a hash have to live",
  false,
  1,
);

export const hexpiretime: CommandSpec = timeCommand(
  "hexpiretime",
  "Tell when fields of a hash expire, in seconds of Unix time",
  true,
  1000,
);

export const hpexpiretime: CommandSpec = timeCommand(
  "hpexpiretime",
  "Tell when fields of a hash expire, in milliseconds of Unix time",
  true,
  1,
);

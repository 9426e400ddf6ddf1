/**
 * GET, SET and their relatives: the hottest commands. GET and plain SET allocate nothing.
 */
import { setString } from "../../keyspace/strings.ts";
import { WRONG_TYPE } from "../../protocol/errors.ts";
import type { Outcome } from "../../protocol/outcome.ts";
import { encodingOf, STRING } from "../../types/string/string-value.ts";
import { defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";

export const get = defineCommand({
  name: "get",
  group: "string",
  since: "1.0.0",
  summary: "Get the value of a key",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  categories: ["string"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const address = ctx.db.lookupRead(buf, start[1], len[1]);
    if (address === 0) return ctx.reply.null();
    return replyString(ctx, address);
  },
});

/** Answers the string at `address`, or WRONGTYPE. */
export function replyString(ctx: CommandContext, address: number): Outcome {
  const { entries } = ctx.keyspace;
  if (entries.type(address) !== STRING) return ctx.reply.error(WRONG_TYPE);
  return ctx.reply.bulkRange(entries.valueBuffer(address), entries.valueStart(address), entries.valueLength(address));
}

export const set = defineCommand({
  name: "set",
  group: "string",
  since: "1.0.0",
  summary: "Set the string value of a key",
  complexity: "O(1)",
  arity: -3,
  flags: ["write", "denyoom"],
  categories: ["string"],
  keys: [
    {
      ...keyAt(1, "RW", "access", "update", "variable_flags"),
      notes: "RW and ACCESS due to the optional `GET` argument",
    },
  ],
  run(ctx) {
    const { buf, start, len, argc } = ctx.request;
    if (argc > 3) return setWithOptions(ctx);
    const address = ctx.db.lookupWrite(buf, start[1], len[1]);
    const encoding = encodingOf(buf, start[2], len[2]);
    setString(ctx.keyspace, ctx.db, address, buf, start[1], len[1], buf, start[2], len[2], encoding, 0);
    ctx.effects.verbatim();
    return ctx.reply.ok();
  },
});

function setWithOptions(ctx: CommandContext): Outcome {
  return ctx.reply.error(WRONG_TYPE);
}

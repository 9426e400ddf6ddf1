/**
 * Reading whole hashes: HGETALL, HKEYS, HVALS.
 */
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { openHash } from "./open.ts";

function replyAll(ctx: CommandContext, withFields: boolean, withValues: boolean): Outcome {
  const { request, reply } = ctx;
  const address = ctx.db.lookupRead(request.buf, request.start[1], request.len[1]);
  const isMap = withFields && withValues;
  if (address === 0) return isMap ? reply.map(0) : reply.array(0);
  const hash = openHash(ctx, address);
  if (hash === undefined) return DONE;
  const size = hash.liveSize;
  if (isMap) reply.map(size);
  else reply.array(size);
  const { fields } = hash;
  const { field, value } = fields;
  fields.begin();
  while (hash.next()) {
    if (withFields) reply.bulkRange(field.buffer, field.start, field.length);
    if (withValues) reply.bulkRange(value.buffer, value.start, value.length);
  }
  return DONE;
}

function wholeCommand(name: string, summary: string, withFields: boolean, withValues: boolean): CommandSpec {
  return defineCommand({
    name,
    group: "hash",
    since: "2.0.0",
    summary,
    complexity: "O(N) in the number of fields",
    arity: 2,
    flags: ["readonly"],
    categories: ["hash"],
    keys: [keyAt(1, "RO", "access")],
    tips: ["nondeterministic_output_order"],
    run: (ctx) => replyAll(ctx, withFields, withValues),
  });
}

export const hgetall: CommandSpec = wholeCommand(
  "hgetall",
  "Get all fields of a hash and their values",
  true,
  true,
);
export const hkeys: CommandSpec = wholeCommand("hkeys", "Get the names of all fields of a hash", true, false);
export const hvals: CommandSpec = wholeCommand(
  "hvals",
  "Get the values of all fields of a hash",
  false,
  true,
);

/**
 * Reading single fields: HGET, HMGET, HEXISTS, HSTRLEN; and HLEN.
 */
import type { HashEntry } from "../../keyspace/hash-entry.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { type CommandSpec, defineCommand, type KeyFlag, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { openHash } from "./open.ts";

const FIRST_FIELD = 2;

function readingCommand(
  facts: Pick<CommandSpec, "name" | "since" | "summary" | "arity" | "run"> & { readonly access?: KeyFlag },
): CommandSpec {
  const { access, ...rest } = facts;
  return defineCommand({
    ...rest,
    group: "hash",
    complexity: facts.arity < 0 ? "O(N) in the number of fields" : "O(1)",
    flags: ["readonly", "fast"],
    categories: ["hash"],
    keys: [access === undefined ? keyAt(1, "RO") : keyAt(1, "RO", access)],
  });
}

export const hget: CommandSpec = readingCommand({
  name: "hget",
  since: "2.0.0",
  summary: "Get the value of a field of a hash",
  arity: 3,
  access: "access",
  run(ctx) {
    const { buf, start, len } = ctx.request;
    const address = ctx.db.lookupRead(buf, start[1], len[1]);
    if (address === 0) return ctx.reply.null();
    const hash = openHash(ctx, address);
    return hash === undefined ? DONE : replyValue(ctx, hash, FIRST_FIELD);
  },
});

export const hmget: CommandSpec = readingCommand({
  name: "hmget",
  since: "2.0.0",
  summary: "Get the values of several fields of a hash",
  arity: -3,
  access: "access",
  run(ctx) {
    const { buf, start, len, argc } = ctx.request;
    const address = ctx.db.lookupRead(buf, start[1], len[1]);
    const hash = address === 0 ? undefined : openHash(ctx, address);
    if (hash === undefined && address !== 0) return DONE;
    ctx.reply.array(argc - FIRST_FIELD);
    for (let i = FIRST_FIELD; i < argc; i++) {
      if (hash === undefined) ctx.reply.null();
      else replyValue(ctx, hash, i);
    }
    return DONE;
  },
});

/** Answers the value of the field that argument i names. */
function replyValue(ctx: CommandContext, hash: HashEntry, i: number): Outcome {
  const { buf, start, len } = ctx.request;
  if (!hash.see(buf, start[i], len[i])) return ctx.reply.null();
  const { value } = hash.fields;
  return ctx.reply.bulkRange(value.buffer, value.start, value.length);
}

/** A command that answers an integer about the hash under its key, 0 if there is none. */
function countingCommand(
  facts: Pick<CommandSpec, "name" | "since" | "summary" | "arity">,
  count: (hash: HashEntry, ctx: CommandContext) => number,
): CommandSpec {
  return readingCommand({
    ...facts,
    run(ctx) {
      const { buf, start, len } = ctx.request;
      const address = ctx.db.lookupRead(buf, start[1], len[1]);
      if (address === 0) return ctx.reply.integer(0);
      const hash = openHash(ctx, address);
      return hash === undefined ? DONE : ctx.reply.integer(count(hash, ctx));
    },
  });
}

export const hexists: CommandSpec = countingCommand(
  { name: "hexists", since: "2.0.0", summary: "Tell whether a hash has a field", arity: 3 },
  (hash, { request: { buf, start, len } }) => (hash.see(buf, start[FIRST_FIELD], len[FIRST_FIELD]) ? 1 : 0),
);

export const hstrlen: CommandSpec = countingCommand(
  { name: "hstrlen", since: "3.2.0", summary: "Tell the length of a field's value", arity: 3 },
  (hash, { request: { buf, start, len } }) =>
    hash.see(buf, start[FIRST_FIELD], len[FIRST_FIELD]) ? hash.fields.value.length : 0,
);

export const hlen: CommandSpec = countingCommand(
  { name: "hlen", since: "2.0.0", summary: "Tell the number of fields of a hash", arity: 2 },
  (hash) => hash.fields.size,
);

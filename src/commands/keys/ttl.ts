/**
 * How long keys have to live: TTL, PTTL (time left), EXPIRETIME, PEXPIRETIME (the instant).
 */
import type { Outcome } from "../../protocol/outcome.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { lookupNoTouch } from "./lookup.ts";

const NO_KEY = -2;
const NO_EXPIRY = -1;

function replyTime(ctx: CommandContext, isAbsolute: boolean, unitMs: number): Outcome {
  const address = lookupNoTouch(ctx, 1);
  if (address === 0) return ctx.reply.integer(NO_KEY);
  const expireMs = ctx.keyspace.entries.expireMs(address);
  if (expireMs === 0) return ctx.reply.integer(NO_EXPIRY);
  // A key past its expiry is still seen while data is loaded: it has no time left, not a negative one.
  const milliseconds = Math.max(0, isAbsolute ? expireMs : expireMs - ctx.keyspace.nowMs);
  const time = unitMs === 1 ? milliseconds : Math.floor((milliseconds + unitMs / 2) / unitMs);
  return ctx.reply.integer(time);
}

function timeCommand(
  facts: Pick<CommandSpec, "name" | "since" | "summary" | "tips">,
  isAbsolute: boolean,
  unitMs: number,
): CommandSpec {
  return defineCommand({
    ...facts,
    group: "generic",
    complexity: "O(1)",
    arity: 2,
    flags: ["readonly", "fast"],
    categories: ["keyspace"],
    keys: [keyAt(1, "RO", "access")],
    run: (ctx) => replyTime(ctx, isAbsolute, unitMs),
  });
}

const CHANGES_BY_ITSELF = ["nondeterministic_output"];

export const ttl: CommandSpec = timeCommand(
  { name: "ttl", since: "1.0.0", summary: "Tells the seconds a key has to live", tips: CHANGES_BY_ITSELF },
  false,
  1000,
);

export const pttl: CommandSpec = timeCommand(
  {
    name: "pttl",
    since: "2.6.0",
    summary: "Tells the milliseconds a key has to live",
    tips: CHANGES_BY_ITSELF,
  },
  false,
  1,
);

export const expiretime: CommandSpec = timeCommand(
  { name: "expiretime", since: "7.0.0", summary: "Tells when a key expires, in seconds of Unix time" },
  true,
  1000,
);

export const pexpiretime: CommandSpec = timeCommand(
  { name: "pexpiretime", since: "7.0.0", summary: "Tells when a key expires, in milliseconds of Unix time" },
  true,
  1,
);

/**
 * What the subcommands of ACL have in common.
 */
import type { Outcome } from "../../protocol/outcome.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { type CommandSpec, defineCommand } from "../command.ts";

type Facts = Pick<CommandSpec, "name" | "since" | "summary" | "complexity" | "arity" | "secretsOf" | "run">;

/** One that only who administers the server may use. */
export function adminSubcommand(facts: Facts): CommandSpec {
  return defineCommand({
    ...facts,
    group: "server",
    flags: ["admin", "noscript", "loading", "stale"],
    categories: [],
    keys: [],
  });
}

/** One that does no harm. */
export function plainSubcommand(facts: Facts): CommandSpec {
  return defineCommand({
    ...facts,
    group: "server",
    flags: ["noscript", "loading", "stale"],
    categories: [],
    keys: [],
  });
}

/** A bulk string of text with one character per byte. */
export function replyBytes(reply: ReplyWriter, text: string): Outcome {
  return reply.bulk(Buffer.from(text, "latin1"));
}

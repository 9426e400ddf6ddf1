/**
 * COMMAND DOCS: a command as people are told about it, in Redis 7.0's form.
 */
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { CommandSpec } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { type ArgumentFacts, parseArguments } from "../documentation.ts";
import { fullNameOf } from "./command-reply.ts";

/** Writes the documentation of a command; `container` is that of a subcommand. */
export function replyDocumentation(ctx: CommandContext, spec: CommandSpec, container?: CommandSpec): void {
  const { reply, server } = ctx;
  const {
    arguments: text,
    history,
    flags,
    deprecatedSince,
    replacedBy,
  } = server.documentation(fullNameOf(spec, container)) ?? {};
  const { subcommands } = spec;
  const optional = [flags, deprecatedSince, replacedBy, history, text, subcommands];
  reply.map(4 + optional.filter((each) => each !== undefined).length);
  replyField(reply, "summary", spec.summary);
  replyField(reply, "since", spec.since);
  replyField(reply, "group", spec.group);
  replyField(reply, "complexity", spec.complexity);
  if (flags !== undefined) {
    reply.bulkText("doc_flags");
    replyFlags(reply, flags);
  }
  if (deprecatedSince !== undefined) replyField(reply, "deprecated_since", deprecatedSince);
  if (replacedBy !== undefined) replyField(reply, "replaced_by", replacedBy);
  if (history !== undefined) {
    reply.bulkText("history");
    reply.set(history.length);
    for (const [since, change] of history) {
      reply.array(2);
      reply.bulkText(since);
      reply.bulkText(change);
    }
  }
  if (text !== undefined) {
    reply.bulkText("arguments");
    replyArguments(reply, parseArguments(text));
  }
  if (subcommands === undefined) return;
  reply.bulkText("subcommands");
  reply.map(subcommands.length);
  for (const subcommand of subcommands) {
    reply.bulkText(fullNameOf(subcommand, spec));
    replyDocumentation(ctx, subcommand, spec);
  }
}

function replyField(reply: ReplyWriter, name: string, value: string): void {
  reply.bulkText(name);
  reply.bulkText(value);
}

function replyFlags(reply: ReplyWriter, flags: readonly string[]): void {
  reply.set(flags.length);
  for (const flag of flags) reply.simple(flag);
}

function replyArguments(reply: ReplyWriter, all: readonly ArgumentFacts[]): void {
  reply.array(all.length);
  for (const { name, type, keySpec, token, since, deprecatedSince, flags, parts } of all) {
    const optional = [keySpec, token, since, deprecatedSince, flags[0], parts];
    reply.map(2 + optional.filter((each) => each !== undefined).length);
    replyField(reply, "name", name);
    replyField(reply, "type", type);
    if (keySpec !== undefined) {
      reply.bulkText("key_spec_index");
      reply.integer(keySpec);
    }
    if (token !== undefined) replyField(reply, "token", token);
    if (since !== undefined) replyField(reply, "since", since);
    if (deprecatedSince !== undefined) replyField(reply, "deprecated_since", deprecatedSince);
    if (flags.length > 0) {
      reply.bulkText("flags");
      replyFlags(reply, flags);
    }
    if (parts !== undefined) {
      reply.bulkText("arguments");
      replyArguments(reply, parts);
    }
  }
}

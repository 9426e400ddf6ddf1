/**
 * Caching at the client: CLIENT TRACKING, TRACKINGINFO, CACHING, GETREDIR. What follows from them is the server's
 * (server/tracking).
 */
import {
  BCAST_WITH_OPTIONS,
  CACHING_NO_WITHOUT_OPTOUT,
  CACHING_WITHOUT_TRACKING,
  CACHING_YES_WITHOUT_OPTIN,
  CANNOT_SWITCH_BCAST,
  CANNOT_SWITCH_OPTIONS,
  OPTIN_AND_OPTOUT,
  PREFIX_WITHOUT_BCAST,
  prefixesOverlap,
  REDIRECTED_TWICE,
  REDIRECTION_WITHOUT_CLIENT,
  SYNTAX_ERROR,
} from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { isWord, longOrReply } from "../arguments.ts";
import type { ClientTracking } from "../client.ts";
import { type CommandSpec, defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import type { TrackingOptions } from "../services.ts";

const tracking = defineCommand({
  name: "tracking",
  group: "connection",
  since: "6.0.0",
  summary: "Says whether the connection is told of changes to the keys it has read",
  complexity: "O(1), and O(N) in the number of prefixes",
  arity: -3,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  run(ctx) {
    const { request, reply, client, server } = ctx;
    const options = optionsOrReply(ctx);
    if (options === undefined) return DONE;
    if (isWord(request, 2, "on")) {
      const conflict = conflictOf(options, client.tracking);
      if (conflict !== undefined) return reply.error(conflict);
      server.tracking.enable(client, options);
    } else if (isWord(request, 2, "off")) {
      server.tracking.disable(client);
    } else {
      return reply.error(SYNTAX_ERROR);
    }
    return reply.ok();
  },
});

/** The options from argument 3 on; undefined after an error reply. */
function optionsOrReply(ctx: CommandContext): TrackingOptions | undefined {
  const { request, reply, server } = ctx;
  const options = { redirect: 0, isBroadcast: false, optIn: false, optOut: false, noLoop: false };
  const prefixes: string[] = [];
  for (let i = 3; i < request.argc; i++) {
    const hasMore = i + 1 < request.argc;
    if (hasMore && isWord(request, i, "redirect")) {
      if (options.redirect !== 0) {
        reply.error(REDIRECTED_TWICE);
        return undefined;
      }
      options.redirect = longOrReply(ctx, ++i);
      if (Number.isNaN(options.redirect)) return undefined;
      if (server.client(options.redirect) === undefined) {
        reply.error(REDIRECTION_WITHOUT_CLIENT);
        return undefined;
      }
    } else if (isWord(request, i, "bcast")) options.isBroadcast = true;
    else if (isWord(request, i, "optin")) options.optIn = true;
    else if (isWord(request, i, "optout")) options.optOut = true;
    else if (isWord(request, i, "noloop")) options.noLoop = true;
    else if (hasMore && isWord(request, i, "prefix")) prefixes.push(request.text(++i));
    else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return { ...options, prefixes };
}

/** Why the options cannot be had together, or by a client that tracks in the `present` way. */
function conflictOf(options: TrackingOptions, present: ClientTracking | undefined): string | undefined {
  const { isBroadcast, optIn, optOut, prefixes } = options;
  if (!isBroadcast && prefixes.length > 0) return PREFIX_WITHOUT_BCAST;
  if (present !== undefined && present.isBroadcast !== isBroadcast) return CANNOT_SWITCH_BCAST;
  if (isBroadcast && (optIn || optOut)) return BCAST_WITH_OPTIONS;
  if (optIn && optOut) return OPTIN_AND_OPTOUT;
  if ((optIn && present?.optOut === true) || (optOut && present?.optIn === true))
    return CANNOT_SWITCH_OPTIONS;
  return overlapOf(prefixes, present?.prefixes ?? []);
}

/** A changed key must be told to a client once only. */
function overlapOf(prefixes: readonly string[], existing: readonly string[]): string | undefined {
  for (const [i, prefix] of prefixes.entries()) {
    const known = existing.find((other) => overlaps(prefix, other));
    if (known !== undefined) return prefixesOverlap(cText(prefix), cText(known), true);
    const given = prefixes.slice(i + 1).find((other) => overlaps(prefix, other));
    if (given !== undefined) return prefixesOverlap(cText(prefix), cText(given), false);
  }
  return undefined;
}

function overlaps(first: string, second: string): boolean {
  return first.startsWith(second) || second.startsWith(first);
}

/** A text as C's "%s" prints it. */
function cText(text: string): string {
  return text.split("\0", 1)[0];
}

const caching = defineCommand({
  name: "caching",
  group: "connection",
  since: "6.0.0",
  summary: "Says whether the keys of the next command are tracked",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  run({ request, reply, client }) {
    const present = client.tracking;
    if (present === undefined) return reply.error(CACHING_WITHOUT_TRACKING);
    if (isWord(request, 2, "yes")) {
      if (!present.optIn) return reply.error(CACHING_YES_WITHOUT_OPTIN);
    } else if (isWord(request, 2, "no")) {
      if (!present.optOut) return reply.error(CACHING_NO_WITHOUT_OPTOUT);
    } else {
      return reply.error(SYNTAX_ERROR);
    }
    present.isCachingGiven = true;
    return reply.ok();
  },
});

const getredir = defineCommand({
  name: "getredir",
  group: "connection",
  since: "6.0.0",
  summary: "Tells which client gets the messages of tracking instead of this one",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  run: ({ client, reply }) => reply.integer(client.tracking?.redirect ?? -1),
});

const trackinginfo = defineCommand({
  name: "trackinginfo",
  group: "connection",
  since: "6.2.0",
  summary: "Tells how the connection's keys are tracked",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  keys: [],
  run({ client, reply }) {
    const present = client.tracking;
    const words = wordsOf(present);
    reply.map(3);
    reply.bulkText("flags");
    reply.set(words.length);
    for (const word of words) reply.bulkText(word);
    reply.bulkText("redirect");
    reply.integer(present?.redirect ?? -1);
    reply.bulkText("prefixes");
    const prefixes = present?.prefixes ?? [];
    reply.array(prefixes.length);
    for (const prefix of prefixes) reply.bulk(Buffer.from(prefix, "latin1"));
    return DONE;
  },
});

function wordsOf(present: ClientTracking | undefined): string[] {
  if (present === undefined) return ["off"];
  const { isBroadcast, isCachingGiven, isRedirectBroken, noLoop, optIn, optOut } = present;
  const words = ["on"];
  if (isBroadcast) words.push("bcast");
  if (optIn) words.push("optin");
  if (optIn && isCachingGiven) words.push("caching-yes");
  if (optOut) words.push("optout");
  if (optOut && isCachingGiven) words.push("caching-no");
  if (noLoop) words.push("noloop");
  if (isRedirectBroken) words.push("broken_redirect");
  return words;
}

export const trackingSubcommands: readonly CommandSpec[] = [caching, getredir, tracking, trackinginfo];

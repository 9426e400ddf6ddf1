/**
 * TIER, a command of our own: where keys are, in memory or on disk, and having them moved.
 */
import { globMatch } from "../../base/glob.ts";
import { SYNTAX_ERROR } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { Request } from "../../protocol/request.ts";
import { COLD_TIER_IS_OFF } from "../../protocol/tier-errors.ts";
import { isWord } from "../arguments.ts";
import { type CommandSpec, defineCommand, type KeyArgument, keyAt, unknownKeys } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { helpCommand } from "../help.ts";
import type { KeyChoice, KeyPlace, TierControl } from "../services.ts";

const KEY = 2;
const PATTERN = 3;
/** The version of Redis that these commands go with. */
const SINCE = "7.2.0";

const info = defineCommand({
  name: "info",
  group: "server",
  since: SINCE,
  summary: "Tells what INFO tells of the cold tier",
  complexity: "O(N) in the number of databases",
  arity: 2,
  flags: ["loading", "stale"],
  categories: [],
  keys: [],
  tips: ["nondeterministic_output"],
  run({ reply, server }) {
    const fields = server.tier.info();
    reply.map(fields.length);
    for (const [name, value] of fields) {
      reply.bulkText(name);
      reply.bulkText(String(value));
    }
    return DONE;
  },
});

const explain = defineCommand({
  name: "explain",
  group: "server",
  since: SINCE,
  summary: "Tells where a key is, and what it takes there",
  complexity: "O(1), and a read of the disk if the key has a record",
  arity: 3,
  flags: ["readonly", "noscript", "no_multi"],
  categories: ["keyspace"],
  keys: [keyAt(KEY, "RO")],
  leavesKeysCold: true,
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { client, request, server } = ctx;
    const work = server.tier.explain(client.dbIndex, Buffer.from(request.bytes(KEY)));
    return ctx.suspend(work, replyPlace);
  },
});

function replyPlace({ keyspace, reply }: CommandContext, place: KeyPlace | undefined): Outcome {
  if (place === undefined) return reply.null();
  const { record } = place;
  const fields: readonly (readonly [string, string | number | undefined])[] = [
    ["state", place.isHot ? "hot" : "cold"],
    ["type", place.type],
    ["encoding", place.encoding],
    ["hot-bytes", place.hotBytes],
    ["record", record === undefined ? "none" : record.isCurrent ? "current" : "outdated"],
    ["disk-bytes", record?.recordBytes ?? 0],
    ["raw-bytes", record?.payloadBytes ?? 0],
    ["compression", record?.isCompressed === true ? "lz4" : "none"],
    ["idle-seconds", place.idleSeconds],
    ["frequency", place.frequency],
    ["ttl-ms", place.expireMs === 0 ? -1 : Math.max(0, place.expireMs - keyspace.nowMs)],
    ["pinned", place.isPinned ? 1 : 0],
  ];
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkText(name);
    if (value === undefined) reply.null();
    else if (typeof value === "number") reply.integer(value);
    else reply.bulkText(value);
  }
  return DONE;
}

type Move = "warm" | "demote" | "pin" | "unpin";

/** A subcommand that is about one key, or about all that match a pattern. */
function mover(name: Move, summary: string, complexity: string): CommandSpec {
  return defineCommand({
    name,
    group: "server",
    since: SINCE,
    summary,
    complexity,
    arity: -3,
    // Nothing is changed that a client could read; but it is the operator's business what memory is used for.
    flags: ["admin", "noscript", "no_multi", "no_async_loading"],
    categories: ["keyspace"],
    keys: [unknownKeys("RO")],
    keysOf: chosenKeys,
    leavesKeysCold: true,
    run(ctx) {
      const { client, reply, request, server } = ctx;
      const choice = choiceOf(request);
      if (choice === undefined) return reply.error(SYNTAX_ERROR);
      const { tier }: { readonly tier: TierControl } = server;
      if (!tier.isOn) return reply.error(COLD_TIER_IS_OFF);
      return ctx.suspend(tier[name](client.dbIndex, choice), (later, count) => later.reply.integer(count));
    },
  });
}

function chosenKeys(request: Request, nameAt: number): readonly KeyArgument[] {
  return request.argc - nameAt === KEY + 1 ? [{ position: nameAt + KEY, flags: ["RO"] }] : [];
}

function choiceOf(request: Request): KeyChoice | undefined {
  if (request.argc === KEY + 1) return { kind: "key", key: Buffer.from(request.bytes(KEY)) };
  if (request.argc !== PATTERN + 1 || !isWord(request, KEY, "match")) return undefined;
  const pattern = Buffer.from(request.bytes(PATTERN));
  return { kind: "match", pattern, matches: (key) => globMatch(pattern, key) };
}

const warm = mover(
  "warm",
  "Brings keys into memory, as far as there is room",
  "O(N) in the number of keys brought, and of all keys with MATCH",
);
const demote = mover(
  "demote",
  "Moves keys out of memory",
  "O(N) in the number of keys moved, and of all keys with MATCH",
);
const pin = mover(
  "pin",
  "Brings keys into memory, and keeps them there",
  "O(N) in the number of keys pinned, and of all keys with MATCH",
);
const unpin = mover(
  "unpin",
  "Lets pinned keys leave memory again",
  "O(1); with MATCH O(N) in the number of pinned keys",
);

const help = helpCommand("tier", { group: "server", since: SINCE, categories: [] }, [
  "INFO",
  "    What INFO tells of the cold tier.",
  "EXPLAIN <key>",
  "    Where a key is, how much it takes in memory and on disk, and when it was used. It stays where it is.",
  "WARM (<key>|MATCH <pattern>)",
  "    Bring keys into memory, those that match as long as there is room. Returns how many came.",
  "DEMOTE (<key>|MATCH <pattern>)",
  "    Move keys out of memory. Returns how many left.",
  "PIN (<key>|MATCH <pattern>)",
  "    Keep keys in memory, under these names, until UNPIN, FLUSHDB or the end of the server. Returns how many were",
  "    not pinned before.",
  "UNPIN (<key>|MATCH <pattern>)",
  "    Let pinned keys leave memory again. Returns how many were pinned.",
]);

const tier = defineCommand({
  name: "tier",
  group: "server",
  since: SINCE,
  summary: "Container of commands about the cold tier",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [demote, explain, help, info, pin, unpin, warm],
});

export const tierCommands: readonly CommandSpec[] = [tier];

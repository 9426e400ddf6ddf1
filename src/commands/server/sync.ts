/**
 * SYNC, PSYNC and REPLCONF: how a client becomes a replica, and what it tells then. None of them has a reply once the
 * client is one.
 */
import { SYNTAX_ERROR } from "../../protocol/errors.ts";
import { splitArguments } from "../../protocol/inline.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import {
  ipAddressTooLong,
  MISSING_RDB_FILTER,
  PSYNC_FAILOVER_TO_MASTER,
  unknownReplconfOption,
  unsupportedRdbFilter,
} from "../../protocol/replication-errors.ts";
import { isWord, longOrReply, rangeOrReply, textForError } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { newReplicaTraits, type ReplicaTraits, type ResumeRequest } from "../replication-access.ts";

/** Bytes of the longest address that a replica may give itself. */
const MAX_ADDRESS_BYTES = 255;

export const sync = defineCommand({
  name: "sync",
  group: "server",
  since: "1.0.0",
  summary: "Makes the connection a replica's: a snapshot, then all changes",
  complexity: "O(N) in the number of keys",
  arity: 1,
  flags: ["no_async_loading", "admin", "no_multi", "noscript"],
  categories: [],
  keys: [],
  run: (ctx) => attach(ctx, () => undefined),
});

export const psync = defineCommand({
  name: "psync",
  group: "server",
  since: "2.8.0",
  summary: "As SYNC, from where the replica was if possible",
  complexity: "O(N) in the number of keys, or in what the replica has missed",
  arity: -3,
  flags: ["no_async_loading", "admin", "no_multi", "noscript"],
  categories: [],
  keys: [],
  run(ctx) {
    const { request } = ctx;
    if (!isAttached(ctx) && request.argc > 3 && isWord(request, 3, "failover")) {
      return ctx.reply.error(PSYNC_FAILOVER_TO_MASTER);
    }
    return attach(ctx, () => {
      const nextByte = longOrReply(ctx, 2);
      return Number.isNaN(nextByte) ? "replied" : { streamId: request.text(1), nextByte };
    });
  },
});

/** What a client that is shown all commands gets does not go together with a replica's. */
function isAttached({ client }: CommandContext): boolean {
  return client.isReplica || client.isMonitor;
}

function attach(ctx: CommandContext, wishOf: () => ResumeRequest | undefined | "replied"): Outcome {
  const { client, reply, server } = ctx;
  if (isAttached(ctx)) return DONE;
  const refusal = server.replication.refusalOf(client);
  if (refusal !== undefined) return reply.error(refusal);
  const wish = wishOf();
  if (wish !== "replied") server.replication.attach(client, wish);
  return DONE;
}

export const replconf = defineCommand({
  name: "replconf",
  group: "server",
  since: "3.0.0",
  summary: "What replica and master tell each other about the stream",
  complexity: "O(1)",
  arity: -1,
  flags: ["admin", "noscript", "loading", "stale", "allow_busy"],
  categories: [],
  keys: [],
  run(ctx) {
    const { request, reply } = ctx;
    if (request.argc % 2 === 0) return reply.error(SYNTAX_ERROR);
    for (let i = 1; i < request.argc; i += 2) {
      if (isWord(request, i, "ack")) return acknowledge(ctx, i);
      // What a master asks; a master knows nothing to answer.
      if (isWord(request, i, "getack")) return DONE;
      if (!setTrait(ctx, i)) return DONE;
    }
    return reply.ok();
  },
});

/** REPLCONF ACK offset [FACK offset]: is never answered. */
function acknowledge({ client, request, server }: CommandContext, i: number): Outcome {
  if (!client.isReplica) return DONE;
  const offset = Number(request.text(i + 1));
  if (!Number.isSafeInteger(offset)) return DONE;
  const hasDisk = i + 3 < request.argc && isWord(request, i + 2, "fack");
  const onDisk = hasDisk ? Number(request.text(i + 3)) : Number.NaN;
  server.replication.acknowledge(client, offset, Number.isSafeInteger(onDisk) ? onDisk : undefined);
  return DONE;
}

/** The option in argument i, with its value behind it; false after an error reply. */
function setTrait(ctx: CommandContext, i: number): boolean {
  const { client, reply, request } = ctx;
  const traits = (client.replicaTraits ??= newReplicaTraits());
  if (isWord(request, i, "listening-port")) {
    const port = longOrReply(ctx, i + 1);
    if (Number.isNaN(port)) return false;
    traits.listeningPort = port;
  } else if (isWord(request, i, "ip-address")) {
    if (request.len[i + 1] > MAX_ADDRESS_BYTES) {
      reply.error(ipAddressTooLong(request.len[i + 1]));
      return false;
    }
    traits.announcedAddress = request.text(i + 1);
  } else if (isWord(request, i, "capa")) {
    // Others are of later versions.
    if (isWord(request, i + 1, "eof")) traits.hasEof = true;
    else if (isWord(request, i + 1, "psync2")) traits.hasPsync2 = true;
  } else if (isWord(request, i, "rdb-only")) {
    const value = rangeOrReply(ctx, i + 1, 0, 1);
    if (Number.isNaN(value)) return false;
    traits.isSnapshotOnly = value === 1;
  } else if (isWord(request, i, "rdb-filter-only")) {
    return setFilter(ctx, i + 1, traits);
  } else {
    reply.error(unknownReplconfOption(textForError(request, i)));
    return false;
  }
  return true;
}

/** The parts of a snapshot that the client wants; false after an error reply. */
function setFilter({ reply, request }: CommandContext, i: number, traits: ReplicaTraits): boolean {
  const parts = splitArguments(request.bytes(i))?.map((part) => part.toString("latin1"));
  if (parts === undefined) {
    reply.error(MISSING_RDB_FILTER);
    return false;
  }
  traits.withoutData = true;
  traits.withoutFunctions = true;
  for (const part of parts) {
    if (part.toLowerCase() !== "functions") {
      reply.error(unsupportedRdbFilter(part));
      return false;
    }
    traits.withoutFunctions = false;
  }
  return true;
}

/**
 * The simplest commands of a connection: PING, ECHO, SELECT, QUIT, RESET.
 */
import { DB_INDEX_OUT_OF_RANGE, wrongArity } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { intOrReply } from "../arguments.ts";
import { defineCommand } from "../command.ts";

export const ping = defineCommand({
  name: "ping",
  group: "connection",
  since: "1.0.0",
  summary: "Answers PONG, or the given message",
  complexity: "O(1)",
  arity: -1,
  flags: ["fast"],
  categories: ["connection"],
  keys: [],
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  isForSubscribers: true,
  run({ client, request, reply }) {
    if (request.argc > 2) return reply.error(wrongArity("ping"));
    if (client.isSubscribed && client.resp === 2) {
      // What such a client reads are messages, and this looks like one.
      reply.array(2);
      reply.bulkText("pong");
      const length = request.argc === 1 ? 0 : request.len[1];
      return reply.bulkRange(request.buf, request.start[1], length);
    }
    if (request.argc === 1) return reply.simple("PONG");
    return reply.bulkRange(request.buf, request.start[1], request.len[1]);
  },
});

export const echo = defineCommand({
  name: "echo",
  group: "connection",
  since: "1.0.0",
  summary: "Answers the given message",
  complexity: "O(1)",
  arity: 2,
  flags: ["loading", "stale", "fast"],
  categories: ["connection"],
  keys: [],
  run: ({ request, reply }) => reply.bulkRange(request.buf, request.start[1], request.len[1]),
});

export const select = defineCommand({
  name: "select",
  group: "connection",
  since: "1.0.0",
  summary: "Selects the database of the connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["loading", "stale", "fast"],
  categories: ["connection"],
  keys: [],
  run(ctx) {
    const index = intOrReply(ctx, 1);
    if (Number.isNaN(index)) return DONE;
    if (index < 0 || index >= ctx.keyspace.databases.length) return ctx.reply.error(DB_INDEX_OUT_OF_RANGE);
    ctx.client.dbIndex = index;
    return ctx.reply.ok();
  },
});

export const quit = defineCommand({
  name: "quit",
  group: "connection",
  since: "1.0.0",
  summary: "Closes the connection",
  complexity: "O(1)",
  arity: -1,
  flags: ["allow_busy", "noscript", "loading", "stale", "fast", "no_auth"],
  categories: ["connection"],
  keys: [],
  isForSubscribers: true,
  isNeverQueued: true,
  run({ client, reply }) {
    reply.ok();
    client.closeAfterReply();
    return DONE;
  },
});

export const reset = defineCommand({
  name: "reset",
  group: "connection",
  since: "6.2.0",
  summary: "Puts the connection into the state it began in",
  complexity: "O(1)",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  categories: ["connection"],
  keys: [],
  isForSubscribers: true,
  isNeverQueued: true,
  run({ client, pubsub, reply, server, transactions }) {
    transactions.discard();
    if (client.isMonitor) server.monitors.remove(client);
    pubsub.forget();
    server.tracking.disable(client);
    client.dbIndex = 0;
    client.resp = 2;
    reply.resp = 2;
    server.access.reset();
    client.name = "";
    // As in Redis, the answer that was to be skipped is still this one.
    if (client.replyMode !== "skip") client.replyMode = "on";
    client.noTouch = false;
    return reply.simple("RESET");
  },
});

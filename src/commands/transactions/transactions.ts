/**
 * MULTI, EXEC, DISCARD, WATCH, UNWATCH: what they answer. Queueing and executing is the server's (TransactionControl).
 */
import {
  DISCARD_WITHOUT_MULTI,
  EXEC_WITHOUT_MULTI,
  NESTED_MULTI,
  WATCH_INSIDE_MULTI,
} from "../../protocol/errors.ts";
import { defineCommand, keysFrom } from "../command.ts";

const facts = { group: "transactions", since: "2.2.0", categories: ["transaction"], keys: [] } as const;

export const multi = defineCommand({
  ...facts,
  name: "multi",
  since: "1.2.0",
  summary: "Begins a transaction: commands are queued",
  complexity: "O(1)",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
  isNeverQueued: true,
  run({ client, reply, transactions }) {
    if (client.queuedCommands >= 0) return reply.error(NESTED_MULTI);
    transactions.begin();
    return reply.ok();
  },
});

export const exec = defineCommand({
  ...facts,
  name: "exec",
  since: "1.2.0",
  summary: "Executes the queued commands in one piece",
  complexity: "That of the commands",
  arity: 1,
  flags: ["noscript", "loading", "stale", "skip_slowlog"],
  isNeverQueued: true,
  run({ client, reply, transactions }) {
    return client.queuedCommands >= 0 ? transactions.execute() : reply.error(EXEC_WITHOUT_MULTI);
  },
});

export const discard = defineCommand({
  ...facts,
  name: "discard",
  since: "2.0.0",
  summary: "Forgets the queued commands, and the watched keys",
  complexity: "O(N) in the number of queued commands",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
  isNeverQueued: true,
  run({ client, reply, transactions }) {
    if (client.queuedCommands < 0) return reply.error(DISCARD_WITHOUT_MULTI);
    transactions.discard();
    return reply.ok();
  },
});

export const watch = defineCommand({
  ...facts,
  name: "watch",
  summary: "Has the next EXEC fail if one of the keys is changed before",
  complexity: "O(N) in the number of keys watched",
  arity: -2,
  flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
  keys: [keysFrom(1, 1, "RO")],
  isNeverQueued: true,
  run({ client, reply, request, transactions }) {
    if (client.queuedCommands >= 0) return reply.error(WATCH_INSIDE_MULTI);
    // After a change there is nothing more to find out.
    for (let i = 1; i < request.argc && !client.hasLostWatch; i++) transactions.watch(i);
    return reply.ok();
  },
});

export const unwatch = defineCommand({
  ...facts,
  name: "unwatch",
  summary: "Forgets the watched keys",
  complexity: "O(N) in the number of keys watched",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast", "allow_busy"],
  run({ reply, transactions }) {
    transactions.unwatch();
    return reply.ok();
  },
});

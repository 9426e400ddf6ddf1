/**
 * MONITOR: shows all commands as they are executed.
 */
import { MONITOR_IN_TRANSACTION } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { defineCommand } from "../command.ts";

export const monitor = defineCommand({
  name: "monitor",
  group: "server",
  since: "1.0.0",
  summary: "Shows all commands that the server executes from now on",
  complexity: "O(1), and then a line for each command",
  arity: 1,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: [],
  keys: [],
  run({ client, reply, server }) {
    // What it is shown would stand amid the replies of the transaction.
    if (client.isExecuting) return reply.error(MONITOR_IN_TRANSACTION);
    if (client.isMonitor || client.isReplica) return DONE;
    server.monitors.add(client);
    return reply.ok();
  },
});

/**
 * The commands of a cluster's clients that a server outside of one knows, too: it refuses them.
 */
import { NO_CLUSTER } from "../../protocol/errors.ts";
import { type CommandFlag, type CommandSpec, defineCommand } from "../command.ts";

import { cluster } from "./cluster.ts";

function refused(name: string, summary: string, flags: readonly CommandFlag[] = []): CommandSpec {
  return defineCommand({
    name,
    group: "cluster",
    since: "3.0.0",
    summary,
    complexity: "O(1)",
    arity: 1,
    flags: ["fast", ...flags],
    categories: ["connection"],
    keys: [],
    run: ({ reply }) => reply.error(NO_CLUSTER),
  });
}

export const clusterCommands: readonly CommandSpec[] = [
  refused("asking", "Says that a slot which is just being moved is meant"),
  cluster,
  refused("readonly", "Allows reading from a replica of a cluster", ["loading", "stale"]),
  refused("readwrite", "Takes READONLY back", ["loading", "stale"]),
];

/**
 * CLUSTER, as Redis has it without cluster support: its subcommands are known, and refused.
 */
import { NO_CLUSTER } from "../../protocol/errors.ts";
import { type CommandFlag, defineCommand, type Handler } from "../command.ts";

const refuse: Handler = ({ reply }) => reply.error(NO_CLUSTER);

const ADMIN: readonly CommandFlag[] = ["admin", "stale"];
const CHANGE: readonly CommandFlag[] = ["no_async_loading", "admin", "stale"];
const READ: readonly CommandFlag[] = ["stale"];
const ANY_OUTPUT = ["nondeterministic_output"];

/** Name, arity, version of Redis, flags, summary, and tips of each subcommand. */
type Row = readonly [string, number, string, readonly CommandFlag[], string, (readonly string[])?];

const ROWS: readonly Row[] = [
  ["addslots", -3, "3.0.0", CHANGE, "Gives slots to the node"],
  ["addslotsrange", -4, "7.0.0", CHANGE, "Gives ranges of slots to the node"],
  ["bumpepoch", 2, "3.0.0", CHANGE, "Raises the configuration epoch", ANY_OUTPUT],
  ["count-failure-reports", 3, "3.0.0", ADMIN, "Counts failure reports about a node", ANY_OUTPUT],
  ["countkeysinslot", 3, "3.0.0", READ, "Counts the keys of a slot"],
  ["delslots", -3, "3.0.0", CHANGE, "Takes slots from the node"],
  ["delslotsrange", -4, "7.0.0", CHANGE, "Takes ranges of slots from the node"],
  ["failover", -2, "3.0.0", CHANGE, "Makes a replica the master of its group"],
  ["flushslots", 2, "3.0.0", CHANGE, "Takes all slots from the node"],
  ["forget", 3, "3.0.0", CHANGE, "Removes a node from the table of nodes"],
  ["getkeysinslot", 4, "3.0.0", READ, "Lists keys of a slot", ANY_OUTPUT],
  ["help", 2, "5.0.0", ["loading", "stale"], "Explains the subcommands"],
  ["info", 2, "3.0.0", READ, "Tells the state of the cluster", ANY_OUTPUT],
  ["keyslot", 3, "3.0.0", READ, "Tells the slot of a key"],
  ["links", 2, "7.0.0", READ, "Lists the links to other nodes", ANY_OUTPUT],
  ["meet", -4, "3.0.0", CHANGE, "Joins with another node"],
  ["myid", 2, "3.0.0", READ, "Tells the id of the node"],
  ["nodes", 2, "3.0.0", READ, "Lists the nodes", ANY_OUTPUT],
  ["replicas", 3, "5.0.0", ADMIN, "Lists the replicas of a master", ANY_OUTPUT],
  ["replicate", 3, "3.0.0", CHANGE, "Makes the node a replica"],
  ["reset", -2, "3.0.0", ["admin", "stale", "noscript"], "Makes the node forget the cluster"],
  ["saveconfig", 2, "3.0.0", CHANGE, "Saves the state of the cluster to disk"],
  ["set-config-epoch", 3, "3.0.0", CHANGE, "Sets the configuration epoch of a new node"],
  ["setslot", -4, "3.0.0", CHANGE, "Binds a slot to a node"],
  ["shards", 2, "7.0.0", READ, "Lists the groups of nodes, and their slots", ANY_OUTPUT],
  ["slaves", 3, "3.0.0", ADMIN, "Lists the replicas of a master", ANY_OUTPUT],
  ["slots", 2, "3.0.0", READ, "Lists slots, and their nodes", ANY_OUTPUT],
];

export const cluster = defineCommand({
  name: "cluster",
  group: "cluster",
  since: "3.0.0",
  summary: "Container of commands about Redis Cluster",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: ROWS.map(([name, arity, since, flags, summary, tips = []]) =>
    defineCommand({
      name,
      group: "cluster",
      since,
      summary,
      complexity: "O(1)",
      arity,
      flags,
      categories: [],
      keys: [],
      tips,
      run: refuse,
    }),
  ),
});

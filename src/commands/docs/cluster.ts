/**
 * Commands of the group "cluster" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const clusterDocumentation: DocumentationTable = {
  "cluster|addslots": { arguments: "slot:integer*" },
  "cluster|addslotsrange": { arguments: "start-slot_end-slot:(start-slot:integer end-slot:integer)*" },
  "cluster|count-failure-reports": { arguments: "node-id:string" },
  "cluster|countkeysinslot": { arguments: "slot:integer" },
  "cluster|delslots": { arguments: "slot:integer*" },
  "cluster|delslotsrange": { arguments: "start-slot_end-slot:(start-slot:integer end-slot:integer)*" },
  "cluster|failover": { arguments: "options:{force='FORCE' takeover='TAKEOVER'}?" },
  "cluster|forget": { arguments: "node-id:string" },
  "cluster|getkeysinslot": { arguments: "slot:integer count:integer" },
  "cluster|keyslot": { arguments: "key:string" },
  "cluster|meet": {
    arguments: "ip:string port:integer cluster_bus_port:integer?>4.0.0",
    history: [["4.0.0", "New: `cluster_bus_port`"]],
  },
  "cluster|replicas": { arguments: "node-id:string" },
  "cluster|replicate": { arguments: "node-id:string" },
  "cluster|reset": { arguments: "hard_soft:{hard='HARD' soft='SOFT'}?" },
  "cluster|set-config-epoch": { arguments: "config-epoch:integer" },
  "cluster|setslot": {
    arguments:
      "slot:integer subcommand:{'IMPORTING' node-id:string 'MIGRATING' node-id:string 'NODE' node-id:string stable='STABLE'}",
  },
  "cluster|slaves": {
    arguments: "node-id:string",
    flags: ["deprecated"],
    deprecatedSince: "5.0.0",
    replacedBy: "`CLUSTER REPLICAS`",
  },
  "cluster|slots": {
    history: [
      ["4.0.0", "New: node IDs"],
      ["7.0.0", "New: additional networking metadata"],
    ],
    flags: ["deprecated"],
    deprecatedSince: "7.0.0",
    replacedBy: "`CLUSTER SHARDS`",
  },
};

/**
 * Commands of the group "pubsub" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const pubsubDocumentation: DocumentationTable = {
  publish: { arguments: "channel:string message:string" },
  "pubsub|channels": { arguments: "pattern:pattern?" },
  "pubsub|numsub": { arguments: "channel:string?*" },
  "pubsub|shardchannels": { arguments: "pattern:pattern?" },
  "pubsub|shardnumsub": { arguments: "shardchannel:string?*" },
  spublish: { arguments: "shardchannel:string message:string" },
  subscribe: { arguments: "channel:string*" },
  unsubscribe: { arguments: "channel:string?*" },
  psubscribe: { arguments: "pattern:(pattern:pattern)*" },
  punsubscribe: { arguments: "pattern:pattern?*" },
  ssubscribe: { arguments: "shardchannel:string*" },
  sunsubscribe: { arguments: "shardchannel:string?*" },
};

/**
 * Commands of the group "server" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const serverDocumentation: DocumentationTable = {
  "memory|usage": { arguments: "key:key@0 'SAMPLES' count:integer?" },
  "restore-asking": {
    arguments:
      "key:key@0 ttl:integer serialized-value:string replace='REPLACE'?>3.0.0 absttl='ABSTTL'?>5.0.0 'IDLETIME' seconds:integer?>5.0.0 'FREQ' frequency:integer?>5.0.0",
    history: [
      ["3.0.0", "New: `REPLACE`"],
      ["5.0.0", "New: `ABSTTL`"],
      ["5.0.0", "New: `IDLETIME` and `FREQ`"],
    ],
    flags: ["syscmd"],
  },
  "acl|cat": { arguments: "categoryname:string?" },
  "acl|dryrun": { arguments: "username:string command:string arg:string?*" },
  "acl|genpass": { arguments: "bits:integer?" },
  "acl|log": { arguments: "operation:{count:integer reset='RESET'}?" },
  "acl|deluser": { arguments: "username:string*" },
  "acl|getuser": {
    arguments: "username:string",
    history: [
      ["6.2.0", "New: Pub/Sub channel patterns"],
      ["7.0.0", "New: selectors; patterns are shown as rules"],
    ],
  },
  "acl|setuser": {
    arguments: "username:string rule:string?*",
    history: [
      ["6.2.0", "New: Pub/Sub channel patterns"],
      ["7.0.0", "New: selectors and key based permissions"],
    ],
  },
  bgsave: { arguments: "schedule='SCHEDULE'?>3.2.2", history: [["3.2.2", "New: `SCHEDULE`"]] },
  "command|docs": { arguments: "command-name:string?*" },
  "command|info": {
    arguments: "command-name:string?*",
    history: [["7.0.0", "Without arguments it describes all commands"]],
  },
  "command|list": {
    arguments:
      "'FILTERBY' filterby:{'MODULE' module-name:string 'ACLCAT' category:string 'PATTERN' pattern:pattern}?",
  },
  "config|get": {
    arguments: "parameter:(parameter:string)*",
    history: [["7.0.0", "Several patterns at a time"]],
  },
  "config|set": {
    arguments: "parameter_value:(parameter:string value:string)*",
    history: [["7.0.0", "Several directives at a time"]],
  },
  debug: { flags: ["syscmd"] },
  failover: {
    arguments:
      "'TO' target:(host:string port:integer force='FORCE'?)? abort='ABORT'? 'TIMEOUT' milliseconds:integer?",
  },
  flushall: {
    arguments: "async:{async='ASYNC'>4.0.0 sync='SYNC'>6.2.0}?",
    history: [
      ["4.0.0", "New: `ASYNC`"],
      ["6.2.0", "New: `SYNC`"],
    ],
  },
  flushdb: {
    arguments: "async:{async='ASYNC'>4.0.0 sync='SYNC'>6.2.0}?",
    history: [
      ["4.0.0", "New: `ASYNC`"],
      ["6.2.0", "New: `SYNC`"],
    ],
  },
  info: { arguments: "section:string?*", history: [["7.0.0", "Several sections at a time"]] },
  "latency|graph": { arguments: "event:string" },
  "latency|histogram": { arguments: "command:string?*" },
  "latency|history": { arguments: "event:string" },
  "latency|reset": { arguments: "event:string?*" },
  lolwut: { arguments: "'VERSION' version:integer?" },
  psync: { arguments: "replicationid:string offset:integer" },
  replconf: { flags: ["syscmd"] },
  replicaof: { arguments: "args:{host-port:(host:string port:integer) no-one:(no='NO' one='ONE')}" },
  shutdown: {
    arguments:
      "nosave_save:{nosave='NOSAVE' save='SAVE'}? now='NOW'?>7.0.0 force='FORCE'?>7.0.0 abort='ABORT'?>7.0.0",
    history: [["7.0.0", "New: `NOW`, `FORCE` and `ABORT`"]],
  },
  slaveof: {
    arguments: "args:{host-port:(host:string port:integer) no-one:(no='NO' one='ONE')}",
    flags: ["deprecated"],
    deprecatedSince: "5.0.0",
    replacedBy: "`REPLICAOF`",
  },
  "slowlog|get": {
    arguments: "count:integer?",
    history: [["4.0.0", "New: client IP address, port and name to the reply"]],
  },
  swapdb: { arguments: "index1:integer index2:integer" },
  "tier|demote": { arguments: "choice:{key:key@0 'MATCH' pattern:pattern}" },
  "tier|explain": { arguments: "key:key@0" },
  "tier|pin": { arguments: "choice:{key:key@0 'MATCH' pattern:pattern}" },
  "tier|unpin": { arguments: "choice:{key:key@0 'MATCH' pattern:pattern}" },
  "tier|warm": { arguments: "choice:{key:key@0 'MATCH' pattern:pattern}" },
};

/**
 * Commands of the group "stream" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const streamDocumentation: DocumentationTable = {
  xadd: {
    arguments:
      "key:key@0 nomkstream='NOMKSTREAM'?>6.2.0 trim:(strategy:{maxlen='MAXLEN' minid='MINID'>6.2.0} operator:{equal='=' approximately='~'}? threshold:string 'LIMIT' count:integer?>6.2.0)? id_or_auto:{auto_id='*' id:string} field_value:(field:string value:string)*",
    history: [
      ["6.2.0", "New: `NOMKSTREAM`, `MINID` trimming strategy and the `LIMIT`"],
      ["7.0.0", "Ids of the form `<ms>-*`"],
    ],
  },
  xlen: { arguments: "key:key@0" },
  xrange: {
    arguments: "key:key@0 start:string end:string 'COUNT' count:integer?",
    history: [["6.2.0", "Exclusive ranges"]],
  },
  xrevrange: {
    arguments: "key:key@0 end:string start:string 'COUNT' count:integer?",
    history: [["6.2.0", "Exclusive ranges"]],
  },
  xdel: { arguments: "key:key@0 id:string*" },
  xtrim: {
    arguments:
      "key:key@0 trim:(strategy:{maxlen='MAXLEN' minid='MINID'>6.2.0} operator:{equal='=' approximately='~'}? threshold:string 'LIMIT' count:integer?>6.2.0)",
    history: [["6.2.0", "New: `MINID` trimming strategy and the `LIMIT`"]],
  },
  xsetid: {
    arguments:
      "key:key@0 last-id:string 'ENTRIESADDED' entries_added:integer?>7.0.0 'MAXDELETEDID' max_deleted_entry_id:string?>7.0.0",
    history: [["7.0.0", "New: `entries_added` and `max_deleted_entry_id`"]],
  },
  "xinfo|stream": {
    arguments: "key:key@0 'FULL' full:('COUNT' count:integer?)?",
    history: [
      ["6.0.0", "New: `FULL`"],
      [
        "7.0.0",
        "New: `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag`",
      ],
    ],
  },
  "xinfo|groups": { arguments: "key:key@0", history: [["7.0.0", "New: `entries-read` and `lag`"]] },
  "xinfo|consumers": { arguments: "key:key@0 groupname:string" },
  xread: {
    arguments:
      "'COUNT' count:integer? 'BLOCK' milliseconds:integer? 'STREAMS' streams:(key:key@0* id:string*)",
  },
  xreadgroup: {
    arguments:
      "'GROUP' group_consumer:(group:string consumer:string) 'COUNT' count:integer? 'BLOCK' milliseconds:integer? noack='NOACK'? 'STREAMS' streams:(key:key@0* id:string*)",
  },
  "xgroup|create": {
    arguments:
      "key:key@0 groupname:string id:{id:string new_id='$'} mkstream='MKSTREAM'? 'ENTRIESREAD' entries_read:integer?",
    history: [["7.0.0", "New: `entries_read`"]],
  },
  "xgroup|setid": {
    arguments: "key:key@0 groupname:string id:{id:string new_id='$'} 'ENTRIESREAD' entries_read:integer?",
    history: [["7.0.0", "New: `entries_read`"]],
  },
  "xgroup|destroy": { arguments: "key:key@0 groupname:string" },
  "xgroup|createconsumer": { arguments: "key:key@0 groupname:string consumername:string" },
  "xgroup|delconsumer": { arguments: "key:key@0 groupname:string consumername:string" },
  xack: { arguments: "key:key@0 group:string id:string*" },
  xpending: {
    arguments:
      "key:key@0 group:string filters:('IDLE' min-idle-time:integer?>6.2.0 start:string end:string count:integer consumer:string?)?",
    history: [["6.2.0", "New: `IDLE` and exclusive range intervals"]],
  },
  xclaim: {
    arguments:
      "key:key@0 group:string consumer:string min-idle-time:string id:string* 'IDLE' ms:integer? 'TIME' unix-time-milliseconds:unix-time? 'RETRYCOUNT' count:integer? force='FORCE'? justid='JUSTID'? 'LASTID' id:string?",
  },
  xautoclaim: {
    arguments:
      "key:key@0 group:string consumer:string min-idle-time:string start:string 'COUNT' count:integer? justid='JUSTID'?",
    history: [["7.0.0", "The reply also has deleted entries that were pending"]],
  },
};

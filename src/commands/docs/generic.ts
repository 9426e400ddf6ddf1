/**
 * Commands of the group "generic" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const genericDocumentation: DocumentationTable = {
  copy: { arguments: "source:key@0 destination:key@1 'DB' destination-db:integer? replace='REPLACE'?" },
  del: { arguments: "key:key@0*" },
  dump: { arguments: "key:key@0" },
  exists: { arguments: "key:key@0*", history: [["3.0.3", "Several `key` at a time"]] },
  expire: {
    arguments: "key:key@0 seconds:integer condition:{nx='NX' xx='XX' gt='GT' lt='LT'}?>7.0.0",
    history: [["7.0.0", "New: `NX`, `XX`, `GT` and `LT`"]],
  },
  expireat: {
    arguments: "key:key@0 unix-time-seconds:unix-time condition:{nx='NX' xx='XX' gt='GT' lt='LT'}?>7.0.0",
    history: [["7.0.0", "New: `NX`, `XX`, `GT` and `LT`"]],
  },
  expiretime: { arguments: "key:key@0" },
  keys: { arguments: "pattern:pattern" },
  migrate: {
    arguments:
      "host:string port:integer key_or_empty_string:{key:key@0 empty_string=''} destination-db:integer timeout:integer copy='COPY'?>3.0.0 replace='REPLACE'?>3.0.0 authentication:{'AUTH' password:string?>4.0.7 'AUTH2' username_password:(username:string password:string)?>6.0.0}? 'KEYS' key:key@1?*>3.0.6",
    history: [
      ["3.0.0", "New: `COPY` and `REPLACE`"],
      ["3.0.6", "New: `KEYS`"],
      ["4.0.7", "New: `AUTH`"],
      ["6.0.0", "New: `AUTH2`"],
    ],
  },
  move: { arguments: "key:key@0 db:integer" },
  "object|encoding": { arguments: "key:key@0" },
  "object|freq": { arguments: "key:key@0" },
  "object|idletime": { arguments: "key:key@0" },
  "object|refcount": { arguments: "key:key@0" },
  persist: { arguments: "key:key@0" },
  pexpire: {
    arguments: "key:key@0 milliseconds:integer condition:{nx='NX' xx='XX' gt='GT' lt='LT'}?>7.0.0",
    history: [["7.0.0", "New: `NX`, `XX`, `GT` and `LT`"]],
  },
  pexpireat: {
    arguments:
      "key:key@0 unix-time-milliseconds:unix-time condition:{nx='NX' xx='XX' gt='GT' lt='LT'}?>7.0.0",
    history: [["7.0.0", "New: `NX`, `XX`, `GT` and `LT`"]],
  },
  pexpiretime: { arguments: "key:key@0" },
  pttl: { arguments: "key:key@0", history: [["2.8.0", "-2 for a key that does not exist"]] },
  rename: { arguments: "key:key@0 newkey:key@1" },
  renamenx: {
    arguments: "key:key@0 newkey:key@1",
    history: [["3.2.0", "Equal names are no error any more"]],
  },
  restore: {
    arguments:
      "key:key@0 ttl:integer serialized-value:string replace='REPLACE'?>3.0.0 absttl='ABSTTL'?>5.0.0 'IDLETIME' seconds:integer?>5.0.0 'FREQ' frequency:integer?>5.0.0",
    history: [
      ["3.0.0", "New: `REPLACE`"],
      ["5.0.0", "New: `ABSTTL`"],
      ["5.0.0", "New: `IDLETIME` and `FREQ`"],
    ],
  },
  scan: {
    arguments: "cursor:integer 'MATCH' pattern:pattern? 'COUNT' count:integer? 'TYPE' type:string?>6.0.0",
    history: [["6.0.0", "New: `TYPE`"]],
  },
  sort: {
    arguments:
      "key:key@0 'BY' pattern:pattern@1? 'LIMIT' offset_count:(offset:integer count:integer)? 'GET' pattern:pattern@1?*+ order:{asc='ASC' desc='DESC'}? sorting='ALPHA'? 'STORE' destination:key@2?",
  },
  sort_ro: {
    arguments:
      "key:key@0 'BY' pattern:pattern@1? 'LIMIT' offset_count:(offset:integer count:integer)? 'GET' pattern:pattern@1?*+ order:{asc='ASC' desc='DESC'}? sorting='ALPHA'?",
  },
  touch: { arguments: "key:key@0*" },
  ttl: { arguments: "key:key@0", history: [["2.8.0", "-2 for a key that does not exist"]] },
  type: { arguments: "key:key@0" },
  unlink: { arguments: "key:key@0*" },
  wait: { arguments: "numreplicas:integer timeout:integer" },
  waitaof: { arguments: "numlocal:integer numreplicas:integer timeout:integer" },
};

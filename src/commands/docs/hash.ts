/**
 * Commands of the group "hash" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const hashDocumentation: DocumentationTable = {
  hset: {
    arguments: "key:key@0 field_value:(field:string value:string)*",
    history: [["4.0.0", "Several pairs of `field` and `value` at a time"]],
  },
  hsetnx: { arguments: "key:key@0 field:string value:string" },
  hmset: {
    arguments: "key:key@0 field_value:(field:string value:string)*",
    flags: ["deprecated"],
    deprecatedSince: "4.0.0",
    replacedBy: "`HSET` with multiple field-value pairs",
  },
  hget: { arguments: "key:key@0 field:string" },
  hmget: { arguments: "key:key@0 field:string*" },
  hgetall: { arguments: "key:key@0" },
  hkeys: { arguments: "key:key@0" },
  hvals: { arguments: "key:key@0" },
  hdel: { arguments: "key:key@0 field:string*", history: [["2.4.0", "Several `field` at a time"]] },
  hexists: { arguments: "key:key@0 field:string" },
  hlen: { arguments: "key:key@0" },
  hstrlen: { arguments: "key:key@0 field:string" },
  hincrby: { arguments: "key:key@0 field:string increment:integer" },
  hincrbyfloat: { arguments: "key:key@0 field:string increment:double" },
  hrandfield: { arguments: "key:key@0 options:(count:integer withvalues='WITHVALUES'?)?" },
  hscan: { arguments: "key:key@0 cursor:integer 'MATCH' pattern:pattern? 'COUNT' count:integer?" },
  hexpire: {
    arguments:
      "key:key@0 seconds:integer condition:{nx='NX' xx='XX' gt='GT' lt='LT'}? fields:('FIELDS' numfields:integer field:string*)",
  },
  hpexpire: {
    arguments:
      "key:key@0 milliseconds:integer condition:{nx='NX' xx='XX' gt='GT' lt='LT'}? fields:('FIELDS' numfields:integer field:string*)",
  },
  hexpireat: {
    arguments:
      "key:key@0 unix-time-seconds:unix-time condition:{nx='NX' xx='XX' gt='GT' lt='LT'}? fields:('FIELDS' numfields:integer field:string*)",
  },
  hpexpireat: {
    arguments:
      "key:key@0 unix-time-milliseconds:unix-time condition:{nx='NX' xx='XX' gt='GT' lt='LT'}? fields:('FIELDS' numfields:integer field:string*)",
  },
  hpersist: { arguments: "key:key@0 fields:('FIELDS' numfields:integer field:string*)" },
  httl: { arguments: "key:key@0 fields:('FIELDS' numfields:integer field:string*)" },
  hpttl: { arguments: "key:key@0 fields:('FIELDS' numfields:integer field:string*)" },
  hexpiretime: { arguments: "key:key@0 fields:('FIELDS' numfields:integer field:string*)" },
  hpexpiretime: { arguments: "key:key@0 fields:('FIELDS' numfields:integer field:string*)" },
};

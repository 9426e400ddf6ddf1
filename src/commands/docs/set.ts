/**
 * Commands of the group "set" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const setDocumentation: DocumentationTable = {
  sadd: { arguments: "key:key@0 member:string*", history: [["2.4.0", "Several `member` at a time"]] },
  scard: { arguments: "key:key@0" },
  sdiff: { arguments: "key:key@0*" },
  sdiffstore: { arguments: "destination:key@0 key:key@1*" },
  sinter: { arguments: "key:key@0*" },
  sintercard: { arguments: "numkeys:integer key:key@0* 'LIMIT' limit:integer?" },
  sinterstore: { arguments: "destination:key@0 key:key@1*" },
  sismember: { arguments: "key:key@0 member:string" },
  smembers: { arguments: "key:key@0" },
  smismember: { arguments: "key:key@0 member:string*" },
  smove: { arguments: "source:key@0 destination:key@1 member:string" },
  spop: { arguments: "key:key@0 count:integer?>3.2.0", history: [["3.2.0", "New: `count`"]] },
  srandmember: { arguments: "key:key@0 count:integer?>2.6.0", history: [["2.6.0", "New: `count`"]] },
  srem: { arguments: "key:key@0 member:string*", history: [["2.4.0", "Several `member` at a time"]] },
  sscan: { arguments: "key:key@0 cursor:integer 'MATCH' pattern:pattern? 'COUNT' count:integer?" },
  sunion: { arguments: "key:key@0*" },
  sunionstore: { arguments: "destination:key@0 key:key@1*" },
};

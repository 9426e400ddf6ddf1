/**
 * Commands of the group "sorted-set" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const sortedSetDocumentation: DocumentationTable = {
  zadd: {
    arguments:
      "key:key@0 condition:{nx='NX' xx='XX'}?>3.0.2 comparison:{gt='GT' lt='LT'}?>6.2.0 change='CH'?>3.0.2 increment='INCR'?>3.0.2 score_member:(score:double member:string)*",
    history: [
      ["2.4.0", "Several elements at a time"],
      ["3.0.2", "New: `XX`, `NX`, `CH` and `INCR`"],
      ["6.2.0", "New: `GT` and `LT`"],
    ],
  },
  zincrby: { arguments: "key:key@0 increment:integer member:string" },
  zrem: { arguments: "key:key@0 member:string*", history: [["2.4.0", "Several elements at a time"]] },
  zremrangebyrank: { arguments: "key:key@0 start:integer stop:integer" },
  zremrangebyscore: { arguments: "key:key@0 min:double max:double" },
  zremrangebylex: { arguments: "key:key@0 min:string max:string" },
  zcard: { arguments: "key:key@0" },
  zcount: { arguments: "key:key@0 min:double max:double" },
  zlexcount: { arguments: "key:key@0 min:string max:string" },
  zscore: { arguments: "key:key@0 member:string" },
  zmscore: { arguments: "key:key@0 member:string*" },
  zrank: {
    arguments: "key:key@0 member:string withscore='WITHSCORE'?>7.2.0",
    history: [["7.2.0", "New: `WITHSCORE`"]],
  },
  zrevrank: {
    arguments: "key:key@0 member:string withscore='WITHSCORE'?>7.2.0",
    history: [["7.2.0", "New: `WITHSCORE`"]],
  },
  zrange: {
    arguments:
      "key:key@0 start:string stop:string sortby:{byscore='BYSCORE' bylex='BYLEX'}?>6.2.0 rev='REV'?>6.2.0 'LIMIT' offset_count:(offset:integer count:integer)?>6.2.0 withscores='WITHSCORES'?",
    history: [["6.2.0", "New: `REV`, `BYSCORE`, `BYLEX` and `LIMIT`"]],
  },
  zrevrange: {
    arguments: "key:key@0 start:integer stop:integer withscores='WITHSCORES'?",
    flags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`ZRANGE` with the `REV` argument",
  },
  zrangebyscore: {
    arguments:
      "key:key@0 min:double max:double withscores='WITHSCORES'?>2.0.0 'LIMIT' offset_count:(offset:integer count:integer)?",
    history: [["2.0.0", "New: `WITHSCORES`"]],
    flags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`ZRANGE` with the `BYSCORE` argument",
  },
  zrevrangebyscore: {
    arguments:
      "key:key@0 max:double min:double withscores='WITHSCORES'? 'LIMIT' offset_count:(offset:integer count:integer)?",
    history: [["2.1.6", "Exclusive `min` and `max`"]],
    flags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`ZRANGE` with the `REV` and `BYSCORE` arguments",
  },
  zrangebylex: {
    arguments: "key:key@0 min:string max:string 'LIMIT' offset_count:(offset:integer count:integer)?",
    flags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`ZRANGE` with the `BYLEX` argument",
  },
  zrevrangebylex: {
    arguments: "key:key@0 max:string min:string 'LIMIT' offset_count:(offset:integer count:integer)?",
    flags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`ZRANGE` with the `REV` and `BYLEX` arguments",
  },
  zrangestore: {
    arguments:
      "dst:key@0 src:key@1 min:string max:string sortby:{byscore='BYSCORE' bylex='BYLEX'}? rev='REV'? 'LIMIT' offset_count:(offset:integer count:integer)?",
  },
  zpopmin: { arguments: "key:key@0 count:integer?" },
  zpopmax: { arguments: "key:key@0 count:integer?" },
  zmpop: { arguments: "numkeys:integer key:key@0* where:{min='MIN' max='MAX'} 'COUNT' count:integer?" },
  bzpopmin: { arguments: "key:key@0* timeout:double", history: [["6.0.0", "`timeout` may have a fraction"]] },
  bzpopmax: { arguments: "key:key@0* timeout:double", history: [["6.0.0", "`timeout` may have a fraction"]] },
  bzmpop: {
    arguments: "timeout:double numkeys:integer key:key@0* where:{min='MIN' max='MAX'} 'COUNT' count:integer?",
  },
  zunion: {
    arguments:
      "numkeys:integer key:key@0* 'WEIGHTS' weight:integer?* 'AGGREGATE' aggregate:{sum='SUM' min='MIN' max='MAX'}? withscores='WITHSCORES'?",
  },
  zinter: {
    arguments:
      "numkeys:integer key:key@0* 'WEIGHTS' weight:integer?* 'AGGREGATE' aggregate:{sum='SUM' min='MIN' max='MAX'}? withscores='WITHSCORES'?",
  },
  zdiff: { arguments: "numkeys:integer key:key@0* withscores='WITHSCORES'?" },
  zunionstore: {
    arguments:
      "destination:key@0 numkeys:integer key:key@1* 'WEIGHTS' weight:integer?* 'AGGREGATE' aggregate:{sum='SUM' min='MIN' max='MAX'}?",
  },
  zinterstore: {
    arguments:
      "destination:key@0 numkeys:integer key:key@1* 'WEIGHTS' weight:integer?* 'AGGREGATE' aggregate:{sum='SUM' min='MIN' max='MAX'}?",
  },
  zdiffstore: { arguments: "destination:key@0 numkeys:integer key:key@1*" },
  zintercard: { arguments: "numkeys:integer key:key@0* 'LIMIT' limit:integer?" },
  zrandmember: { arguments: "key:key@0 options:(count:integer withscores='WITHSCORES'?)?" },
  zscan: { arguments: "key:key@0 cursor:integer 'MATCH' pattern:pattern? 'COUNT' count:integer?" },
};

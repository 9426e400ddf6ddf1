/**
 * Commands of the group "list" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const listDocumentation: DocumentationTable = {
  lpush: { arguments: "key:key@0 element:string*", history: [["2.4.0", "Several `element` at a time"]] },
  rpush: { arguments: "key:key@0 element:string*", history: [["2.4.0", "Several `element` at a time"]] },
  lpushx: { arguments: "key:key@0 element:string*", history: [["4.0.0", "Several `element` at a time"]] },
  rpushx: { arguments: "key:key@0 element:string*", history: [["4.0.0", "Several `element` at a time"]] },
  lpop: { arguments: "key:key@0 count:integer?>6.2.0", history: [["6.2.0", "New: `count`"]] },
  rpop: { arguments: "key:key@0 count:integer?>6.2.0", history: [["6.2.0", "New: `count`"]] },
  lmpop: { arguments: "numkeys:integer key:key@0* where:{left='LEFT' right='RIGHT'} 'COUNT' count:integer?" },
  llen: { arguments: "key:key@0" },
  lindex: { arguments: "key:key@0 index:integer" },
  lrange: { arguments: "key:key@0 start:integer stop:integer" },
  lpos: {
    arguments:
      "key:key@0 element:string 'RANK' rank:integer? 'COUNT' num-matches:integer? 'MAXLEN' len:integer?",
  },
  lset: { arguments: "key:key@0 index:integer element:string" },
  linsert: { arguments: "key:key@0 where:{before='BEFORE' after='AFTER'} pivot:string element:string" },
  lrem: { arguments: "key:key@0 count:integer element:string" },
  ltrim: { arguments: "key:key@0 start:integer stop:integer" },
  lmove: {
    arguments:
      "source:key@0 destination:key@1 wherefrom:{left='LEFT' right='RIGHT'} whereto:{left='LEFT' right='RIGHT'}",
  },
  rpoplpush: {
    arguments: "source:key@0 destination:key@1",
    flags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`LMOVE` with the `RIGHT` and `LEFT` arguments",
  },
  blpop: { arguments: "key:key@0* timeout:double", history: [["6.0.0", "`timeout` may have a fraction"]] },
  brpop: { arguments: "key:key@0* timeout:double", history: [["6.0.0", "`timeout` may have a fraction"]] },
  blmpop: {
    arguments:
      "timeout:double numkeys:integer key:key@0* where:{left='LEFT' right='RIGHT'} 'COUNT' count:integer?",
  },
  blmove: {
    arguments:
      "source:key@0 destination:key@1 wherefrom:{left='LEFT' right='RIGHT'} whereto:{left='LEFT' right='RIGHT'} timeout:double",
  },
  brpoplpush: {
    arguments: "source:key@0 destination:key@1 timeout:double",
    history: [["6.0.0", "`timeout` may have a fraction"]],
    flags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
  },
};

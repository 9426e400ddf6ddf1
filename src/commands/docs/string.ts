/**
 * Commands of the group "string" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const stringDocumentation: DocumentationTable = {
  get: { arguments: "key:key@0" },
  set: {
    arguments:
      "key:key@0 value:string condition:{nx='NX' xx='XX'}?>2.6.12 get='GET'?>6.2.0 expiration:{'EX' seconds:integer>2.6.12 'PX' milliseconds:integer>2.6.12 'EXAT' unix-time-seconds:unix-time>6.2.0 'PXAT' unix-time-milliseconds:unix-time>6.2.0 keepttl='KEEPTTL'>6.0.0}?",
    history: [
      ["2.6.12", "New: `EX`, `PX`, `NX` and `XX`"],
      ["6.0.0", "New: `KEEPTTL`"],
      ["6.2.0", "New: `GET`, `EXAT` and `PXAT`"],
      ["7.0.0", "`NX` and `GET` go together"],
    ],
  },
  setnx: { arguments: "key:key@0 value:string" },
  setex: { arguments: "key:key@0 seconds:integer value:string" },
  psetex: { arguments: "key:key@0 milliseconds:integer value:string" },
  getset: {
    arguments: "key:key@0 value:string",
    flags: ["deprecated"],
    deprecatedSince: "6.2.0",
    replacedBy: "`SET` with the `!GET` argument",
  },
  getdel: { arguments: "key:key@0" },
  getex: {
    arguments:
      "key:key@0 expiration:{'EX' seconds:integer 'PX' milliseconds:integer 'EXAT' unix-time-seconds:unix-time 'PXAT' unix-time-milliseconds:unix-time persist='PERSIST'}?",
  },
  mget: { arguments: "key:key@0*" },
  mset: { arguments: "key_value:(key:key@0 value:string)*" },
  msetnx: { arguments: "key_value:(key:key@0 value:string)*" },
  append: { arguments: "key:key@0 value:string" },
  strlen: { arguments: "key:key@0" },
  setrange: { arguments: "key:key@0 offset:integer value:string" },
  getrange: { arguments: "key:key@0 start:integer end:integer" },
  substr: {
    arguments: "key:key@0 start:integer end:integer",
    flags: ["deprecated"],
    deprecatedSince: "2.0.0",
    replacedBy: "`GETRANGE`",
  },
  incr: { arguments: "key:key@0" },
  decr: { arguments: "key:key@0" },
  incrby: { arguments: "key:key@0 increment:integer" },
  decrby: { arguments: "key:key@0 decrement:integer" },
  incrbyfloat: { arguments: "key:key@0 increment:double" },
  lcs: {
    arguments:
      "key1:key@0 key2:key@0 len='LEN'? idx='IDX'? 'MINMATCHLEN' len:integer? withmatchlen='WITHMATCHLEN'?",
  },
};

/**
 * Commands of the group "bitmap" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const bitmapDocumentation: DocumentationTable = {
  setbit: { arguments: "key:key@0 offset:integer value:integer" },
  getbit: { arguments: "key:key@0 offset:integer" },
  bitcount: {
    arguments: "key:key@0 index:(start:integer end:integer index_unit:{byte='BYTE' bit='BIT'}?>7.0.0)?",
    history: [["7.0.0", "New: `BYTE|BIT`"]],
  },
  bitpos: {
    arguments:
      "key:key@0 bit:integer index:(start:integer end_index:(end:integer index_unit:{byte='BYTE' bit='BIT'}?>7.0.0)?)?",
    history: [["7.0.0", "New: `BYTE|BIT`"]],
  },
  bitop: { arguments: "operation:string destkey:key@0 key:key@1*" },
  bitfield: {
    arguments:
      "key:key@0 operation:{'GET' encoding_offset:(encoding:string offset:integer) write:('OVERFLOW' wrap_sat_fail:{wrap='WRAP' sat='SAT' fail='FAIL'}? write_operation:{'SET' encoding_offset_value:(encoding:string offset:integer value:integer) 'INCRBY' encoding_offset_increment:(encoding:string offset:integer increment:integer)})}?*",
  },
  bitfield_ro: { arguments: "key:key@0 'GET' encoding_offset:(encoding:string offset:integer)?*+" },
};

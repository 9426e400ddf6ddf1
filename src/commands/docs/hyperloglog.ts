/**
 * Commands of the group "hyperloglog" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const hyperloglogDocumentation: DocumentationTable = {
  pfadd: { arguments: "key:key@0 element:string?*" },
  pfcount: { arguments: "key:key@0*" },
  pfmerge: { arguments: "destkey:key@0 sourcekey:key@1*" },
  pfdebug: { arguments: "subcommand:string key:key@0", flags: ["syscmd"] },
  pfselftest: { flags: ["syscmd"] },
};

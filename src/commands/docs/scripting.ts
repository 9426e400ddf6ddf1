/**
 * Commands of the group "scripting" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const scriptingDocumentation: DocumentationTable = {
  eval: { arguments: "script:string numkeys:integer key:key@0?* arg:string?*" },
  evalsha: { arguments: "sha1:string numkeys:integer key:key@0?* arg:string?*" },
  eval_ro: { arguments: "script:string numkeys:integer key:key@0?* arg:string?*" },
  evalsha_ro: { arguments: "sha1:string numkeys:integer key:key@0?* arg:string?*" },
  fcall: { arguments: "function:string numkeys:integer key:key@0?* arg:string?*" },
  fcall_ro: { arguments: "function:string numkeys:integer key:key@0?* arg:string?*" },
  "function|delete": { arguments: "library-name:string" },
  "function|flush": { arguments: "async:{async='ASYNC' sync='SYNC'}?" },
  "function|list": { arguments: "'LIBRARYNAME' library-name-pattern:string? withcode='WITHCODE'?" },
  "function|load": { arguments: "replace='REPLACE'? function-code:string" },
  "function|restore": {
    arguments: "serialized-value:string policy:{flush='FLUSH' append='APPEND' replace='REPLACE'}?",
  },
  "script|debug": { arguments: "mode:{yes='YES' sync='SYNC' no='NO'}" },
  "script|exists": { arguments: "sha1:string*" },
  "script|flush": {
    arguments: "async:{async='ASYNC' sync='SYNC'}?>6.2.0",
    history: [["6.2.0", "New: `ASYNC` and `SYNC`"]],
  },
  "script|load": { arguments: "script:string" },
};

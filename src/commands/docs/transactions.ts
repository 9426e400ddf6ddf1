/**
 * Commands of the group "transactions" for COMMAND DOCS: see commands/documentation.ts.
 */
import type { DocumentationTable } from "../documentation.ts";

export const transactionsDocumentation: DocumentationTable = {
  watch: { arguments: "key:key@0*" },
};

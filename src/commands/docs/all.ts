/**
 * The documentation of all commands.
 */

import type { DocumentationTable } from "../documentation.ts";
import { bitmapDocumentation } from "./bitmap.ts";
import { clusterDocumentation } from "./cluster.ts";
import { connectionDocumentation } from "./connection.ts";
import { genericDocumentation } from "./generic.ts";
import { geoDocumentation } from "./geo.ts";
import { hashDocumentation } from "./hash.ts";
import { hyperloglogDocumentation } from "./hyperloglog.ts";
import { listDocumentation } from "./list.ts";
import { pubsubDocumentation } from "./pubsub.ts";
import { scriptingDocumentation } from "./scripting.ts";
import { serverDocumentation } from "./server.ts";
import { setDocumentation } from "./set.ts";
import { sortedSetDocumentation } from "./sorted-set.ts";
import { streamDocumentation } from "./stream.ts";
import { stringDocumentation } from "./string.ts";
import { transactionsDocumentation } from "./transactions.ts";

export const documentation: DocumentationTable = {
  ...bitmapDocumentation,
  ...clusterDocumentation,
  ...connectionDocumentation,
  ...genericDocumentation,
  ...geoDocumentation,
  ...hashDocumentation,
  ...hyperloglogDocumentation,
  ...listDocumentation,
  ...pubsubDocumentation,
  ...scriptingDocumentation,
  ...serverDocumentation,
  ...setDocumentation,
  ...sortedSetDocumentation,
  ...streamDocumentation,
  ...stringDocumentation,
  ...transactionsDocumentation,
};

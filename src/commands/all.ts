/**
 * All commands there are. A new one is listed in the index of its group, a new group here.
 */
import { aclCommands } from "./acl/index.ts";
import { bitmapCommands } from "./bitmaps/index.ts";
import { clusterCommands } from "./cluster/index.ts";
import type { CommandSpec } from "./command.ts";
import { connectionCommands } from "./connection/index.ts";
import { geoCommands } from "./geo/index.ts";
import { hashCommands } from "./hashes/index.ts";
import { hyperloglogCommands } from "./hyperloglog/index.ts";
import { keyCommands } from "./keys/index.ts";
import { listCommands } from "./lists/index.ts";
import { pubsubCommands } from "./pubsub/index.ts";
import { scriptingCommands } from "./scripting/index.ts";
import { serverCommands } from "./server/index.ts";
import { setCommands } from "./sets/index.ts";
import { sortedSetCommands } from "./sorted-sets/index.ts";
import { streamCommands } from "./streams/index.ts";
import { stringCommands } from "./strings/index.ts";
import { tierCommands } from "./tier/index.ts";
import { transactionCommands } from "./transactions/index.ts";

export const commandSpecs: readonly CommandSpec[] = [
  ...stringCommands,
  ...listCommands,
  ...setCommands,
  ...sortedSetCommands,
  ...hashCommands,
  ...streamCommands,
  ...geoCommands,
  ...bitmapCommands,
  ...hyperloglogCommands,
  ...keyCommands,
  ...connectionCommands,
  ...transactionCommands,
  ...scriptingCommands,
  ...aclCommands,
  ...clusterCommands,
  ...pubsubCommands,
  ...serverCommands,
  ...tierCommands,
];

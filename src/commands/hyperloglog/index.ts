/** The commands of the HyperLogLog group. */
import type { CommandSpec } from "../command.ts";
import { pfadd } from "./add.ts";
import { pfcount } from "./count.ts";
import { pfdebug, pfselftest } from "./debug.ts";
import { pfmerge } from "./merge.ts";

export const hyperloglogCommands: readonly CommandSpec[] = [pfadd, pfcount, pfmerge, pfdebug, pfselftest];

/** The commands of the stream group. */
import type { CommandSpec } from "../command.ts";
import { xack } from "./acknowledge.ts";
import { xadd } from "./add.ts";
import { xautoclaim } from "./auto-claim.ts";
import { xclaim } from "./claim.ts";
import { xgroup } from "./groups.ts";
import { xinfo } from "./info.ts";
import { xpending } from "./pending.ts";
import { xlen, xrange, xrevrange } from "./range.ts";
import { xread, xreadgroup } from "./read.ts";
import { xdel, xtrim } from "./remove.ts";
import { xsetid } from "./set-id.ts";

export const streamCommands: readonly CommandSpec[] = [
  xadd,
  xlen,
  xrange,
  xrevrange,
  xdel,
  xtrim,
  xsetid,
  xinfo,
  xread,
  xreadgroup,
  xgroup,
  xack,
  xpending,
  xclaim,
  xautoclaim,
];

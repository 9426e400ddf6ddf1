/**
 * The commands of the server as a whole.
 */
import type { CommandSpec } from "../command.ts";
import { bgrewriteaof, info, shutdown, time } from "./administration.ts";
import { config } from "./config.ts";
import { dbsize, flushall, flushdb, swapdb } from "./databases.ts";
import { debug } from "./debug.ts";
import { command } from "./introspection.ts";
import { latency } from "./latency.ts";
import { lolwut } from "./lolwut.ts";
import { module } from "./module.ts";
import { monitor } from "./monitor.ts";
import { failover, replicaof, role, slaveof, wait } from "./replication.ts";
import { bgsave, lastsave, save } from "./saving.ts";
import { slowlog } from "./slowlog.ts";
import { psync, replconf, sync } from "./sync.ts";
import { waitaof } from "./waitaof.ts";

export const serverCommands: readonly CommandSpec[] = [
  bgrewriteaof,
  bgsave,
  command,
  config,
  dbsize,
  debug,
  failover,
  flushall,
  flushdb,
  info,
  lastsave,
  latency,
  lolwut,
  module,
  monitor,
  psync,
  replconf,
  replicaof,
  role,
  save,
  shutdown,
  slaveof,
  slowlog,
  swapdb,
  sync,
  time,
  wait,
  waitaof,
];

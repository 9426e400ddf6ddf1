/**
 * DEBUG RELOAD and DEBUG LOADAOF: all data is replaced by what the files hold. Nobody is served meanwhile.
 */
import type { ReloadOptions, ReloadResult } from "../commands/services.ts";
import { errorText } from "../persistence/aof/error-text.ts";
import { loadAllFiles } from "../persistence/recovery.ts";
import { openAofDirectory } from "./appendonly.ts";
import { loadDump } from "./load-dump.ts";
import { recoveryParts } from "./recovery-parts.ts";
import { Replay } from "./replay.ts";
import type { Server } from "./server.ts";

/** Saves a dump and loads it again, as the options say. */
export async function reloadDump(
  server: Server,
  { flush, merge, save }: ReloadOptions,
): Promise<ReloadResult> {
  const { aof, saves, world } = server;
  stopServing(server);
  try {
    if (save && !(await saves.saveInTurn())) return "not saved";
    await saves.idle();
    await aof.idle();
    if (flush) await empty(server);
    beginLoading(server);
    const onDuplicate = merge ? "replace" : "refuse";
    if (!(await loadDump(server, onDuplicate))) return "not loaded";
    world.log.warning("DB reloaded by DEBUG RELOAD");
    return "done";
  } catch (error) {
    world.log.warning(`DEBUG RELOAD failed: ${errorText(error)}`);
    return "not loaded";
  } finally {
    goOn(server);
  }
}

/**
 * Writes out the append-only file and loads it again, whether it is on or not. What is loaded is not propagated. If
 * that fails midway the process ends, as Redis does: data that differ from the log must not be added to.
 */
export async function reloadLog(server: Server): Promise<ReloadResult> {
  const { aof, propagation, saves, services, world } = server;
  stopServing(server);
  const writer = aof.files?.writer;
  try {
    await saves.idle();
    await aof.idle();
    if (aof.failureText !== undefined) return "not saved";
    await writer?.waitForSync(writer.appended);
    const directory = aof.files?.directory ?? (await openAofDirectory(server));
    const { base, incr, tier } = directory.manifest;
    if (base === undefined && incr.length === 0) return "not loaded";
    // It would have to be rolled back, as it is at a start.
    if (tier !== undefined) return "in the cold tier";
    await empty(server);
    beginLoading(server);
    propagation.writer = undefined;
    const replay = new Replay(server);
    await loadAllFiles(recoveryParts(server, directory, replay));
    replay.reportFailures();
    world.log.warning("Append Only File loaded by DEBUG LOADAOF");
    return "done";
  } catch (error) {
    world.log.warning(`DEBUG LOADAOF failed: ${errorText(error)}`);
    services.shutdowns.onEnded(1);
    return "not loaded";
  } finally {
    propagation.writer = writer;
    saves.loaded();
    goOn(server);
  }
}

function stopServing(server: Server): void {
  server.isStopping = true;
  server.cron.stop();
}

async function empty({ dispatcher, keyspace, spiller }: Server): Promise<void> {
  await spiller?.hold();
  for (let i = 0; i < keyspace.databases.length; i++) keyspace.flush(i, false);
  dispatcher.scripts.functions.flush();
  spiller?.resume();
}

function beginLoading({ budget, keyspace }: Server): void {
  keyspace.expiring = false;
  budget.setLoading(true);
}

function goOn(server: Server): void {
  const { budget, keyspace, spiller } = server;
  spiller?.resume();
  keyspace.expiring = true;
  budget.setLoading(false);
  server.goOn();
}

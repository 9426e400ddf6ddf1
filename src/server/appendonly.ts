/**
 * CONFIG SET appendonly: switching the append-only file on and off while the server runs. Switched on, it becomes
 * valid with its first base file: until that is written, the manifest on disk stays what it was.
 */
import { AofDirectory, type OpenIncr } from "../persistence/aof/directory.ts";
import { errorText } from "../persistence/aof/error-text.ts";
import { AofWriter } from "../persistence/aof/writer.ts";
import { runCheckpoint } from "../persistence/checkpoint.ts";
import type { AofFiles } from "./aof-state.ts";
import type { ConfigValues } from "./config/settings.ts";
import type { Server } from "./server.ts";

/** With "everysec", this share of maxmemory may be held because it is not on the disk yet; then a datasync is due. */
const HELD_SHARE = 32;
const LEAST_HELD_BYTES = 2 * 1024 * 1024;
const MOST_HELD_BYTES = 32 * 1024 * 1024;

/** Options of the append-only directory, from the configuration. */
export function openAofDirectory(server: Pick<Server, "world" | "config">): Promise<AofDirectory> {
  const { values } = server.config;
  return AofDirectory.open({
    files: server.world.files,
    folder: values.dir,
    appenddirname: values.appenddirname,
    appendfilename: values.appendfilename,
    log: server.world.log,
    removesHistory: !values["aof-disable-auto-gc"],
  });
}

/** A writer that goes on in `incr`, connected to the server's reply gate. */
export function createWriter(server: Server, directory: AofDirectory, incr: OpenIncr): AofWriter {
  const { values } = server.config;
  const writer = new AofWriter({
    directory,
    incr,
    clock: server.clock,
    log: server.world.log,
    policy: values.appendfsync,
    onProgress: () => server.scheduleTurnEnd(),
  });
  writer.schedule.onHeldUp = (elapsedMs) => server.observation.events.add("aof-fsync-always", elapsedMs);
  configureWriter(writer, values);
  return writer;
}

/** Gives a writer what may change while it is in use, but for the policy. */
export function configureWriter(writer: AofWriter, values: ConfigValues): void {
  writer.encoder.timestamps = values["aof-timestamp-enabled"];
  const share = values.maxmemory === 0 ? MOST_HELD_BYTES : values.maxmemory / HELD_SHARE;
  writer.schedule.earlyBytes = Math.min(MOST_HELD_BYTES, Math.max(LEAST_HELD_BYTES, share));
}

/** Makes a new base file; resolves to its size. While the append-only file is off it stands alone, as in Redis: with
 * `appendonly yes` the next start would load it. */
export async function rewriteLog(
  server: Server,
  files: AofFiles | undefined,
): Promise<{ readonly baseBytes: number }> {
  const directory = files?.directory ?? (await openAofDirectory(server));
  const parts = server.checkpointParts(directory);
  return runCheckpoint(
    parts,
    files === undefined ? { kind: "off" } : { kind: "continues", writer: files.writer },
  );
}

/** Brings the append-only file to the state that `appendonly` now asks for. */
export function applyAppendonly(server: Server): void {
  const wanted = server.config.values.appendonly;
  if (wanted === server.aof.enabled) return;
  if (wanted) {
    if (server.aof.isRewriting) throw new Error("A rewrite of the append only file is under way.");
    // From now on, so that nobody takes the rewrite for finished before it has begun.
    server.aof.isRewriting = true;
    void switchOn(server);
  } else {
    switchOff(server);
  }
}

async function switchOn(server: Server): Promise<void> {
  const { aof, world } = server;
  try {
    const directory = await openAofDirectory(server);
    const incr = await directory.createIncr();
    if (!server.config.values.appendonly || aof.enabled) {
      await directory.discardIncr(incr);
      aof.isRewriting = false;
      return;
    }
    // There is one snapshot at a time.
    await server.saves.idle();
    const writer = createWriter(server, directory, incr);
    const begin = () => {
      aof.open({ directory, writer }, 0, 0);
      server.propagation.writer = writer;
    };
    await aof.runFirst(() =>
      runCheckpoint(server.checkpointParts(directory), { kind: "begins", incr, begin }),
    );
  } catch (error) {
    world.log.warning(`Could not switch the append only file on: ${errorText(error)}`);
    aof.isRewriting = false;
    switchOff(server);
  }
}

function switchOff(server: Server): void {
  const { aof, propagation, world } = server;
  const { files } = aof;
  // In the middle of a transaction, what it has done so far is the end of the log.
  propagation.endLogGroup();
  propagation.writer = undefined;
  aof.files = undefined;
  aof.isScheduled = false;
  server.scheduleTurnEnd();
  files?.writer.close().catch((error: unknown) => {
    world.log.warning(`Closing the append only file failed: ${errorText(error)}`);
  });
}

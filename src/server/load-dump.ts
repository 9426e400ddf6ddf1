/**
 * Loading the dump file into a server: at its start, and for DEBUG RELOAD.
 */
import type { Database } from "../keyspace/database.ts";
import { UNREADABLE } from "../keyspace/warmer.ts";
import { LoadError } from "../persistence/load-error.ts";
import { RdbError } from "../persistence/rdb/reader.ts";
import type { LoadHelp } from "../persistence/rdb-loading/load-helpers.ts";
import { loadRdb } from "../persistence/rdb-loading/rdb-load.ts";
import type { LoadProgress } from "./load-progress.ts";
import type { Server } from "./server.ts";
import { nextTurn } from "./turn-end.ts";

/** What other threads load counts against the limit only when it is taken over. */
const SHARE_LOADED_ASIDE = 1 / 8;

/** Loads dump.rdb; false if there is none. Where there may be data already, `onDuplicate` says what to do with a key
 * that is there. */
export async function loadDump(
  server: Server,
  onDuplicate?: "refuse" | "replace",
  observer?: LoadProgress,
): Promise<boolean> {
  const { clock, config, keyspace, world } = server;
  const { values } = config;
  const path = `${values.dir}/${values.dbfilename}`;
  const info = await world.files.stat(path);
  if (info === undefined) return false;
  observer?.begin(info.size);
  const begun = clock.monotonicMs();
  const file = await world.files.open(path, "read");
  try {
    const { onLoaded } = server.saves;
    const onSkipped = (text: string): void => world.log.warning(`${values.dbfilename}: ${text}`);
    const findIn = (database: Database, key: Buffer) => findAnywhere(server, database, key);
    const present = onDuplicate === undefined ? {} : { findIn, onDuplicate };
    const verifyChecksum = values.rdbchecksum && !server.services.debugging.ignoresChecksums;
    const options = {
      skipExpired: true,
      verifyChecksum,
      makeRoom: () => waitForRoom(server),
      help: helpFor(server, path),
      reservedKeys: server.budget.reservableKeys,
      onLoaded,
      onSkipped,
      observer,
      ...present,
    };
    const { keys } = await loadRdb(file, keyspace, options);
    const seconds = ((clock.monotonicMs() - begun) / 1000).toFixed(3);
    world.log.notice(`Done loading RDB, keys loaded: ${keys}`);
    world.log.notice(`DB loaded from disk: ${seconds} seconds`);
    return true;
  } catch (error) {
    if (error instanceof LoadError)
      throw new LoadError(`The dump file ${path} cannot be loaded: ${error.message}`);
    if (!(error instanceof RdbError)) throw error;
    throw new LoadError(
      `The dump file ${path} cannot be loaded: ${error.message}. ` +
        `What can be saved of it goes to another file with tsredis-check-rdb --salvage <other file> ${path}`,
    );
  } finally {
    await file.close();
  }
}

/** Who may help to load the file at `path`. */
export function helpFor(server: Server, path: string): LoadHelp | undefined {
  const { budget, config, spiller, world } = server;
  const { partThreads: threads } = world;
  if (threads === undefined || threads.count === 0 || config.values["key-load-delay"] !== 0) return undefined;
  const aside = spiller === undefined ? Number.POSITIVE_INFINITY : budget.limitBytes * SHARE_LOADED_ASIDE;
  const onTakenOver = (keys: number) => world.log.verbose(`Keys that another thread has loaded: ${keys}`);
  return { threads, path, maxBytes: aside / threads.count, onTakenOver };
}

/** The entry of a key, which comes into memory if it is cold. Throws StorageError. */
function findAnywhere({ warmer }: Server, database: Database, key: Buffer): number {
  if (warmer?.fetchNow(database, key, 0, key.length) === UNREADABLE) throw warmer.failure!;
  return database.find(key, 0, key.length);
}

/** While data is loaded the cold tier must keep up: waits until memory is within its budget, or nothing can go. */
export async function waitForRoom(server: Server): Promise<void> {
  const { spiller } = server;
  if (spiller === undefined) return;
  spiller.run();
  while (spiller.isMakingRoom) {
    await nextTurn();
    spiller.run();
  }
}

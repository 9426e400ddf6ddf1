/**
 * What the files of an append-only directory are loaded with: at the start, and for DEBUG LOADAOF.
 */
import type { AofDirectory } from "../persistence/aof/directory.ts";
import type { LoadObserver } from "../persistence/rdb-loading/rdb-load.ts";
import type { RecoveryParts } from "../persistence/recovery.ts";
import { helpFor, waitForRoom } from "./load-dump.ts";
import type { Replay } from "./replay.ts";
import type { Server } from "./server.ts";

export function recoveryParts(
  server: Server,
  directory: AofDirectory,
  executor: Replay,
  observer?: LoadObserver,
): RecoveryParts {
  const { budget, clock, config, keyspace, saves, world } = server;
  const { values } = config;
  return {
    files: world.files,
    log: world.log,
    directory,
    keyspace,
    executor,
    makeRoom: () => waitForRoom(server),
    reservedKeys: budget.reservableKeys,
    loadTruncated: values["aof-load-truncated"],
    verifyChecksum: values.rdbchecksum,
    onLoaded: saves.onLoaded,
    monotonicMs: () => clock.monotonicMs(),
    observer,
    helpFor: (path) => helpFor(server, path),
    openVerifier: world.openAofVerifier,
  };
}

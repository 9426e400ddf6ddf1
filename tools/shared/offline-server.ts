/**
 * Starts a server on a data directory that nobody serves, to see what it would show: the same recovery, byte
 * for byte, and nothing in the directory changes. The server listens nowhere, and its clockwork does not run.
 */
import { join, resolve } from "node:path";
import { SystemClock } from "../../src/base/clock.ts";
import type { Files } from "../../src/base/files.ts";
import type { Log } from "../../src/base/log.ts";
import { systemRandom } from "../../src/base/random.ts";
import { StorageError } from "../../src/base/storage-error.ts";
import { refuseDamagedTables } from "../../src/cold/level/tables.ts";
import { levelStoreOptionsFor, openLevelStore } from "../../src/cold/level-store.ts";
import { manifestFileName } from "../../src/persistence/aof/format.ts";
import { readManifest } from "../../src/persistence/aof/manifest.ts";
import { readCheckpointMetadata } from "../../src/persistence/load.ts";
import { LoadError } from "../../src/persistence/load-error.ts";
import { Config } from "../../src/server/config/config.ts";
import { loadConfig } from "../../src/server/config/parser.ts";
import type { Server } from "../../src/server/server.ts";
import { startServer } from "../../src/server/start.ts";
import { OverlayFiles } from "./overlay-files.ts";
import { makeScratchFolder, removeScratchFolder } from "./scratch-folder.ts";

export interface OfflineOptions {
  readonly files: Files;
  /** The data directory. */
  readonly folder: string;
  /** Where what is needed meanwhile is kept; the data directory by default. */
  readonly temporary: string | undefined;
  /** Path of a configuration file. */
  readonly config: string | undefined;
  /** How many databases there are at least. */
  readonly databases: number | undefined;
  /** Text of `maxmemory`. */
  readonly memory: string;
  /** Hears what the server says. */
  readonly log: Log;
}

/** A directory without data. */
export class NoDataError extends Error {
  override readonly name = "NoDataError";
}

export interface OfflineServer {
  readonly server: Server;
  readonly source: "append-only file" | "dump";
  /** Ends the server, and removes what it needed. */
  close(): Promise<void>;
}

/** Starts it. Throws NoDataError, ConfigError, SettingError, and whatever a start throws. */
export async function startOffline(options: OfflineOptions): Promise<OfflineServer> {
  const config = configFor(options);
  const source = await sourceOf(options.files, config);
  await refuseDamagedTier(options.files, config);
  await chooseDatabases(options, config);
  const scratch = await makeScratchFolder(options.temporary ?? options.folder);
  const remove = (): Promise<void> => removeScratchFolder(scratch);
  const files = new OverlayFiles(options.files, scratch);
  const { values } = config;
  const openStore = openLevelStore(levelStoreOptionsFor(values.maxmemory, values["cold-tier-cache-size"]));
  try {
    const server = await startServer(
      {
        files,
        openStore: async (path) => openStore(await files.storeFolder(path)),
        clock: new SystemClock(),
        random: systemRandom,
        log: options.log,
      },
      config,
    );
    return { server, source, close: () => end(server, remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function end(server: Server, remove: () => Promise<void>): Promise<void> {
  try {
    await server.spiller?.hold();
    await server.aof.files?.writer.close().catch(() => undefined);
    await (server.tier ?? server.lock)?.close();
  } finally {
    await remove();
  }
}

function configFor(options: OfflineOptions): Config {
  const loaded = loadConfig(options.config === undefined ? [] : [options.config]);
  const config = loaded.kind === "run" ? loaded.config : new Config();
  config.load("dir", [resolve(options.folder)]);
  config.load("maxmemory", [options.memory]);
  config.load("maxmemory-policy", ["noeviction"]);
  // It holds the tail that may be left, and none of it is to be repeated.
  config.load("appendfsync", ["everysec"]);
  return config;
}

/** Where the data is; without a word of the configuration, what is there decides. */
async function sourceOf(files: Files, config: Config): Promise<OfflineServer["source"]> {
  const { values } = config;
  const isThere = async (...names: string[]): Promise<boolean> =>
    (await files.stat(join(values.dir, ...names))) !== undefined;
  const hasLog =
    (await isThere(values.appenddirname, manifestFileName(values.appendfilename))) ||
    (await isThere(values.appendfilename));
  if (!config.isLoaded("appendonly") && !hasLog) config.load("appendonly", ["no"]);
  if (values.appendonly && hasLog) return "append-only file";
  if (await isThere(values.dbfilename)) return "dump";
  throw new NoDataError(
    `There is no data in ${values.dir}: no ${values.appenddirname}/${manifestFileName(values.appendfilename)}, no ${values.appendfilename}, no ${values.dbfilename}`,
  );
}

/** Throws LoadError if LevelDB, which does not look, would read damaged tables. */
async function refuseDamagedTier(files: Files, { values }: Config): Promise<void> {
  if (!values.appendonly) return;
  const manifestPath = join(values.dir, values.appenddirname, manifestFileName(values.appendfilename));
  const tier = (await readManifest(files, manifestPath))?.tier;
  if (tier === undefined || (await files.stat(join(values.dir, tier.folder))) === undefined) return;
  try {
    await refuseDamagedTables(files, join(values.dir, tier.folder), "all");
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new LoadError(
      `The cold tier ${tier.folder} cannot be read: ${error.message}. Make a backup, then see what tsredis-check-tier ${values.dir} can save`,
    );
  }
}

/** As many databases as the options say, and those that the cold tier holds. */
async function chooseDatabases({ databases, files }: OfflineOptions, config: Config): Promise<void> {
  const { values } = config;
  if (databases !== undefined) config.load("databases", [String(databases)]);
  if (!values.appendonly || databases !== undefined || config.isLoaded("databases")) return;
  const folder = join(values.dir, values.appenddirname);
  const manifest = await readManifest(files, join(folder, manifestFileName(values.appendfilename)));
  if (manifest?.tier === undefined || manifest.base === undefined) return;
  const base = join(folder, manifest.base.name);
  if ((await files.stat(base)) === undefined) return;
  const { namespaces } = await readCheckpointMetadata(files, base);
  if (namespaces.length > values.databases) config.load("databases", [String(namespaces.length)]);
}

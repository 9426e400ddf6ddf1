/**
 * Starting: opens the data directory, brings the data back, and hands out a server that is ready for clients (but
 * does not listen yet). Throws LoadError, ManifestError or StorageError with a text that says what is wrong and
 * what to do.
 */
import { dirname } from "node:path";
import type { Files } from "../base/files.ts";
import { StorageError } from "../base/storage-error.ts";
import type { KeyValueStore } from "../cold/key-value-store.ts";
import { refuseDamagedTables } from "../cold/level/tables.ts";
import { ColdTier } from "../cold/tier.ts";
import { Keyspace } from "../keyspace/keyspace.ts";
import type { AofDirectory } from "../persistence/aof/directory.ts";
import { LOST_BASE_ADVICE, missingFileText, salvageAdvice } from "../persistence/aof/error-text.ts";
import { tiersOfOthers } from "../persistence/aof/manifest.ts";
import { type CheckpointMetadata, recordsIn } from "../persistence/checkpoint.ts";
import { findCheckpointMetadata, readCheckpointMetadata } from "../persistence/load.ts";
import { LoadError } from "../persistence/load-error.ts";
import { RdbError } from "../persistence/rdb/reader.ts";
import { recoverAof } from "../persistence/recovery.ts";
import { removeUnfinishedFiles } from "../persistence/unfinished-files.ts";
import { createWriter, openAofDirectory } from "./appendonly.ts";
import type { Config } from "./config/config.ts";
import { loadDump } from "./load-dump.ts";
import { recoveryParts } from "./recovery-parts.ts";
import { Replay } from "./replay.ts";
import { Server, type World } from "./server.ts";
import { noteStart, unexpectedEnds } from "./unexpected-ends.ts";

const SEED_BYTES = 16;
/** Folders for the tier, in the data directory. There are two, because one may belong to an append-only file that is
 * switched off at present and must not be touched. */
const TIER_FOLDERS = ["cold-tier", "cold-tier-2"] as const;

/** After so many unexpected ends in a row, damage in the tier is looked for: in so many bytes of it, at each start in
 * the next ones, since a server that somebody has killed again and again must not take long to start. */
const ENDS_OF_LOOP = 2;
const VERIFIED_BYTES = 64 * 1024 * 1024;

interface OpenedTier {
  readonly tier: ColdTier | undefined;
  readonly folder: string;
  readonly namespaces: readonly number[] | undefined;
  /** Without a tier: an empty store, held open so that no other server uses the directory meanwhile. */
  readonly lock?: KeyValueStore;
}

/** Opens the data and makes a server of it. `beforeLoading` may have it listen: until data is loaded it answers so. */
export async function startServer(
  world: World,
  config: Config,
  beforeLoading: (server: Server) => Promise<void> = async () => {},
): Promise<Server> {
  const { values } = config;
  // Where the append-only file keeps all, a dump of everything, cold values too, is made only if somebody asks for it.
  if (values.appendonly && !config.isLoaded("save")) config.load("save", [""]);
  await makeDataFolder(world.files, values.dir);
  const directory = await openAofDirectory({ world, config });
  if (values.appendonly) {
    await directory.refuseLostManifest();
    await refuseLostTierLine(world.files, directory);
  }
  const { tier, folder, namespaces, lock } = await openTier(world, config, directory);
  try {
    const keyspace = new Keyspace({
      databases: values.databases,
      clock: world.clock,
      random: world.random,
      hashSeed: tier?.hashSeed ?? world.random.bytes(SEED_BYTES),
    });
    if (tier !== undefined) keyspace.attachTier(tier, namespacesFor(tier, namespaces, values.databases));
    for (const path of [values.dir, directory.path])
      await removeUnfinishedFiles(world.files, path, isOtherProcess);
    const server = new Server(world, config, keyspace, tier, folder);
    server.lock = lock;
    await server.acl.start(config.users);
    await beforeLoading(server);
    await loadData(server, directory);
    return server;
  } catch (error) {
    await (tier ?? lock)?.close().catch(() => undefined);
    throw error;
  }
}

/** Throws LoadError if the base file relies on a cold tier that the manifest does not name: its folder would be taken
 * for scratch. */
async function refuseLostTierLine(files: Files, directory: AofDirectory): Promise<void> {
  const { base, tier } = directory.manifest;
  if (base === undefined || tier !== undefined) return;
  const path = directory.pathOf(base.name);
  if ((await files.stat(path)) === undefined) return;
  const advice = salvageAdvice(directory.manifestPath);
  const metadata = await findCheckpointMetadata(files, path).catch((error: unknown) => {
    if (!(error instanceof RdbError)) throw error;
    throw new LoadError(`The RDB part of the AOF file ${base.name} is damaged: ${error.message}. ${advice}`);
  });
  if (metadata === undefined || recordsIn(metadata) === 0) return;
  throw new LoadError(
    `The base file ${base.name} relies on a cold tier, but the manifest names none: a line of it is lost. ${advice}`,
  );
}

function isOtherProcess(processId: number): boolean {
  if (processId === process.pid) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The folder itself must survive a power cut, or all that is synced in it would be lost with its name. */
async function makeDataFolder(files: Files, path: string): Promise<void> {
  await files.mkdir(path);
  try {
    await files.syncDirectory(dirname(path));
  } catch (error) {
    // A folder that may not be opened was not made by this user: then this one existed before.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM") throw error;
  }
}

/** The namespace of each database: the checkpoint's, and new ones where the configuration has more databases now. */
function namespacesFor(tier: ColdTier, known: readonly number[] | undefined, databases: number): number[] {
  const namespaces = [...(known ?? [])];
  for (const namespace of namespaces.slice(databases)) {
    if (tier.recordCount(namespace) === 0) continue;
    throw new LoadError(
      `The cold tier holds ${namespaces.length} databases, but the server is configured for ${databases}`,
    );
  }
  namespaces.length = Math.min(namespaces.length, databases);
  while (namespaces.length < databases) namespaces.push(tier.allocateNamespace());
  return namespaces;
}

async function openTier(world: World, config: Config, directory: AofDirectory): Promise<OpenedTier> {
  const { values } = config;
  const { manifest } = directory;
  const isNeeded = values.appendonly && manifest.tier !== undefined;
  if (!values["cold-tier"]) {
    if (!isNeeded) {
      const { store, folder } = await openScratch(world, config, directory);
      return { tier: undefined, folder, namespaces: undefined, lock: store };
    }
    throw new LoadError(
      "Part of the data lies in the cold tier, as the manifest of the append only file says: " +
        "the server does not start with 'cold-tier no'",
    );
  }
  const options = { seed: world.random.bytes(SEED_BYTES), compression: values["cold-tier-compression"] };
  if (isNeeded) {
    const { folder, generation } = manifest.tier;
    const metadata = await readMetadata(world, directory, generation);
    const path = `${values.dir}/${folder}`;
    if ((await world.files.stat(path)) === undefined) {
      throw new LoadError(
        `The cold tier is missing: the manifest names the folder ${path}. Restore it from the backup`,
      );
    }
    const tier = await recoverTier(world, path, metadata, options);
    return { tier, folder, namespaces: metadata.namespaces };
  }
  const { store, folder } = await openScratch(world, config, directory);
  // Before a manifest can name it.
  await world.files.syncDirectory(values.dir);
  return { tier: await ColdTier.create(store, options), folder, namespaces: undefined };
}

/** Opens an empty store. Nothing on disk is relied upon: whatever is there is scratch of an earlier process. */
async function openScratch(
  world: World,
  config: Config,
  directory: AofDirectory,
): Promise<{ readonly store: KeyValueStore; readonly folder: string }> {
  const folder = await freeTierFolder(world.files, config.values.dir, directory);
  const path = `${config.values.dir}/${folder}`;
  // Another server may have either of them.
  for (const name of TIER_FOLDERS) await refuseIfInUse(world, `${config.values.dir}/${name}`);
  await world.files.removeTree(path);
  await world.files.mkdir(path);
  return { store: await openStore(world, path), folder };
}

/** A folder that nothing relies on: neither the append-only file, nor one of another name that may be used again. */
async function freeTierFolder(files: Files, dir: string, directory: AofDirectory): Promise<string> {
  const others = await tiersOfOthers(files, dir, directory.manifestPath);
  const own = directory.manifest.tier?.folder;
  const free = TIER_FOLDERS.find((name) => name !== own && !others.has(name));
  if (free !== undefined) return free;
  throw new LoadError(
    `There is no room for a cold tier in ${dir}: append only files that this server does not use rely on those ` +
      `there are (${[...others.values()].join(", ")}). Use another data directory`,
  );
}

/** Throws if a running server has the store in `path` open: its files must not be removed. */
async function refuseIfInUse(world: World, path: string): Promise<void> {
  if ((await world.files.stat(path)) === undefined) return;
  try {
    await (await openStore(world, path)).close();
  } catch (error) {
    // Whatever else is wrong with it does not matter: nobody needs what is in it.
    if (error instanceof LoadError) throw error;
  }
}

async function openStore(world: World, path: string): Promise<KeyValueStore> {
  try {
    return await world.openStore(path);
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== "locked") throw error;
    throw new LoadError(`Another server is running on this data directory: it has ${path} open`);
  }
}

async function recoverTier(
  world: World,
  path: string,
  metadata: CheckpointMetadata,
  options: { readonly seed: Buffer; readonly compression: boolean },
): Promise<ColdTier> {
  let store: KeyValueStore | undefined;
  try {
    // Opened, it may begin to merge tables at once, and die of what is damaged in them.
    const ends = await unexpectedEnds(world.files, path, world.clock.nowMs);
    await refuseDamagedTables(world.files, path, "ends");
    if (ends >= ENDS_OF_LOOP) {
      world.log.warning(
        `The server has ended unexpectedly ${ends} times, each time soon after its start: tables of ${path} are verified`,
      );
      const fromBytes = (ends - ENDS_OF_LOOP) * VERIFIED_BYTES;
      await refuseDamagedTables(world.files, path, { fromBytes, bytes: VERIFIED_BYTES });
    }
    await noteStart(world.files, path, world.clock.nowMs, ends);
    store = await openStore(world, path);
    return await ColdTier.recover(store, metadata.tier, options);
  } catch (error) {
    await store?.close().catch(() => undefined);
    if (!(error instanceof StorageError)) throw error;
    throw new LoadError(
      `The cold tier in ${path} cannot be used: ${error.message}. ${adviceOn(error, path)}`,
    );
  }
}

function adviceOn({ code }: StorageError, path: string): string {
  if (code === "no-space") return "Nothing is lost: make room on the disk, and start the server again";
  return `Make a backup, then see what tsredis-check-tier ${dirname(path)} can save`;
}

async function readMetadata(
  world: World,
  directory: AofDirectory,
  generation: number,
): Promise<CheckpointMetadata> {
  const { base } = directory.manifest;
  if (base === undefined) throw new LoadError("The manifest names a cold tier, but no base file");
  const path = directory.pathOf(base.name);
  if ((await world.files.stat(path)) === undefined) {
    throw new LoadError(`${missingFileText(base.name)}. ${LOST_BASE_ADVICE}`);
  }
  const metadata = await readCheckpointMetadata(world.files, path).catch((error: unknown) => {
    if (!(error instanceof RdbError)) throw error;
    throw new LoadError(`The base file ${base.name} is damaged: ${error.message}. ${LOST_BASE_ADVICE}`);
  });
  if (metadata.tier.generation !== generation) {
    throw new LoadError(
      `The manifest names generation ${generation} of the cold tier, the base file ${base.name} ${metadata.tier.generation}. ` +
        salvageAdvice(directory.manifestPath),
    );
  }
  return metadata;
}

async function loadData(server: Server, directory: AofDirectory): Promise<void> {
  const { clock, config, keyspace, world } = server;
  const { values } = config;
  const begun = clock.monotonicMs();
  keyspace.expiring = false;
  server.budget.setLoading(true);
  const { progress } = server;
  progress.begin(0);
  if (values.appendonly) {
    const hasAof = directory.manifest.base !== undefined || directory.manifest.incr.length > 0;
    if (!hasAof) await loadDump(server, undefined, progress);
    else progress.begin(await sizeOf(world.files, directory));
    const replay = new Replay(server);
    const { incr, baseBytes, sizeBefore } = await recoverAof(
      recoveryParts(server, directory, replay, progress),
    );
    replay.reportFailures();
    if (hasAof) {
      const seconds = ((clock.monotonicMs() - begun) / 1000).toFixed(3);
      world.log.notice(`DB loaded from append only file: ${seconds} seconds`);
    }
    await directory.removeHistory();
    const files = { directory, writer: createWriter(server, directory, incr) };
    server.propagation.writer = files.writer;
    server.aof.open(files, baseBytes, sizeBefore);
    // A directory without a base gets one: what was loaded from a dump must be in it before anything else is written.
    if (directory.manifest.base === undefined) {
      server.aof.rewrite(false);
      await server.aof.idle();
      if (!server.aof.lastRewriteOk)
        throw new LoadError("The first base file of the append only file cannot be written");
    }
  } else {
    await loadDump(server, undefined, progress);
  }
  keyspace.expiring = true;
  server.budget.setLoading(false);
  server.isLoading = false;
  server.saves.loaded();
  server.scheduleTurnEnd();
}

/** Bytes of all files that the manifest names. */
async function sizeOf(files: Files, directory: AofDirectory): Promise<number> {
  const { base, incr } = directory.manifest;
  let bytes = 0;
  for (const { name } of base === undefined ? incr : [base, ...incr])
    bytes += (await files.stat(directory.pathOf(name)))?.size ?? 0;
  return bytes;
}

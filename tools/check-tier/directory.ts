/** The data directory that a tier belongs to: its manifest, base file and checkpoint. */
import { basename, dirname, join, resolve } from "node:path";
import type { Files } from "../../src/base/files.ts";
import { LOST_BASE_ADVICE } from "../../src/persistence/aof/error-text.ts";
import { manifestFileName } from "../../src/persistence/aof/format.ts";
import { type AofManifest, readManifest, type TierReference } from "../../src/persistence/aof/manifest.ts";
import type { CheckpointMetadata } from "../../src/persistence/checkpoint.ts";
import { readCheckpointMetadata } from "../../src/persistence/load.ts";
import { LoadError } from "../../src/persistence/load-error.ts";
import { RdbError } from "../../src/persistence/rdb/reader.ts";

const DEFAULT_FOLDER = "appendonlydir";
const DEFAULT_NAME = "appendonly.aof";
/** Folders for the tier, in the data directory: the one that the manifest does not name is free. */
const TIER_FOLDERS = ["cold-tier", "cold-tier-2"];

export interface DataDirectory {
  /** The data directory. */
  readonly folder: string;
  /** The append-only directory in it, and what its files' names begin with. */
  readonly logFolder: string;
  readonly appendfilename: string;
  readonly manifest: AofManifest;
}

/** A directory whose append-only file relies on a tier. */
export interface TierDirectory extends DataDirectory {
  readonly tier: TierReference;
  readonly tierPath: string;
  /** Where a repaired tier goes. */
  readonly freeTier: string;
  readonly basePath: string;
  readonly baseName: string;
  readonly metadata: CheckpointMetadata;
}

/** Finds the manifest of a data directory, or the directory of a manifest. Throws ManifestError, LoadError. */
export async function openDirectory(files: Files, path: string): Promise<DataDirectory> {
  const info = await files.stat(path);
  if (info === undefined) throw new LoadError(`There is no ${path}`);
  const manifestPath = info.isDirectory
    ? join(resolve(path), DEFAULT_FOLDER, manifestFileName(DEFAULT_NAME))
    : resolve(path);
  const logFolder = dirname(manifestPath);
  const appendfilename = basename(manifestPath).replace(/\.manifest$/, "");
  const manifest = (await readManifest(files, manifestPath)) ?? { incr: [], history: [] };
  return { folder: dirname(logFolder), logFolder, appendfilename, manifest };
}

/** The tier that the manifest names; undefined if it names none. Throws LoadError. */
export async function tierOf(files: Files, directory: DataDirectory): Promise<TierDirectory | undefined> {
  const { folder, logFolder, manifest } = directory;
  const { base, tier } = manifest;
  if (tier === undefined) return undefined;
  if (base === undefined) throw new LoadError("The manifest names a cold tier, but no base file");
  const basePath = join(logFolder, base.name);
  if ((await files.stat(basePath)) === undefined)
    throw new LoadError(`The base file ${base.name}, which describes the tier, is missing`);
  const metadata = await readCheckpointMetadata(files, basePath).catch((error: unknown) => {
    throw damagedBase(base.name, error);
  });
  if (metadata.tier.generation !== tier.generation) {
    throw new LoadError(
      `The manifest names generation ${tier.generation} of the cold tier, the base file ${base.name} ${metadata.tier.generation}`,
    );
  }
  const freeTier = TIER_FOLDERS.find((name) => name !== tier.folder)!;
  const tierPath = join(folder, tier.folder);
  return { ...directory, tier, tierPath, freeTier, basePath, baseName: base.name, metadata };
}

/** The error to be thrown if reading the base file failed. */
export function damagedBase(name: string, error: unknown): unknown {
  if (!(error instanceof RdbError)) return error;
  return new LoadError(`The base file ${name} is damaged: ${error.message}. ${LOST_BASE_ADVICE}`);
}

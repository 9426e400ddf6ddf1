/**
 * Puts a repaired tier, and the base file that goes with it, in the place of the old ones. The new tier takes
 * the folder that is free, so that one change of the manifest puts both in force: whatever fails before, the
 * old ones are.
 */
import { join } from "node:path";
import type { Files } from "../../src/base/files.ts";
import { baseFileName, incrFileName, manifestFileName } from "../../src/persistence/aof/format.ts";
import { type AofManifest, persistManifest } from "../../src/persistence/aof/manifest.ts";
import { backupPath, copyFile } from "../shared/copies.ts";
import { FileWriter } from "../shared/file-writer.ts";
import type { TierDirectory } from "./directory.ts";
import { deletions, type TailFindings } from "./log-tail.ts";

export interface Installation {
  readonly files: Files;
  readonly directory: TierDirectory;
  /** Folder of the repaired tier; undefined if no record is left. */
  readonly tierPath: string | undefined;
  /** A new base file; undefined: the old one is right. */
  readonly newBase: string | undefined;
  /** Keys to be deleted at the end of the log. */
  readonly tail: TailFindings;
  readonly keepsBackup: boolean;
}

/** What the old ones are called now. */
export interface Backups {
  readonly manifest?: string;
  readonly tier?: string;
  readonly base?: string;
}

/** Does it; resolves when all is durable. */
export async function install(installation: Installation): Promise<Backups> {
  const { directory, files, keepsBackup, newBase, tierPath } = installation;
  const { appendfilename, folder, freeTier, logFolder, manifest, tier } = directory;
  const manifestPath = join(logFolder, manifestFileName(appendfilename));
  let manifestBackup: string | undefined;
  if (keepsBackup) {
    manifestBackup = await backupPath(files, manifestPath);
    await copyFile(files, manifestPath, manifestBackup);
  }
  let next: AofManifest = manifest;
  if (newBase !== undefined) {
    const sequence =
      1 + Math.max(0, ...[manifest.base, ...manifest.history].map((each) => each?.sequence ?? 0));
    const name = baseFileName(appendfilename, sequence, "rdb");
    await files.rename(newBase, join(logFolder, name));
    await files.syncDirectory(logFolder);
    next = { ...next, base: { name, sequence } };
  }
  if (tierPath === undefined) {
    const { base, history, incr } = next;
    next = { ...(base === undefined ? {} : { base }), history, incr };
  } else {
    await files.removeTree(join(folder, freeTier));
    await files.rename(tierPath, join(folder, freeTier));
    await files.syncDirectory(folder);
    next = { ...next, tier: { folder: freeTier, generation: tier.generation } };
  }
  if (installation.tail.tainted.length > 0) next = await endLog(installation, next);
  await persistManifest(files, logFolder, appendfilename, next);
  const base = newBase === undefined ? undefined : await putAway(files, directory.basePath, keepsBackup);
  const oldTier = await putAway(files, directory.tierPath, keepsBackup);
  return {
    ...(manifestBackup === undefined ? {} : { manifest: manifestBackup }),
    ...(base === undefined ? {} : { base }),
    ...(oldTier === undefined ? {} : { tier: oldTier }),
  };
}

/** Adds a file of the log that deletes what is not to come back; those before must end well for that. */
async function endLog({ directory, files, tail }: Installation, manifest: AofManifest): Promise<AofManifest> {
  const { appendfilename, logFolder } = directory;
  const sequence = (manifest.incr.at(-1)?.sequence ?? 0) + 1;
  const name = incrFileName(appendfilename, sequence);
  const writer = await FileWriter.create(files, join(logFolder, name));
  await writer.write(deletions(tail.tainted));
  await writer.finish();
  const before = manifest.incr.map((file) => {
    const end = tail.ends.get(file.name);
    return end === undefined ? file : { ...file, end };
  });
  return { ...manifest, incr: [...before, { name, sequence }] };
}

/** Gives a file or folder a name under which nobody looks for it, or removes it. */
async function putAway(files: Files, path: string, keeps: boolean): Promise<string | undefined> {
  if ((await files.stat(path)) === undefined) return undefined;
  const parent = path.slice(0, path.lastIndexOf("/")) || "/";
  if (!keeps) {
    await files.removeTree(path);
    await files.syncDirectory(parent);
    return undefined;
  }
  const name = await backupPath(files, path);
  await files.rename(path, name);
  await files.syncDirectory(parent);
  return name;
}

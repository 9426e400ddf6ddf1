/**
 * Files that are changed: a copy first, under a name of its own beside the file, and a new file takes its place in one
 * step. Whatever fails, the file or its copy holds everything.
 */
import fs from "node:fs/promises";
import { type FileHandle, type Files, writeFully } from "../../src/base/files.ts";

const COPY_CHUNK_BYTES = 1 << 20;

/** The folder a path is in, as C's dirname says it. */
export function folderOf(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  const slash = trimmed.lastIndexOf("/");
  if (slash === -1) return path.startsWith("/") ? "/" : ".";
  return trimmed.slice(0, slash).replace(/\/+$/, "") || "/";
}

/** The last part of a path. */
export function nameOf(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  return trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

/** `<file>.bak-<n>`, with a number that is free. */
export async function backupPath(files: Files, path: string): Promise<string> {
  let number = 1;
  while ((await files.stat(`${path}.bak-${number}`)) !== undefined) number++;
  return `${path}.bak-${number}`;
}

/** Copies a file durably; a copy that does not succeed is removed. `onProgress` is told how many bytes are copied. */
export async function copyFile(
  files: Files,
  from: string,
  to: string,
  onProgress?: (bytes: number) => void,
): Promise<void> {
  try {
    const source = await files.open(from, "read");
    try {
      const target = await files.open(to, "create");
      try {
        await copyRange(source, 0, await source.size(), async (bytes, at) => {
          await writeFully(target, bytes, at);
          onProgress?.(at + bytes.length);
        });
        await target.datasync();
      } finally {
        await target.close();
      }
    } finally {
      await source.close();
    }
    await files.syncDirectory(folderOf(to));
  } catch (error) {
    await files.unlink(to);
    throw error;
  }
}

/** Gives `take` the bytes of source[start, end), piece by piece, each with its offset from `start`. */
export async function copyRange(
  source: FileHandle,
  start: number,
  end: number,
  take: (bytes: Buffer, at: number) => Promise<void>,
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(COPY_CHUNK_BYTES, end - start)));
  for (let position = start; position < end; ) {
    const wanted = Math.min(buffer.length, end - position);
    const length = await source.read(buffer.subarray(0, wanted), position);
    if (length === 0) throw new Error("The file became shorter while it was read");
    await take(buffer.subarray(0, length), position - start);
    position += length;
  }
}

/**
 * Puts the finished, synced file at `temporary` in the place of `path`, durably. The old one stays under another name,
 * which is returned, unless `keepsOld` is false.
 */
export async function replaceFile(
  files: Files,
  temporary: string,
  path: string,
  keepsOld: boolean,
): Promise<string | undefined> {
  let kept: string | undefined;
  if (keepsOld && (await files.stat(path)) !== undefined) {
    kept = await backupPath(files, path);
    await keepUnderOtherName(files, path, kept);
  }
  await files.rename(temporary, path);
  await files.syncDirectory(folderOf(path));
  return kept;
}

/** A second name for a file, which may be replaced afterwards: no bytes are copied where the file system knows links.
 *  */
async function keepUnderOtherName(files: Files, path: string, other: string): Promise<void> {
  try {
    await fs.link(path, other);
    await files.syncDirectory(folderOf(other));
  } catch {
    await copyFile(files, path, other);
  }
}

/** What would show that somebody changed one of these files: where each is, its size and its time. */
export async function statesOf(paths: readonly string[]): Promise<string> {
  const states = paths.map(async (path) => {
    const info = await fs.stat(path).catch(() => undefined);
    return info === undefined ? "" : [info.ino, info.size, info.mtimeMs].join();
  });
  return (await Promise.all(states)).join(";");
}

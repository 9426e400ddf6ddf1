/**
 * Keeps tools and servers apart. A tsredis-server holds LevelDB's lock on the file LOCK of the folders cold-tier or
 * cold-tier-2 in its data directory, whether it uses a cold tier or not. A tool that changes files takes the same lock:
 * so it sees a running server, wherever that runs, and no server starts meanwhile. LevelDB is opened on a scratch
 * folder in which LOCK leads to the server's file, so that nothing in the data directory is touched.
 *
 * A stock Redis has no lock; on Linux it is seen as a process that has one of the files open for writing.
 */
import fsSync from "node:fs";
import fs from "node:fs/promises";
import os from "node:os";
import { dirname, join, resolve } from "node:path";
import { ClassicLevel } from "classic-level";

const TIER_FOLDERS = ["cold-tier", "cold-tier-2"];
/** The bits of a file's flags that say how it is open, and their value for reading only. */
const ACCESS_MODE = 0o3;
const READ_ONLY = 0;

/** Somebody else has the files open. */
export class InUseError extends Error {
  override readonly name = "InUseError";
}

export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes the locks of all data directories that these files may belong to, and looks who has the files open.
 * @throws InUseError
 */
export async function lockDirectories(paths: readonly string[]): Promise<DirectoryLock> {
  const held: Held[] = [];
  const release = async (): Promise<void> => {
    for (const each of held.splice(0)) await each.release();
  };
  try {
    for (const path of lockFiles(paths)) {
      if (await exists(path)) held.push(await hold(path));
    }
    refuseOpenFiles(paths);
  } catch (error) {
    await release();
    throw error;
  }
  return { release };
}

/** A file lies in the data directory itself, or in the append-only directory in it. */
function lockFiles(paths: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (const path of paths) {
    const folder = dirname(resolve(path));
    for (const each of [folder, dirname(folder)])
      for (const tier of TIER_FOLDERS) found.add(join(each, tier, "LOCK"));
  }
  return found;
}

interface Held {
  release(): Promise<void>;
}

async function hold(lockFile: string): Promise<Held> {
  const folder = await fs.mkdtemp(join(os.tmpdir(), "tsredis-lock-"));
  const remove = (): Promise<void> => fs.rm(folder, { recursive: true, force: true });
  await fs.symlink(lockFile, join(folder, "LOCK"));
  const store = new ClassicLevel(folder, { keyEncoding: "buffer", valueEncoding: "buffer" });
  try {
    await store.open();
  } catch (error) {
    await remove();
    if (isLocked(error)) {
      throw new InUseError(`A server is running on this data directory: it holds ${lockFile}`);
    }
    throw lockError(lockFile, error);
  }
  return {
    async release() {
      await store.close();
      await remove();
    },
  };
}

/** A system error that names the lock file instead of the link that LevelDB was given. */
function lockError(lockFile: string, error: unknown): Error {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause !== undefined) innermost = innermost.cause;
  const reason = innermost instanceof Error ? innermost.message : String(innermost);
  const text = `Cannot take the lock ${lockFile}: ${reason.slice(reason.lastIndexOf(": ") + 2)}`;
  return Object.assign(new Error(text), { code: "LOCK", syscall: "lock" });
}

function isLocked(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if ("code" in each && each.code === "LEVEL_LOCKED") return true;
  }
  return false;
}

async function exists(path: string): Promise<boolean> {
  try {
    await fs.stat(path);
    return true;
  } catch {
    return false;
  }
}

/** Other processes that have one of the files open for writing, as far as /proc tells. */
function refuseOpenFiles(paths: readonly string[]): void {
  const targets = new Set(paths.map((path) => orElse(() => fsSync.realpathSync(path), resolve(path))));
  for (const id of orElse(() => fsSync.readdirSync("/proc"), [])) {
    if (!/^[0-9]+$/.test(id) || id === String(process.pid)) continue;
    for (const descriptor of orElse(() => fsSync.readdirSync(`/proc/${id}/fd`), [])) {
      const target = orElse(() => fsSync.readlinkSync(`/proc/${id}/fd/${descriptor}`), "");
      if (targets.has(target) && isWriting(id, descriptor)) {
        throw new InUseError(`Process ${id} has ${target} open for writing`);
      }
    }
  }
}

function isWriting(id: string, descriptor: string): boolean {
  const text = orElse(() => fsSync.readFileSync(`/proc/${id}/fdinfo/${descriptor}`, "utf8"), "");
  const match = /^flags:\s*([0-7]+)/m.exec(text);
  return match !== null && (Number.parseInt(match[1], 8) & ACCESS_MODE) !== READ_ONLY;
}

/** What cannot be read is another user's, or gone. */
function orElse<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/**
 * Brings a directory's data back: base file, cold tier as of the base, and incr files, in the order of the manifest.
 *
 * The rules for a file that does not end well:
 *   - The last file may end in the middle of a command (the process died while writing) or in bytes that a power cut
 *     left half-written: it is cut after the last whole command, with one line in the log, if aof-load-truncated
 *     allows it.
 *   - Anything else is damage: the server does not start, and the message names the file, the offset, and the command
 *     that repairs it. Half the data is never served as if it were whole.
 */
import type { FileHandle, Files } from "../base/files.ts";
import type { Log } from "../base/log.ts";
import { StorageError } from "../base/storage-error.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { AofDirectory, IncrTail, OpenIncr } from "./aof/directory.ts";
import {
  damagedFirstLineText,
  emptiedFileText,
  LOST_BASE_ADVICE,
  missingFileText,
  salvageAdvice,
} from "./aof/error-text.ts";
import { BLOCKS_HEADER } from "./aof/format.ts";
import { type IncrFile, isEmptied } from "./aof/manifest.ts";
import type { AofOutcome } from "./aof/reader.ts";
import type { AofVerifierOptions, ExtentSource } from "./aof/verifier.ts";
import { type AofLoadOptions, type Executor, loadAofFile } from "./load.ts";
import { LoadError } from "./load-error.ts";
import { RdbError } from "./rdb/reader.ts";
import type { LoadHelp } from "./rdb-loading/load-helpers.ts";
import type { LoadObserver } from "./rdb-loading/rdb-load.ts";

/** Begins to verify the file at `path` in a thread of its own. */
export type OpenAofVerifier = (
  path: string,
  task: AofVerifierOptions,
  file: FileHandle,
) => Promise<ExtentSource>;

export interface RecoveryParts {
  readonly files: Files;
  readonly log: Log;
  readonly directory: AofDirectory;
  readonly keyspace: Keyspace;
  readonly executor: Executor;
  readonly makeRoom: () => Promise<void>;
  /** See RdbLoadOptions. */
  readonly reservedKeys: number;
  /** aof-load-truncated */
  readonly loadTruncated: boolean;
  readonly verifyChecksum: boolean;
  /** See RdbLoadOptions. */
  readonly onLoaded: (keys: number, expired: number) => void;
  readonly monotonicMs: () => number;
  readonly observer?: LoadObserver | undefined;
  /** Who may help to load the RDB file at `path`. */
  readonly helpFor?: (path: string) => LoadHelp | undefined;
  /** Opens a thread that verifies a file: see AofLoadOptions. */
  readonly openVerifier?: OpenAofVerifier | undefined;
}

export interface RecoveredAof {
  /** The incr file to append to. */
  readonly incr: OpenIncr;
  readonly baseBytes: number;
  /** Bytes of the files before it, the base included. */
  readonly sizeBefore: number;
}

/** Loads all files that the manifest names and opens the last one for appending. Throws LoadError. */
export async function recoverAof(parts: RecoveryParts): Promise<RecoveredAof> {
  const { directory } = parts;
  const { base, incr } = directory.manifest;
  const baseBytes = base === undefined ? 0 : (await loadOne(parts, base, incr.length === 0, true)).bytes;
  let sizeBefore = baseBytes;
  let last: LoadedFile | undefined;
  for (let i = 0; i < incr.length; i++) {
    sizeBefore += last?.bytes ?? 0;
    const isFollowed = await holdsCommands(parts, incr.slice(i + 1));
    last = await loadOne(parts, incr[i], !isFollowed, false);
    // Also where the file ends well: its last bytes may be in the page cache only, after a failed fsync. Empty files
    // may follow one that ended badly (a cut was under way), and commands will be appended to them now.
    if (i < incr.length - 1 && incr[i].end === undefined && last.outcome !== undefined) {
      await directory.settleIncr(incr[i].sequence, last.outcome);
    }
  }
  const outcome = last?.outcome;
  if (outcome?.hasBlocks && incr.at(-1)!.end === undefined) {
    return { incr: await directory.openLastIncr(tailOf(outcome)), baseBytes, sizeBefore };
  }
  // A file of stock Redis, or one that ended early: whatever of it is good stays, and a new one follows.
  if (outcome !== undefined && outcome.kind !== "clean")
    await directory.settleIncr(incr.at(-1)!.sequence, outcome);
  return { incr: await directory.addIncr(), baseBytes, sizeBefore: sizeBefore + (last?.bytes ?? 0) };
}

/** Loads all files that the manifest names, and leaves them as they are. All of them are known to end well. */
export async function loadAllFiles(parts: RecoveryParts): Promise<void> {
  const { base, incr } = parts.directory.manifest;
  if (base !== undefined) await loadOne(parts, base, incr.length === 0, true);
  for (const [i, file] of incr.entries()) await loadOne(parts, file, i === incr.length - 1, false);
}

/** Filling is written anew where it is needed. */
function tailOf(outcome: AofOutcome): IncrTail {
  return { ...outcome, validUpTo: outcome.dataUpTo };
}

interface LoadedFile {
  /** undefined if the file is an RDB and nothing else. */
  readonly outcome: AofOutcome | undefined;
  readonly bytes: number;
}

/** Whether one of the files has more than a header line. */
async function holdsCommands(parts: RecoveryParts, files: readonly IncrFile[]): Promise<boolean> {
  for (const { name } of files) {
    const info = await parts.files.stat(parts.directory.pathOf(name));
    if (info !== undefined && info.size > BLOCKS_HEADER.length) return true;
  }
  return false;
}

async function loadOne(
  parts: RecoveryParts,
  entry: IncrFile,
  isLast: boolean,
  isBase: boolean,
): Promise<LoadedFile> {
  const { directory, files, keyspace, log } = parts;
  const begun = parts.monotonicMs();
  const path = directory.pathOf(entry.name);
  const info = await files.stat(path);
  const isReliedOn = isBase && directory.manifest.tier !== undefined;
  const advice = isReliedOn ? LOST_BASE_ADVICE : salvageAdvice(directory.manifestPath);
  if (info === undefined) {
    const choice = isReliedOn ? "" : "Put it back, or do without what it held. ";
    throw new LoadError(`${missingFileText(entry.name)}. ${choice}${advice}`);
  }
  if (!isBase && isEmptied(info.size, directory.manifest.tier !== undefined)) {
    throw new LoadError(`${emptiedFileText(entry.name, info.size)}. ${advice}`);
  }
  const options: AofLoadOptions = {
    withTier: isReliedOn,
    verifyChecksum: parts.verifyChecksum,
    onLoaded: parts.onLoaded,
    makeRoom: parts.makeRoom,
    reservedKeys: parts.reservedKeys,
    observer: parts.observer,
    onSkipped: (text) => log.warning(`${entry.name}: ${text}`),
    ...(entry.end === undefined ? {} : { end: entry.end }),
    help: parts.helpFor?.(path),
    openVerifier: parts.openVerifier && ((task, handle) => parts.openVerifier!(path, task, handle)),
  };
  const file = await files.open(path, "read");
  let outcome: AofOutcome | undefined;
  try {
    outcome = await loadAofFile(file, entry.name, keyspace, parts.executor, options);
  } catch (error) {
    if (isBase && error instanceof LoadError)
      throw new LoadError(`The AOF file ${entry.name} cannot be loaded: ${error.message}`);
    // A value that its checksum did not betray is told by its type.
    const isValue = isBase && error instanceof StorageError && error.code === "corrupt";
    if (!isValue && !(error instanceof RdbError)) throw error;
    throw new LoadError(`The RDB part of the AOF file ${entry.name} is damaged: ${error.message}. ${advice}`);
  } finally {
    await file.close();
  }
  if (outcome !== undefined) judge(parts, entry, isLast, outcome);
  parts.observer?.fileEnded(info.size);
  const seconds = ((parts.monotonicMs() - begun) / 1000).toFixed(3);
  log.notice(`DB loaded from ${isBase ? "base" : "incr"} file ${entry.name}: ${seconds} seconds`);
  return { outcome, bytes: outcome?.dataUpTo ?? info.size };
}

/** Throws if the way the file ends forbids to go on. */
function judge(parts: RecoveryParts, entry: IncrFile, isLast: boolean, outcome: AofOutcome): void {
  const { directory, log } = parts;
  if (outcome.kind === "clean") return;
  const { problem, size, validUpTo } = outcome;
  const advice = salvageAdvice(directory.manifestPath);
  const where = `at offset ${problem?.offset ?? validUpTo}: ${problem?.reason || "the file ends too early"}`;
  if (outcome.kind === "damaged") {
    throw new LoadError(
      `Bad file format reading the append only file ${entry.name} ${where}. ` +
        `The server does not start with damaged data. ${advice}`,
    );
  }
  if (directory.manifest.tier !== undefined && validUpTo < BLOCKS_HEADER.length) {
    // Cut here it would be empty, and the next start would refuse it.
    throw new LoadError(`${damagedFirstLineText(entry.name)}. ${advice}`);
  }
  if (!isLast) {
    throw new LoadError(
      `The AOF file ${entry.name} ends too early (${where}), and it is not the last file. ` + advice,
    );
  }
  if (!parts.loadTruncated) {
    throw new LoadError(
      `Unexpected end of file reading the append only file ${entry.name} ${where}. You can: ` +
        `1) make a backup of your AOF file, then use tsredis-check-aof --fix ${directory.manifestPath}, or 2) set 'aof-load-truncated' to yes`,
    );
  }
  log.warning(
    `!!! Warning: the append only file ${entry.name} did not end well (${where}). ` +
      `It is cut after the last whole command: ${size - validUpTo} bytes from offset ${validUpTo} are dropped !!!`,
  );
}

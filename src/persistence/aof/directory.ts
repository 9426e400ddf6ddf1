/**
 * The append-only directory of a running server: creates its files, and is the only one that changes its manifest.
 * Owns the manifest in memory (always the last one that was persisted for certain) and the numbering of files.
 *
 * Invariants:
 * - Changes of the manifest happen one after the other, and a file's bytes and name are durable before a manifest
 *   names it.
 * - A number is used once per process. When persisting fails, nobody knows whether the disk has the old manifest or
 *   the new one, so a file that either may name is not removed, nor its name reused, before another one is persisted.
 */
import { crc32c } from "../../base/checksum.ts";
import { type FileHandle, type Files, writeFully } from "../../base/files.ts";
import type { Log } from "../../base/log.ts";
import { errorText, salvageAdvice } from "./error-text.ts";
import { BLOCKS_HEADER, baseFileName, incrFileName, manifestFileName, parseFileName } from "./format.ts";
import {
  type AofManifest,
  ManifestError,
  persistManifest,
  readManifest,
  type TierReference,
} from "./manifest.ts";

/** What a file holds behind its last block line: whole commands that the next line has to cover. */
export interface UnclosedBlock {
  readonly length: number;
  /** CRC-32C of those bytes. */
  readonly checksum: number;
}

/** An incr file that is open for appending. */
export interface OpenIncr {
  readonly sequence: number;
  readonly name: string;
  readonly handle: FileHandle;
  /** Offset behind its last byte; all of it is durable. */
  readonly sizeBytes: number;
  readonly unclosed: UnclosedBlock;
}

/** How much of an incr file can be used, as its reader found. */
export interface IncrTail {
  /** Offset behind the last whole command. */
  readonly validUpTo: number;
  /** Offset behind the last intact block line; commands from there to `validUpTo` have none yet. */
  readonly verifiedUpTo: number;
  /** The highest offset that an intact block line calls synced; 0 is safe, and makes the whole file written again. */
  readonly syncedUpTo: number;
}

/** Tells where an incr file ends because what follows could not be synced. */
export interface VoidedIncr {
  readonly sequence: number;
  /** Bytes from this offset on are void. */
  readonly end: number;
}

export interface AofDirectoryOptions {
  readonly files: Files;
  /** The working directory (`dir`). */
  readonly folder: string;
  readonly appenddirname: string;
  readonly appendfilename: string;
  readonly log: Log;
  /** False keeps history files (aof-disable-auto-gc yes). */
  readonly removesHistory: boolean;
}

/** How much is read and written at a time. */
const COPY_BYTES = 1024 * 1024;

export const NOTHING_UNCLOSED: UnclosedBlock = { length: 0, checksum: 0 };

export class AofDirectory {
  /** Where the files are. */
  readonly path: string;
  /** Whether a rewrite removes the files that it replaces. */
  removesHistory: boolean;
  private readonly options: AofDirectoryOptions;
  private readonly files: Files;
  private current: AofManifest;
  private lastBase: number;
  private lastIncr: number;
  /** Files that count for nothing once the manifest in memory is persisted. */
  private readonly strays: string[] = [];
  /** True when the disk may have another manifest than `current`: an attempt to persist failed midway. */
  private isUnsure = false;
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(options: AofDirectoryOptions, path: string, manifest: AofManifest) {
    this.options = options;
    this.files = options.files;
    this.path = path;
    this.removesHistory = options.removesHistory;
    this.current = manifest;
    this.lastBase = manifest.base?.sequence ?? 0;
    this.lastIncr = manifest.incr.at(-1)?.sequence ?? 0;
    for (const file of manifest.history) {
      // A history file may bear a higher number than what replaced it, if a stock server numbered it.
      if (file.name === incrFileName(options.appendfilename, file.sequence)) {
        this.lastIncr = Math.max(this.lastIncr, file.sequence);
      } else this.lastBase = Math.max(this.lastBase, file.sequence);
    }
  }

  /** Creates the directory where missing, reads its manifest, and takes in an AOF of a Redis before 7 (one file
   * beside an absent directory) as Redis 7 does. Throws ManifestError, or the system's error. */
  static async open(options: AofDirectoryOptions): Promise<AofDirectory> {
    const { files, folder, appendfilename } = options;
    const path = `${folder}/${options.appenddirname}`;
    await files.mkdir(path);
    await files.syncDirectory(folder);
    // The process before may have been killed between renaming a manifest and making that durable: what is read now
    // must not be undone by a power cut later.
    await files.syncDirectory(path);
    const found = await readOwnManifest(files, `${path}/${manifestFileName(appendfilename)}`);
    const directory = new AofDirectory(options, path, found ?? { incr: [], history: [] });
    await directory.takeInOldFile();
    return directory;
  }

  /**
   * Throws ManifestError if the manifest names no file at all, or no base file, though one must have: the folder has
   * files that only a later rewrite can have made. Who is killed before its first manifest is written leaves only such
   * as are numbered 1, and while incr file 1 is listed no rewrite has ended.
   */
  async refuseLostManifest(): Promise<void> {
    const { base, incr } = this.current;
    if (base !== undefined || incr.at(0)?.sequence === 1) return;
    const isMissing = incr.length === 0;
    const { appendfilename } = this.options;
    for (const name of await this.files.readdir(this.path)) {
      const said = parseFileName(name);
      if (said?.appendfilename !== appendfilename || said.sequence === 1) continue;
      if (said.isIncr && !isMissing) continue;
      const what = isMissing ? "is missing" : "names no base file";
      throw new ManifestError(
        `The AOF manifest ${this.manifestPath} ${what}, but its file ${name} is there. ` +
          salvageAdvice(this.manifestPath),
      );
    }
  }

  get manifestPath(): string {
    return this.pathOf(manifestFileName(this.options.appendfilename));
  }

  /** What the directory consists of. */
  get manifest(): AofManifest {
    return this.current;
  }

  /** Path of a file of the directory. */
  pathOf(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Creates the next incr file, durably, with its header line. It counts for nothing until `listIncr`. */
  async createIncr(): Promise<OpenIncr> {
    const sequence = ++this.lastIncr;
    const name = incrFileName(this.options.appendfilename, sequence);
    const handle = await this.files.open(this.pathOf(name), "create");
    const incr = { sequence, name, handle, sizeBytes: BLOCKS_HEADER.length, unclosed: NOTHING_UNCLOSED };
    try {
      await writeFully(handle, BLOCKS_HEADER, 0);
      await handle.datasync();
      await this.files.syncDirectory(this.path);
    } catch (error) {
      await this.discardIncr(incr);
      throw error;
    }
    return incr;
  }

  /** Makes a created file the last incr file of the manifest and, in the same step, ends another one. When this
   * rejects, the file may be named by the disk's manifest all the same: it is left as it is. */
  listIncr(incr: OpenIncr, voided?: VoidedIncr): Promise<void> {
    return this.change((manifest) => ({
      ...manifest,
      incr: [...withEnd(manifest, voided), { name: incr.name, sequence: incr.sequence }],
    }));
  }

  /** Creates and lists the next incr file. */
  async addIncr(): Promise<OpenIncr> {
    const incr = await this.createIncr();
    try {
      await this.listIncr(incr);
    } catch (error) {
      await this.discardIncr(incr);
      throw error;
    }
    return incr;
  }

  /** Closes and removes a created file that will not be used, as soon as no manifest can name it. Never rejects. */
  async discardIncr(incr: OpenIncr): Promise<void> {
    await incr.handle.close().catch(() => undefined);
    this.strays.push(incr.name);
    await this.exclusively(() => this.removeStrays());
  }

  /** Declares the bytes of an incr file from an offset on void. */
  markEnd(sequence: number, end: number): Promise<void> {
    return this.change((manifest) => ({ ...manifest, incr: withEnd(manifest, { sequence, end }) }));
  }

  /**
   * Opens the last incr file to go on behind its good bytes, makes these durable, and cuts off what follows them.
   * Only for a file of blocks that has no `end`; otherwise `addIncr` begins a new one.
   */
  async openLastIncr(tail: IncrTail): Promise<OpenIncr> {
    const last = this.current.incr.at(-1);
    if (last === undefined) throw new Error("there is no incr file to open");
    if (last.end !== undefined) throw new Error(`incr file ${last.name} has ended`);
    const handle = await this.files.open(this.pathOf(last.name), "update");
    try {
      const checksum = await settleTail(handle, tail);
      const unclosed = { length: tail.validUpTo - tail.verifiedUpTo, checksum };
      return { sequence: last.sequence, name: last.name, handle, sizeBytes: tail.validUpTo, unclosed };
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
  }

  /** Does the same to an incr file that others follow, and leaves it closed. Needed before anything is appended to
   * a later file when a cut was under way at the end: this file was the last with bytes, the later ones are empty. */
  async settleIncr(sequence: number, tail: IncrTail): Promise<void> {
    const incr = this.current.incr.find((file) => file.sequence === sequence);
    if (incr === undefined) throw new Error(`there is no incr file ${sequence}`);
    const handle = await this.files.open(this.pathOf(incr.name), "update");
    try {
      await settleTail(handle, tail);
    } finally {
      await handle.close();
    }
  }

  /**
   * A rewrite is finished: the file at `temporaryPath`, complete and synced, becomes the base; the incr files from
   * `firstIncr` on belong to it; all earlier files become history and are removed. When this rejects, the old set or
   * the new one is in force on the disk, each whole; the old one goes on in memory.
   * @param unlisted an incr file not yet in the manifest, which is listed in the same step: the log begins with it
   */
  async replaceBase(
    temporaryPath: string,
    format: "rdb" | "aof",
    firstIncr: number,
    tier?: TierReference,
    unlisted?: OpenIncr,
  ): Promise<void> {
    const sequence = ++this.lastBase;
    const name = baseFileName(this.options.appendfilename, sequence, format);
    await this.files.rename(temporaryPath, this.pathOf(name));
    await this.files.syncDirectory(this.path);
    try {
      await this.change((manifest) => ({
        base: { name, sequence },
        incr: [
          ...manifest.incr.filter((file) => file.sequence >= firstIncr),
          ...(unlisted === undefined ? [] : [{ name: unlisted.name, sequence: unlisted.sequence }]),
        ],
        history: [
          ...manifest.history,
          ...(manifest.base === undefined ? [] : [manifest.base]),
          ...manifest.incr
            .filter((file) => file.sequence < firstIncr)
            .map((file) => ({ name: file.name, sequence: file.sequence })),
        ],
        ...(tier === undefined ? {} : { tier }),
      }));
    } catch (error) {
      this.strays.push(name);
      throw error;
    }
    await this.removeHistory();
  }

  /** Removes history files and then their lines. A failure is logged and left for the next time: they do no harm. */
  removeHistory(): Promise<void> {
    return this.exclusively(async () => {
      if (!this.removesHistory || this.current.history.length === 0) return;
      try {
        for (const file of this.current.history) {
          this.options.log.notice(`Removing the history file ${file.name} in the background`);
          await this.files.unlink(this.pathOf(file.name));
        }
        await this.persist({ ...this.current, history: [] });
      } catch (error) {
        this.options.log.warning(`Could not remove AOF history files: ${errorText(error)}`);
      }
    });
  }

  private async takeInOldFile(): Promise<void> {
    const { folder, appendfilename, log } = this.options;
    const oldPath = `${folder}/${appendfilename}`;
    const old = await this.files.stat(oldPath);
    if (old === undefined || old.isDirectory) return;
    const { base, incr } = this.current;
    if (incr.length > 0) return;
    // A base that bears the old file's name but is not there is an upgrade that stopped before the last step.
    const isInterrupted =
      base?.name === appendfilename && (await this.files.stat(this.pathOf(appendfilename))) === undefined;
    if (base !== undefined && !isInterrupted) return;
    this.lastBase = 1;
    await this.change((manifest) => ({ ...manifest, base: { name: appendfilename, sequence: 1 } }));
    await this.files.rename(oldPath, this.pathOf(appendfilename));
    await this.files.syncDirectory(this.path);
    await this.files.syncDirectory(folder);
    log.notice(
      `Successfully migrated an old-style AOF file (${appendfilename}) into the AOF directory (${this.options.appenddirname}).`,
    );
  }

  private change(edit: (manifest: AofManifest) => AofManifest): Promise<void> {
    return this.exclusively(() => this.persist(edit(this.current)));
  }

  /** Runs one step after all earlier ones. */
  private exclusively<T>(step: () => Promise<T>): Promise<T> {
    const result = this.turn.then(step);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async persist(next: AofManifest): Promise<void> {
    this.isUnsure = true;
    await persistManifest(this.files, this.path, this.options.appendfilename, next);
    this.isUnsure = false;
    this.current = next;
    await this.removeStrays();
  }

  private async removeStrays(): Promise<void> {
    if (this.isUnsure) return;
    for (const name of this.strays.splice(0)) {
      await this.files.unlink(this.pathOf(name)).catch((error: unknown) => {
        this.options.log.warning(`Could not remove the unused AOF file ${name}: ${errorText(error)}`);
      });
    }
  }
}

async function readOwnManifest(files: Files, path: string): Promise<AofManifest | undefined> {
  try {
    return await readManifest(files, path);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    throw new ManifestError(`${error.message}. ${salvageAdvice(path)}`, error.line);
  }
}

/**
 * Cuts a file behind its good bytes and makes these durable. What no block line calls synced is written once more:
 * the process before may have died after a failed datasync, and then the system shows bytes that it has given up
 * bringing to the disk. Returns the CRC-32C of the bytes behind the last block line.
 */
async function settleTail(handle: FileHandle, tail: IncrTail): Promise<number> {
  const { validUpTo, verifiedUpTo, syncedUpTo } = tail;
  const from = Math.min(syncedUpTo, verifiedUpTo);
  const buffer = Buffer.allocUnsafe(Math.min(validUpTo - from, COPY_BYTES));
  let checksum = 0;
  for (let position = from; position < validUpTo; ) {
    const stop = position < verifiedUpTo ? verifiedUpTo : validUpTo;
    const piece = buffer.subarray(0, Math.min(buffer.length, stop - position));
    const count = await handle.read(piece, position);
    if (count < piece.length)
      throw new Error(`AOF file ends at ${position + count}, before offset ${validUpTo}`);
    if (position >= verifiedUpTo) checksum = crc32c(piece, checksum);
    await writeFully(handle, piece, position);
    position += count;
  }
  if ((await handle.size()) > validUpTo) await handle.truncate(validUpTo);
  await handle.datasync();
  return checksum;
}

function withEnd(manifest: AofManifest, voided: VoidedIncr | undefined): AofManifest["incr"] {
  if (voided === undefined) return manifest.incr;
  return manifest.incr.map((file) =>
    file.sequence === voided.sequence ? { ...file, end: Math.min(file.end ?? voided.end, voided.end) } : file,
  );
}

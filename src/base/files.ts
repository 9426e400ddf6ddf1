/**
 * The one door to the file system. Everything that must survive a crash (append-only files, manifests, RDB
 * files) goes through `Files`, so that tests can put a simulated disk behind it that loses what was not synced.
 * Real implementation: `realFiles` in real-files.ts; simulated one: test/support/simulated-files.ts.
 *
 * Errors are Node's system errors: an `Error` with `code` ("ENOENT", "ENOSPC", "EIO", ...).
 * Durability rules are POSIX's: a file's bytes are safe after `datasync`, a name (create, rename, unlink) after
 * `syncDirectory` of its folder. Nothing else promises anything after a crash.
 */

/** How to open a file: "read" an existing one; "update" an existing one for reading and writing; "create" a new
 * empty one (an existing one is emptied) for reading and writing. */
export type OpenMode = "read" | "update" | "create";

export interface FileInfo {
  readonly size: number;
  readonly isDirectory: boolean;
}

/** What readers need of a file. */
export interface ReadableFile {
  /** Reads into all of `target` from byte `position`; resolves to the bytes read: fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Present length in bytes. */
  size(): Promise<number>;
}

export interface FileHandle extends ReadableFile {
  /** Writes `data` at byte `position`; resolves to the bytes written, which may be fewer (disk nearly full):
   * the caller goes on from there, and gets the error on the next call. */
  write(data: Uint8Array, position: number): Promise<number>;
  /** As `write`, at once and on the calling thread; throws instead of rejecting. For a small piece the copy into the
   * system's cache takes less time than handing the work to another thread. */
  writeSync(data: Uint8Array, position: number): number;
  /** Makes all bytes written so far, and the file's length, durable. */
  datasync(): Promise<void>;
  /** As `datasync`, at once and on the calling thread; throws instead of rejecting. Absent where it would be slow. */
  readonly datasyncSync?: () => void;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export interface Files {
  open(path: string, mode: OpenMode): Promise<FileHandle>;
  /** The whole file. */
  readFile(path: string): Promise<Buffer>;
  /** undefined if there is nothing at that path. */
  stat(path: string): Promise<FileInfo | undefined>;
  /** Names in a folder, in no particular order. */
  readdir(path: string): Promise<string[]>;
  /** Creates the folder and its parents where missing. */
  mkdir(path: string): Promise<void>;
  /** Atomically replaces `to`. Durable after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; no error if it is not there. */
  unlink(path: string): Promise<void>;
  /** Removes a folder and all below it; no error if it is not there. */
  removeTree(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
}

/** Writes all of `data`, going on after short writes. */
export async function writeFully(file: FileHandle, data: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < data.length) {
    const rest = done === 0 ? data : data.subarray(done);
    done += await file.write(rest, position + done);
  }
}

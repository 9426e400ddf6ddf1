/**
 * A disk in memory behind the `Files` interface that loses, at a power cut, whatever POSIX does not promise to keep.
 * What may become of bytes is told in simulated-bytes.ts, of names in simulated-names.ts; delays, faults and the
 * death of the process in simulated-process.ts. Everything follows from the seed.
 *
 * A test runs its subject on the disk, then `crash()` (power cut: unsynced things may be lost) or `kill()` (the
 * process died, the system lives on: everything written stays), then `restart()`, and runs it again on what is
 * left. Calls and open files of the life before never settle; nor do calls that its subject makes later still, if it
 * was given `ofProcess()` instead of the disk itself. To end a run at every point there is, count the
 * calls of a whole run (`process.callCount`), and repeat it with `process.stopAtCall(n)` for each n. To see many
 * outcomes of one moment, `clone(seed)` the disk and crash the clones.
 */
import type { FileHandle, FileInfo, Files, OpenMode } from "../../src/base/files.ts";
import { type Random, SeededRandom } from "../../src/base/random.ts";
import { SimulatedBytes } from "./simulated-bytes.ts";
import { SimulatedFolder, SimulatedNames } from "./simulated-names.ts";
import {
  type CallSteps,
  type Fault,
  type FaultRule,
  SimulatedProcess,
  systemError,
} from "./simulated-process.ts";

export type FileOperation = keyof Files | keyof FileHandle;

export interface SimulatedDiskOptions {
  /** Its files have `datasyncSync`. */
  readonly isQuick?: boolean;
  readonly seed?: number;
  /** The unit that reaches the disk whole; 512 unless told. */
  readonly sectorSizeBytes?: number;
  /** The bytes all files together may have; no limit unless told. */
  readonly capacityBytes?: number;
  readonly fault?: FaultRule;
  /** The process to share with a simulated store; one of its own unless told. */
  readonly process?: SimulatedProcess;
}

export class SimulatedDisk implements Files {
  readonly process: SimulatedProcess;
  readonly #options: SimulatedDiskOptions;
  readonly #random: Random;
  readonly #sectorSize: number;
  #capacity: number;
  readonly #isQuick: boolean;
  #names = new SimulatedNames();
  #openFiles = 0;

  constructor(options: SimulatedDiskOptions = {}) {
    const seed = options.seed ?? 0;
    this.#options = options;
    this.process = options.process ?? new SimulatedProcess(seed);
    if (options.fault !== undefined) this.process.fault = options.fault;
    this.#random = new SeededRandom(seed, 2);
    this.#isQuick = options.isQuick ?? false;
    this.#sectorSize = options.sectorSizeBytes ?? 512;
    this.#capacity = options.capacityBytes ?? Number.POSITIVE_INFINITY;
  }

  /** The next call to `op` fails with `code`. */
  failNext(op: FileOperation, code: Fault): void {
    this.process.failNext(op, code);
  }

  set capacityBytes(bytes: number) {
    this.#capacity = bytes;
  }

  /** Bytes in all files that have a name. */
  get usedBytes(): number {
    let total = 0;
    for (const [, bytes] of this.#names.files()) total += bytes.length;
    return total;
  }

  /** Files the present process has open: none should be left after an orderly end. */
  get openFiles(): number {
    return this.#openFiles;
  }

  /** Cuts the power: the process ends, and of what was not synced some may be lost. */
  crash(): void {
    this.process.stop();
    this.#names = this.#names.afterPowerCut(this.#random);
  }

  /** Ends the process; the system lives on and keeps everything written. */
  kill(): void {
    this.process.stop();
  }

  /** Lets a new process use what is on the disk. */
  restart(): void {
    this.process.restart();
    this.#openFiles = 0;
  }

  /** The disk as the present process has it: once that has died no call settles or does anything, even if it is made
   * when another process has taken its place. */
  ofProcess(): Files {
    const { process } = this;
    const { life } = process;
    return new Proxy<Files>(this, {
      get: (disk, name: keyof Files) => {
        if (!process.isAlive(life)) return () => new Promise(() => {});
        return disk[name].bind(disk);
      },
    });
  }

  /** A disk of its own with the same content, synced and unsynced, and another fate. Its process is new. */
  clone(seed: number): SimulatedDisk {
    const { process: _shared, ...options } = this.#options;
    const copy = new SimulatedDisk({ ...options, seed, sectorSizeBytes: this.#sectorSize });
    copy.#names = this.#names.clone((bytes) => bytes.clone());
    copy.#capacity = this.#capacity;
    return copy;
  }

  /** All files as programs see them, by path; at once, whatever the process does. */
  contents(): Map<string, Buffer> {
    const result = new Map<string, Buffer>();
    for (const [path, bytes] of this.#names.files()) result.set(path, bytes.content());
    return result;
  }

  /** Puts a file, name and bytes, durably in place, at once: to set a test up, or to damage what is there. */
  place(path: string, data: Uint8Array): void {
    this.#names.place(path, new SimulatedBytes(this.#sectorSize, data));
  }

  open(path: string, mode: OpenMode): Promise<FileHandle> {
    return this.#call("open", path, () => {
      const { folder, name } = this.#names.locate(path, "open");
      let node = folder.names.get(name);
      if (node instanceof SimulatedFolder) throw systemError("EISDIR", "open", path);
      if (node === undefined) {
        if (mode !== "create") throw systemError("ENOENT", "open", path);
        node = new SimulatedBytes(this.#sectorSize);
        this.#names.set(folder, name, node);
      } else if (mode === "create") {
        node.truncate(0);
      }
      this.#openFiles++;
      return this.#handle(path, node, mode !== "read");
    });
  }

  readFile(path: string): Promise<Buffer> {
    return this.#call("readFile", path, () => {
      const node = this.#names.find(path);
      if (node === undefined) throw systemError("ENOENT", "open", path);
      if (node instanceof SimulatedFolder) throw systemError("EISDIR", "read", path);
      return node.content();
    });
  }

  stat(path: string): Promise<FileInfo | undefined> {
    return this.#call("stat", path, () => {
      const node = this.#names.find(path);
      if (node === undefined) return undefined;
      return node instanceof SimulatedFolder
        ? { size: 0, isDirectory: true }
        : { size: node.length, isDirectory: false };
    });
  }

  readdir(path: string): Promise<string[]> {
    return this.#call("readdir", path, () => [...this.#folder(path, "readdir").names.keys()]);
  }

  mkdir(path: string): Promise<void> {
    return this.#call("mkdir", path, () => {
      this.#names.mkdir(path);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call("rename", from, () => {
      this.#names.rename(from, to);
    });
  }

  unlink(path: string): Promise<void> {
    return this.#call("unlink", path, () => {
      const node = this.#names.find(path);
      if (node instanceof SimulatedFolder) throw systemError("EISDIR", "unlink", path);
      if (node === undefined) return;
      const { folder, name } = this.#names.locate(path, "unlink");
      this.#names.set(folder, name, undefined);
    });
  }

  removeTree(path: string): Promise<void> {
    return this.#call("removeTree", path, () => {
      if (this.#names.find(path) === undefined) return;
      const { folder, name } = this.#names.locate(path, "removeTree");
      this.#names.removeTree(folder, name);
    });
  }

  syncDirectory(path: string): Promise<void> {
    return this.#call("syncDirectory", path, () => {
      this.#names.sync(this.#folder(path, "fsync"));
    });
  }

  #folder(path: string, op: string): SimulatedFolder {
    const node = this.#names.find(path);
    if (node === undefined) throw systemError("ENOENT", op, path);
    if (!(node instanceof SimulatedFolder)) throw systemError("ENOTDIR", op, path);
    return node;
  }

  #call<T>(op: FileOperation, path: string, perform: () => T): Promise<T> {
    const fail = (code: string): Error => systemError(code, op, path);
    return this.process.call(this.process.life, op, path, { perform, fail });
  }

  #handle(path: string, bytes: SimulatedBytes, isWritable: boolean): FileHandle {
    const roomFor = (length: number, position: number): number => {
      if (this.#capacity === Number.POSITIVE_INFINITY) return length;
      const growth = Math.max(0, position + length - bytes.length);
      const room = Math.max(0, this.#capacity - this.usedBytes);
      return growth <= room ? length : length - (growth - room);
    };
    const closed = (): void => {
      this.#openFiles--;
    };
    return new SimulatedHandle({
      process: this.process,
      random: this.#random,
      path,
      bytes,
      isWritable,
      isQuick: this.#isQuick,
      roomFor,
      closed,
    });
  }
}

interface HandleParts {
  readonly process: SimulatedProcess;
  readonly random: Random;
  readonly path: string;
  readonly bytes: SimulatedBytes;
  readonly isWritable: boolean;
  /** Whether the handle has `datasyncSync`. */
  readonly isQuick: boolean;
  /** How much of a write of `length` bytes at `position` fits on the disk; 0 or less if nothing does. */
  readonly roomFor: (length: number, position: number) => number;
  readonly closed: () => void;
}

class SimulatedHandle implements FileHandle {
  readonly datasyncSync?: () => void;
  readonly #parts: HandleParts;
  readonly #life: number;
  #closing = false;
  readonly #callsUnderWay = new Set<Promise<unknown>>();

  constructor(parts: HandleParts) {
    this.#parts = parts;
    this.#life = parts.process.life;
    if (parts.isQuick) this.datasyncSync = () => this.#datasyncSync();
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#call("read", { perform: () => this.#parts.bytes.read(target, position) });
  }

  write(data: Uint8Array, position: number): Promise<number> {
    return this.#call("write", this.#writing(data, position));
  }

  writeSync(data: Uint8Array, position: number): number {
    const { process, path } = this.#parts;
    if (this.#closing) throw systemError("EBADF", "write", path);
    const fail = (code: string): Error => systemError(code, "write", path);
    return process.callSync(this.#life, "write", path, { fail, ...this.#writing(data, position) });
  }

  #writing(data: Uint8Array, position: number): Pick<CallSteps<number>, "perform" | "interrupt"> {
    const { bytes, random, roomFor } = this.#parts;
    return {
      perform: (isShort) => {
        this.#mustBeWritable("write");
        const wanted = isShort && data.length > 1 ? 1 + random.below(data.length - 1) : data.length;
        const length = Math.min(wanted, roomFor(data.length, position));
        if (length <= 0 && data.length > 0) throw systemError("ENOSPC", "write", this.#parts.path);
        bytes.write(data.subarray(0, length), position);
        return length;
      },
      interrupt: () => {
        const length = Math.min(random.below(data.length + 1), roomFor(data.length, position));
        if (this.#parts.isWritable && length > 0) bytes.write(data.subarray(0, length), position);
      },
    };
  }

  datasync(): Promise<void> {
    return this.#call<void>("datasync", this.#syncing());
  }

  #datasyncSync(): void {
    const { process, path } = this.#parts;
    if (this.#closing) throw systemError("EBADF", "fdatasync", path);
    process.callSync(this.#life, "datasync", path, this.#syncing());
  }

  #syncing(): Pick<CallSteps<void>, "perform" | "fail"> {
    return {
      perform: () => {
        this.#parts.bytes.sync();
      },
      fail: (code) => {
        this.#parts.bytes.failSync(this.#parts.random);
        return systemError(code, "fdatasync", this.#parts.path);
      },
    };
  }

  truncate(length: number): Promise<void> {
    return this.#call<void>("truncate", {
      perform: () => {
        this.#mustBeWritable("ftruncate");
        if (length > this.#parts.bytes.length && this.#parts.roomFor(length, 0) < length) {
          throw systemError("ENOSPC", "ftruncate", this.#parts.path);
        }
        this.#parts.bytes.truncate(length);
      },
    });
  }

  size(): Promise<number> {
    return this.#call("size", { perform: () => this.#parts.bytes.length });
  }

  async close(): Promise<void> {
    if (this.#closing) throw systemError("EBADF", "close", this.#parts.path);
    this.#closing = true;
    await Promise.allSettled(this.#callsUnderWay);
    const fail = (code: string): Error => systemError(code, "close", this.#parts.path);
    await this.#parts.process.call(this.#life, "close", this.#parts.path, {
      perform: this.#parts.closed,
      fail,
    });
  }

  #mustBeWritable(op: string): void {
    if (!this.#parts.isWritable) throw systemError("EBADF", op, this.#parts.path);
  }

  #call<T>(op: FileOperation, steps: Partial<CallSteps<T>> & Pick<CallSteps<T>, "perform">): Promise<T> {
    const { process, path } = this.#parts;
    if (this.#closing) return Promise.reject(systemError("EBADF", op, path));
    const fail = (code: string): Error => systemError(code, op, path);
    const result = process.call<T>(this.#life, op, path, { fail, ...steps });
    this.#callsUnderWay.add(result);
    const done = (): void => {
      this.#callsUnderWay.delete(result);
    };
    result.then(done, done);
    return result;
  }
}

/**
 * A data directory that a server may write to, while nothing in it changes: what is written goes to a scratch folder,
 * and is found there from then on. So a tool can start a server on a directory and see exactly what it would serve.
 *
 * Owns which paths of the directory are no longer what they were. Bytes that are written where the same bytes stand
 * already change nothing, and no file is copied for them: a server writes the end of its last file once more.
 */
import { dirname, join, resolve } from "node:path";
import type { FileHandle, FileInfo, Files, OpenMode } from "../../src/base/files.ts";
import { copyFile } from "./copies.ts";
import { cloneStore } from "./store-clone.ts";

/** What has become of a path: it is elsewhere, or ends earlier than it did. */
interface Place {
  readonly path: string;
  /** Bytes from here on are cut off. */
  length: number;
}

export class OverlayFiles implements Files {
  readonly #files: Files;
  readonly #scratch: string;
  /** What is no longer where its name says; undefined if it is gone. */
  readonly #places = new Map<string, Place | undefined>();
  /** Folders that exist here only; and such as are gone with all that was in them. */
  readonly #folders = new Set<string>();
  readonly #removed: string[] = [];
  /** Where the stores of these folders are, which LevelDB writes to by itself. */
  readonly #stores = new Map<string, string>();
  #numbered = 0;

  /** `scratch` is an empty folder; who made it removes it. */
  constructor(files: Files, scratch: string) {
    this.#files = files;
    this.#scratch = scratch;
  }

  /** The folder that a store at `path` is to be opened in: a copy of the store there, or a new one. */
  async storeFolder(path: string): Promise<string> {
    const logical = resolve(path);
    const known = this.#stores.get(logical);
    if (known !== undefined) return known;
    const folder = this.#newPath();
    await this.#files.mkdir(folder);
    if (!this.#isRemoved(logical) && (await this.#files.stat(logical)) !== undefined)
      await cloneStore(this.#files, logical, folder);
    this.#stores.set(logical, folder);
    return folder;
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    const logical = resolve(path);
    if (mode === "create") {
      const created = this.#newPath();
      this.#places.set(logical, { path: created, length: Number.POSITIVE_INFINITY });
      return this.#files.open(created, "create");
    }
    const place = this.#placeOf(logical);
    if (place === undefined) throw missing(path);
    if (mode === "read" || place.path.startsWith(this.#scratch)) {
      const file = await this.#files.open(place.path, mode);
      return place.length === Number.POSITIVE_INFINITY ? file : new SharedFile(file, place, noCopy);
    }
    this.#places.set(logical, place);
    return new SharedFile(await this.#files.open(place.path, "read"), place, async () => {
      const copy = this.#newPath();
      await copyFile(this.#files, place.path, copy);
      const file = await this.#files.open(copy, "update");
      if (place.length !== Number.POSITIVE_INFINITY) await file.truncate(place.length);
      this.#places.set(logical, { path: copy, length: Number.POSITIVE_INFINITY });
      return file;
    });
  }

  async readFile(path: string): Promise<Buffer> {
    const place = this.#placeOf(resolve(path));
    if (place === undefined) throw missing(path);
    return (await this.#files.readFile(place.path)).subarray(0, place.length);
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    const logical = resolve(path);
    const place = this.#placeOf(logical);
    const info = place === undefined ? undefined : await this.#files.stat(place.path);
    if (info === undefined) return this.#folders.has(logical) ? { size: 0, isDirectory: true } : undefined;
    return { ...info, size: Math.min(info.size, place!.length) };
  }

  async readdir(path: string): Promise<string[]> {
    const logical = resolve(path);
    const names = new Set<string>();
    const isReal = !this.#isRemoved(logical) && (await this.#files.stat(logical)) !== undefined;
    if (isReal) for (const name of await this.#files.readdir(logical)) names.add(name);
    for (const [each, place] of this.#places) {
      if (dirname(each) !== logical) continue;
      const name = each.slice(logical.length + 1);
      if (place === undefined) names.delete(name);
      else names.add(name);
    }
    return [...names].filter((name) => isReal || this.#places.has(join(logical, name)));
  }

  async mkdir(path: string): Promise<void> {
    this.#folders.add(resolve(path));
  }

  async rename(from: string, to: string): Promise<void> {
    const place = this.#placeOf(resolve(from));
    if (place === undefined) throw missing(from);
    this.#places.set(resolve(to), place);
    this.#places.set(resolve(from), undefined);
  }

  async unlink(path: string): Promise<void> {
    this.#places.set(resolve(path), undefined);
  }

  async removeTree(path: string): Promise<void> {
    const logical = resolve(path);
    this.#removed.push(logical);
    this.#folders.delete(logical);
    for (const each of this.#places.keys()) if (isBelow(each, logical)) this.#places.delete(each);
    const store = this.#stores.get(logical);
    this.#stores.delete(logical);
    if (store !== undefined) await this.#files.removeTree(store);
  }

  /** Nothing here outlives the process. */
  async syncDirectory(): Promise<void> {}

  #placeOf(logical: string): Place | undefined {
    if (this.#places.has(logical)) return this.#places.get(logical);
    if (this.#isRemoved(logical)) return undefined;
    return { path: logical, length: Number.POSITIVE_INFINITY };
  }

  #isRemoved(logical: string): boolean {
    return this.#removed.some((tree) => isBelow(logical, tree));
  }

  #newPath(): string {
    this.#numbered++;
    return join(this.#scratch, String(this.#numbered));
  }
}

function isBelow(path: string, tree: string): boolean {
  return path === tree || path.startsWith(`${tree}/`);
}

function noCopy(): Promise<FileHandle> {
  return Promise.reject(new Error("a file that was opened for reading is written to"));
}

function missing(path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), {
    code: "ENOENT",
    syscall: "open",
  });
}

/** A file of the directory until somebody changes it, and from then on a copy. */
class SharedFile implements FileHandle {
  #file: FileHandle;
  readonly #place: Place;
  readonly #copy: () => Promise<FileHandle>;
  #isOwn = false;

  constructor(file: FileHandle, place: Place, copy: () => Promise<FileHandle>) {
    this.#file = file;
    this.#place = place;
    this.#copy = copy;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    if (this.#isOwn) return this.#file.read(target, position);
    const length = Math.max(0, Math.min(target.length, this.#place.length - position));
    return this.#file.read(target.subarray(0, length), position);
  }

  async write(data: Uint8Array, position: number): Promise<number> {
    if (!this.#isOwn) {
      const present = Buffer.allocUnsafe(data.length);
      const count = await this.read(present, position);
      if (count === data.length && present.equals(data)) return data.length;
      const original = this.#file;
      this.#file = await this.#copy();
      this.#isOwn = true;
      await original.close();
    }
    return this.#file.write(data, position);
  }

  writeSync(): number {
    throw new Error("a file of a directory that must not change is appended to");
  }

  async datasync(): Promise<void> {}

  async truncate(length: number): Promise<void> {
    if (this.#isOwn) await this.#file.truncate(length);
    else this.#place.length = Math.min(this.#place.length, length);
  }

  async size(): Promise<number> {
    const size = await this.#file.size();
    return this.#isOwn ? size : Math.min(size, this.#place.length);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

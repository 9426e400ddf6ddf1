/**
 * Folders and names on the simulated disk. Every change of a name (create, rename, unlink, mkdir) is seen by programs
 * at once, and waits in a list until `syncDirectory` of its folder makes it durable.
 *
 * A power cut keeps, by seed, none, all, the first few, or any selection of the waiting changes, each whole: a rename
 * never shows both names or neither. A synced folder is reachable only if its own name, in its parent, was synced
 * too.
 * A rename between two folders becomes durable with either of them, together with what else waits in the other.
 */
import { parse } from "node:path/posix";
import type { Random } from "../../src/base/random.ts";
import type { SimulatedBytes } from "./simulated-bytes.ts";
import { systemError } from "./simulated-process.ts";

export type SimulatedNode = SimulatedBytes | SimulatedFolder;

/** A folder: `names` as programs see it, `durableNames` as it stands on the disk. */
export class SimulatedFolder {
  readonly names = new Map<string, SimulatedNode>();
  readonly durableNames = new Map<string, SimulatedNode>();
}

interface NameChange {
  readonly folder: SimulatedFolder;
  readonly name: string;
  /** undefined: there is nothing of that name any more. */
  readonly node: SimulatedNode | undefined;
}

export class SimulatedNames {
  readonly root: SimulatedFolder;
  /** Changes not yet durable, oldest first; what stands in one list happens at once. */
  #waiting: (readonly NameChange[])[] = [];

  constructor(root = new SimulatedFolder()) {
    this.root = root;
  }

  find(path: string): SimulatedNode | undefined {
    let node: SimulatedNode | undefined = this.root;
    for (const name of parts(path)) {
      if (!(node instanceof SimulatedFolder)) return undefined;
      node = node.names.get(name);
    }
    return node;
  }

  /** The folder that holds the last name of `path`, and that name. Throws ENOENT, ENOTDIR. */
  locate(path: string, op: string): { folder: SimulatedFolder; name: string } {
    const names = parts(path);
    const name = names.pop();
    if (name === undefined) throw systemError("EBUSY", op, path);
    let folder = this.root;
    for (const parent of names) {
      const node = folder.names.get(parent);
      if (node === undefined) throw systemError("ENOENT", op, path);
      if (!(node instanceof SimulatedFolder)) throw systemError("ENOTDIR", op, path);
      folder = node;
    }
    return { folder, name };
  }

  set(folder: SimulatedFolder, name: string, node: SimulatedNode | undefined): void {
    this.#change([{ folder, name, node }]);
  }

  mkdir(path: string): void {
    let folder = this.root;
    for (const name of parts(path)) {
      const node = folder.names.get(name);
      if (node === undefined) {
        const created = new SimulatedFolder();
        this.set(folder, name, created);
        folder = created;
      } else if (node instanceof SimulatedFolder) {
        folder = node;
      } else {
        throw systemError(parts(path).at(-1) === name ? "EEXIST" : "ENOTDIR", "mkdir", path);
      }
    }
  }

  rename(from: string, to: string): void {
    const source = this.locate(from, "rename");
    const node = source.folder.names.get(source.name);
    if (node === undefined) throw systemError("ENOENT", "rename", from);
    const target = this.locate(to, "rename");
    const replaced = target.folder.names.get(target.name);
    if (replaced === node) return;
    if (node instanceof SimulatedFolder) {
      if (`${parts(to).join("/")}/`.startsWith(`${parts(from).join("/")}/`)) {
        throw systemError("EINVAL", "rename", from);
      }
      if (replaced !== undefined && !(replaced instanceof SimulatedFolder)) {
        throw systemError("ENOTDIR", "rename", from);
      }
      if (replaced !== undefined && replaced.names.size > 0) throw systemError("ENOTEMPTY", "rename", from);
    } else if (replaced instanceof SimulatedFolder) {
      throw systemError("EISDIR", "rename", from);
    }
    this.#change([
      { folder: source.folder, name: source.name, node: undefined },
      { folder: target.folder, name: target.name, node },
    ]);
  }

  /** Removes the node and all below it, deepest first, each removal a change of its own. */
  removeTree(folder: SimulatedFolder, name: string): void {
    const node = folder.names.get(name);
    if (node instanceof SimulatedFolder) {
      for (const child of node.names.keys()) this.removeTree(node, child);
    }
    this.set(folder, name, undefined);
  }

  /** Makes the folder's names durable. */
  sync(folder: SimulatedFolder): void {
    // A change that touches two folders draws the other one in: applied alone, it could come before older ones there.
    const folders = new Set([folder]);
    for (let before = 0; before !== folders.size; ) {
      before = folders.size;
      for (const changes of this.#waiting) {
        if (changes.some((change) => folders.has(change.folder))) {
          for (const change of changes) folders.add(change.folder);
        }
      }
    }
    this.#waiting = this.#waiting.filter((changes) => {
      const isSynced = changes.some((change) => folders.has(change.folder));
      if (isSynced) applyDurably(changes);
      return !isSynced;
    });
  }

  /** Puts `bytes` in place with all folders above, durably. */
  place(path: string, bytes: SimulatedBytes): void {
    const { dir } = parse(path);
    this.mkdir(dir);
    let folder = this.root;
    this.sync(folder);
    for (const name of parts(dir)) {
      const child = folder.names.get(name);
      if (!(child instanceof SimulatedFolder)) throw systemError("ENOTDIR", "place", path);
      folder = child;
      this.sync(folder);
    }
    this.set(folder, this.locate(path, "place").name, bytes);
    this.sync(folder);
  }

  /** The names, and what they name, as found after a power cut. */
  afterPowerCut(random: Random): SimulatedNames {
    const copy = this.clone((bytes) => bytes.afterPowerCut(random));
    const keeps = chooseKept(copy.#waiting.length, random);
    copy.#waiting.forEach((changes, order) => {
      if (keeps(order)) applyDurably(changes);
    });
    copy.#waiting = [];
    restoreDurable(copy.root);
    return copy;
  }

  /** A copy that shares nothing with this; `copyBytes` makes each file's bytes, once. */
  clone(copyBytes: (bytes: SimulatedBytes) => SimulatedBytes): SimulatedNames {
    const copies = new Map<SimulatedNode, SimulatedNode>();
    const copyNode = (node: SimulatedNode): SimulatedNode => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      if (!(node instanceof SimulatedFolder)) {
        const bytes = copyBytes(node);
        copies.set(node, bytes);
        return bytes;
      }
      return copyFolder(node);
    };
    const copyFolder = (folder: SimulatedFolder): SimulatedFolder => {
      const known = copies.get(folder);
      if (known instanceof SimulatedFolder) return known;
      const copy = new SimulatedFolder();
      copies.set(folder, copy);
      for (const [name, node] of folder.names) copy.names.set(name, copyNode(node));
      for (const [name, node] of folder.durableNames) copy.durableNames.set(name, copyNode(node));
      return copy;
    };
    const result = new SimulatedNames(copyFolder(this.root));
    result.#waiting = this.#waiting.map((changes) =>
      changes.map((change) => ({
        folder: copyFolder(change.folder),
        name: change.name,
        node: change.node === undefined ? undefined : copyNode(change.node),
      })),
    );
    return result;
  }

  /** Every file with its path, folders in the order they were made. */
  *files(): Generator<[path: string, bytes: SimulatedBytes]> {
    yield* filesBelow(this.root, "");
  }

  #change(changes: readonly NameChange[]): void {
    for (const { folder, name, node } of changes) setName(folder.names, name, node);
    this.#waiting.push(changes);
  }
}

function* filesBelow(folder: SimulatedFolder, path: string): Generator<[string, SimulatedBytes]> {
  for (const [name, node] of folder.names) {
    if (node instanceof SimulatedFolder) yield* filesBelow(node, `${path}/${name}`);
    else yield [`${path}/${name}`, node];
  }
}

function parts(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names;
}

function setName(names: Map<string, SimulatedNode>, name: string, node: SimulatedNode | undefined): void {
  if (node === undefined) names.delete(name);
  else names.set(name, node);
}

function applyDurably(changes: readonly NameChange[]): void {
  for (const { folder, name, node } of changes) setName(folder.durableNames, name, node);
}

function restoreDurable(folder: SimulatedFolder): void {
  folder.names.clear();
  for (const [name, node] of folder.durableNames) {
    folder.names.set(name, node);
    if (node instanceof SimulatedFolder) restoreDurable(node);
  }
}

function chooseKept(count: number, random: Random): (order: number) => boolean {
  const edge = random.below(count + 1);
  switch (random.below(4)) {
    case 0:
      return () => false;
    case 1:
      return () => true;
    case 2:
      return (order) => order < edge;
    default:
      return () => random.below(2) === 0;
  }
}

/**
 * The tier's namespaces: which are alive, how many records each holds, and which dropped ones may be deleted.
 * A database is a namespace; FLUSHDB takes a fresh one and drops the old, whose records stay until no
 * checkpoint names it.
 *
 * Invariant: a number is given out once for as long as a record of it may exist; counts change only after a
 * batch was written, so they are exact.
 */
import { NAMESPACE_LIMIT } from "./keys.ts";
import type { TierCheckpoint } from "./stamp.ts";

interface Dropped {
  readonly namespace: number;
  /** The generation in which it was dropped: a checkpoint up to this one may name it. */
  readonly generation: number;
}

export class Namespaces {
  #counts: Map<number, number>;
  #next: number;
  /** Namespaces from this on were created after the last cut: no checkpoint names them. */
  #cutNext: number;
  #dropped: Dropped[] = [];
  #total = 0;

  /** `firstFree` is above every namespace that may have a record on disk. */
  constructor(counts: Iterable<readonly [number, number]>, cutNext: number, firstFree: number) {
    this.#counts = new Map(counts);
    for (const records of this.#counts.values()) this.#total += records;
    this.#cutNext = cutNext;
    this.#next = Math.max(cutNext, firstFree);
  }

  allocate(): number {
    if (this.#next >= NAMESPACE_LIMIT) throw new RangeError("all namespace numbers have been used");
    const namespace = this.#next;
    this.#next += 1;
    this.#counts.set(namespace, 0);
    return namespace;
  }

  isAlive(namespace: number): boolean {
    return this.#counts.has(namespace);
  }

  /**
   * True when the last checkpoint may hold records of the namespace, so that changing one must be undoable.
   */
  needsUndo(namespace: number): boolean {
    return namespace < this.#cutNext;
  }

  count(namespace: number): number {
    return this.#counts.get(namespace) ?? 0;
  }

  /** How many are alive. */
  get size(): number {
    return this.#counts.size;
  }

  /** Records of all of them. */
  get total(): number {
    return this.#total;
  }

  /** Changes a count; that of a namespace dropped meanwhile is nobody's business any more. */
  add(namespace: number, difference: number): void {
    const records = this.#counts.get(namespace);
    if (records === undefined) return;
    this.#counts.set(namespace, records + difference);
    this.#total += difference;
  }

  /** Drops a namespace in `generation`. True when no checkpoint can name it: it may be deleted at once. */
  drop(namespace: number, generation: number): boolean {
    this.#total -= this.count(namespace);
    if (!this.#counts.delete(namespace)) throw new RangeError(`there is no namespace ${namespace}`);
    if (!this.needsUndo(namespace)) return true;
    this.#dropped.push({ namespace, generation });
    return false;
  }

  /** What the checkpoint of this moment says about namespaces. */
  cut(): Pick<TierCheckpoint, "nextNamespace" | "counts"> {
    this.#cutNext = this.#next;
    return { nextNamespace: this.#next, counts: [...this.#counts] };
  }

  /** The dropped namespaces that a checkpoint of `generation` does not name, each given out once. */
  released(generation: number): number[] {
    const free = this.#dropped.filter((dropped) => dropped.generation < generation);
    this.#dropped = this.#dropped.filter((dropped) => dropped.generation >= generation);
    return free.map((dropped) => dropped.namespace);
  }
}

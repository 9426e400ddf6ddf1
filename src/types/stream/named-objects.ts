/**
 * Groups of a stream, and consumers of a group: slab objects with a name, in the order of their names' bytes
 * (ordered-records.ts; a record is the object's address, which stays the same as long as the object lives).
 *
 * Word NAME of each object is the reference of a block that holds the name.
 */
import type { Blocks } from "../../memory/blocks.ts";
import { SLAB_MASK, SLAB_SHIFT } from "../../memory/slabs.ts";
import { ROOT_WORDS } from "../chunk-tree/layout.ts";
import { OrderedRecords } from "./ordered-records.ts";

/** Before it, each object is the root of a tree: its pending entries. */
export const NAME: number = ROOT_WORDS;

export class NamedObjects extends OrderedRecords {
  private blocks!: Blocks;
  private buffer!: Buffer;
  private start = 0;
  private length = 0;

  constructor() {
    super(1);
  }

  openIn(blocks: Blocks, root: number): this {
    this.blocks = blocks;
    this.open(blocks.slabs, root);
    return this;
  }

  protected compareAt(words: Int32Array, at: number): number {
    const { blocks, buffer, start } = this;
    const name = nameOf(blocks, words[at]);
    const bytes = blocks.buffer(name);
    const from = blocks.start(name);
    const length = blocks.length(name);
    const common = Math.min(length, this.length);
    for (let i = 0; i < common; i++) {
      const difference = bytes[from + i] - buffer[start + i];
      if (difference !== 0) return difference;
    }
    return length - this.length;
  }

  /** Address of the present object. */
  get address(): number {
    return this.words[this.at];
  }

  /** Address of the object with this name; 0 if there is none. */
  find(buffer: Buffer, start: number, length: number): number {
    this.setSought(buffer, start, length);
    return this.seekEqual() ? this.address : 0;
  }

  /** Makes an object of so many bytes, zeros but for its name; 0 if there is one with this name. The bytes must not lie
   * in slab memory. */
  add(buffer: Buffer, start: number, length: number, objectBytes: number): number {
    this.setSought(buffer, start, length);
    if (!this.insertSought()) return 0;
    const { blocks } = this;
    const { slabs } = blocks;
    const name = blocks.allocate(length);
    buffer.copy(blocks.buffer(name), blocks.start(name), start, start + length);
    const address = slabs.allocate(objectBytes);
    const words = slabs.words[address >>> SLAB_SHIFT];
    const w = (address & SLAB_MASK) << 2;
    words.fill(0, w, w + (objectBytes >>> 2));
    words[w + NAME] = name;
    this.words[this.at] = address;
    return address;
  }

  /** Adds an object that was taken out of another set, whose name comes after all others. */
  appendObject(address: number): void {
    this.appendRecord();
    this.words[this.at] = address;
  }

  /** Removes the present object and frees it with its name. */
  removeObject(): void {
    const { address, blocks } = this;
    this.remove();
    blocks.free(nameOf(blocks, address));
    blocks.slabs.free(address);
  }

  private setSought(buffer: Buffer, start: number, length: number): void {
    this.buffer = buffer;
    this.start = start;
    this.length = length;
  }
}

/** Reference of the block that holds an object's name. */
export function nameOf(blocks: Blocks, address: number): number {
  return blocks.slabs.words[address >>> SLAB_SHIFT][((address & SLAB_MASK) << 2) + NAME];
}

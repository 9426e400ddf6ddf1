/** A list in memory beside the plain array of what it should hold, and the invariants of both forms. */
import { expect } from "vitest";
import { ChunkTree } from "../../../src/types/chunk-tree/chunk-tree.ts";
import { listpackStart } from "../../../src/types/list/list-chunk.ts";
import { firstValueBytes, ListEditor, type ListEntry } from "../../../src/types/list/list-editor.ts";
import { HEAD, ListReader, TAIL } from "../../../src/types/list/list-reader.ts";
import { listType } from "../../../src/types/list/list-type.ts";
import { CHUNK_MAX_BYTES, INLINE_MAX_BYTES, LARGE, LIST } from "../../../src/types/list/list-value.ts";
import { ElementValue } from "../../../src/types/listpack/element-value.ts";
import { ElementView } from "../../../src/types/listpack/element-view.ts";
import {
  HEADER_BYTES,
  headerCount,
  listpackBytes,
  previousElement,
} from "../../../src/types/listpack/listpack.ts";
import { checkListpack } from "../../../src/types/listpack/validation.ts";
import { rootOf, setRoot } from "../../../src/types/rooted.ts";
import type { ValueMemory } from "../../../src/types/value-memory.ts";
import { newValueMemory } from "../../support/value-memory.ts";
import { checkTree } from "../chunk-tree/model.ts";

const KEY = Buffer.from("key");

/** An entry that no table knows. */
class LoneEntry implements ListEntry {
  address = 0;
  private readonly memory: ValueMemory;

  constructor(memory: ValueMemory) {
    this.memory = memory;
  }

  create(length: number): void {
    this.address = this.memory.entries.create(LIST, 0, KEY, 0, KEY.length, length);
  }

  get buffer(): Buffer {
    return this.memory.entries.valueBuffer(this.address);
  }

  get start(): number {
    return this.memory.entries.valueStart(this.address);
  }

  get length(): number {
    return this.memory.entries.valueLength(this.address);
  }

  resize(length: number): void {
    this.address = this.memory.entries.resizeValue(this.address, length);
  }

  becomeRooted(encoding: number, root: number): void {
    this.resize(4);
    this.memory.entries.setEncoding(this.address, encoding);
    setRoot(this.memory.entries, this.address, root);
  }
}

const editor = new ListEditor();
const reader = new ListReader();
const view = new ElementView();
const value = new ElementValue();

export class ModelledList {
  readonly memory = newValueMemory();
  /** What the list should hold, one character for each byte. */
  model: string[] = [];
  private readonly entry = new LoneEntry(this.memory);
  private readonly emptyBytes: number;

  constructor(fill: number, first: Buffer) {
    this.memory.limits.listMaxListpackSize = fill;
    this.emptyBytes = this.memory.entries.allocatedBytes;
    this.create(first);
  }

  get address(): number {
    return this.entry.address;
  }

  private create(first: Buffer): void {
    this.entry.create(firstValueBytes(valueOf(first)));
    editor.create(this.memory, this.entry, value);
    this.model = [first.toString("latin1")];
  }

  edit(): ListEditor {
    const { address } = this.entry;
    return this.memory.entries.encoding(address) === LARGE
      ? editor.editLarge(this.memory, address)
      : editor.editInline(this.memory, this.entry);
  }

  push(contents: readonly Buffer[], end: number): void {
    const list = this.edit();
    for (const content of contents) list.push(valueOf(content), end);
    const texts = contents.map((content) => content.toString("latin1"));
    this.model = end === HEAD ? [...texts.reverse(), ...this.model] : [...this.model, ...texts];
    this.expectSize(list);
  }

  removeFrom(end: number, count: number): void {
    const list = this.edit();
    list.removeFrom(end, count);
    this.model = end === HEAD ? this.model.slice(count) : this.model.slice(0, this.model.length - count);
    this.expectSize(list);
  }

  removeAt(index: number): void {
    const list = this.edit();
    expect(list.seek(index)).toBe(true);
    list.removePresent();
    this.model.splice(index, 1);
    this.expectSize(list);
  }

  replace(index: number, content: Buffer): void {
    const list = this.edit();
    expect(list.seek(index)).toBe(true);
    list.replacePresent(valueOf(content));
    this.model[index] = content.toString("latin1");
    this.expectSize(list);
  }

  insert(index: number, content: Buffer, side: number): void {
    const list = this.edit();
    expect(list.seek(index)).toBe(true);
    list.insertBeside(valueOf(content), side);
    this.model.splice(side === HEAD ? index : index + 1, 0, content.toString("latin1"));
    this.expectSize(list);
  }

  removeEqual(content: Buffer, end: number, limit: number): void {
    const list = this.edit();
    const text = content.toString("latin1");
    let left = limit;
    const keep = (each: string) => each !== text || left-- <= 0;
    const order = end === HEAD ? this.model : [...this.model].reverse();
    const kept = order.filter(keep);
    expect(list.removeEqual(valueOf(content), end, limit)).toBe(this.model.length - kept.length);
    this.model = end === HEAD ? kept : kept.reverse();
    this.expectSize(list);
  }

  private expectSize(list: ListEditor): void {
    expect(list.size).toBe(this.model.length);
    expect(this.read().size).toBe(this.model.length);
    this.refillIfEmpty();
  }

  /** No key holds an empty list, so a list that became empty begins again. */
  private refillIfEmpty(): void {
    if (this.model.length > 0) return;
    this.dispose();
    this.create(Buffer.from("again"));
  }

  read(): ListReader {
    return reader.open(this.memory, this.entry.address);
  }

  /** The contents from both ends, the form, and all counts. */
  check(): void {
    expect(contentsOf(this.memory, this.entry.address)).toEqual(this.model);
    const list = this.read();
    const backward: string[] = [];
    for (let is = list.seekEnd(TAIL); is; is = list.previousChunk()) {
      for (let at = list.at; at !== -1; at = previousElement(list.buffer, list.start, at)) {
        view.read(list.buffer, list.start, at);
        backward.push(view.buffer.toString("latin1", view.start, view.start + view.length));
      }
    }
    expect(backward.reverse()).toEqual(this.model);
    checkForm(this.memory, this.entry.address);
  }

  dispose(): void {
    const { entries } = this.memory;
    const { address } = this.entry;
    if (entries.encoding(address) === LARGE) {
      const root = rootOf(entries, address);
      while (!listType.rooted!.disposeStep(this.memory, root, 3));
    }
    entries.free(address);
    // The chunks of an image stay until they have been read.
    if (this.memory.blocks.frozen.count === 0) expect(entries.allocatedBytes).toBe(this.emptyBytes);
  }
}

export function valueOf(content: Buffer): ElementValue {
  return value.set(content, 0, content.length);
}

export function contentsOf(memory: ValueMemory, address: number): string[] {
  const contents: string[] = [];
  reader.open(memory, address);
  for (let is = reader.seekEnd(HEAD); is; is = reader.nextChunk()) {
    const { buffer, start } = reader;
    const end = listpackBytes(buffer, start) - 1;
    for (let at = HEADER_BYTES; at < end; at = view.end) {
      view.read(buffer, start, at);
      contents.push(view.buffer.toString("latin1", view.start, view.start + view.length));
    }
  }
  return contents;
}

/** The listpacks of the list, each checked; those of a large list by their counts in the tree too. */
export function checkForm(memory: ValueMemory, address: number): Buffer[] {
  const { blocks, entries } = memory;
  if (entries.encoding(address) !== LARGE) {
    const listpack = Buffer.from(entries.value(address));
    expect(listpack.length).toBeLessThanOrEqual(INLINE_MAX_BYTES);
    expect(checkListpack(listpack, 0, listpack.length, true)).toBe(headerCount(listpack, 0));
    return [listpack];
  }
  const root = rootOf(entries, address);
  checkTree(blocks.slabs, root);
  const tree = new ChunkTree().open(blocks.slabs, root);
  const listpacks: Buffer[] = [];
  for (let leaf = tree.seekFirst(); leaf !== 0; leaf = tree.next()) {
    const start = listpackStart(blocks.buffer(leaf), blocks.start(leaf));
    const length = listpackBytes(blocks.buffer(leaf), start);
    expect(start + length).toBeLessThanOrEqual(blocks.start(leaf) + blocks.length(leaf));
    const listpack = Buffer.from(blocks.buffer(leaf).subarray(start, start + length));
    expect(checkListpack(listpack, 0, length, true)).toBe(tree.elements);
    if (tree.elements > 1) expect(length).toBeLessThanOrEqual(CHUNK_MAX_BYTES);
    listpacks.push(listpack);
  }
  return listpacks;
}

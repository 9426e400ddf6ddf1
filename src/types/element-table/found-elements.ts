/**
 * Elements of tables that a command has found, and of which it makes another table: where they lie, and what a table
 * of their keys is made for. The keys are distinct, and no table that they lie in changes until they are used.
 */
import type { Blocks } from "../../memory/blocks.ts";
import type { TableElement } from "./bucket.ts";
import { ElementPlaces } from "./element-places.ts";
import { NotedElements } from "./table-builder.ts";

/** Memory is kept for so many. */
const KEPT_ELEMENTS = 1024;

export class FoundElements {
  /** Their hashes, and their lengths with the payloads of the new table. */
  noted!: NotedElements;
  private places!: ElementPlaces;
  private readonly blocks: Blocks;
  private readonly tablePayload: number;

  /** @param tablePayload length of each payload of the new table */
  constructor(blocks: Blocks, tablePayload: number) {
    this.blocks = blocks;
    this.tablePayload = tablePayload;
    this.allocate();
  }

  private allocate(): void {
    this.noted = new NotedElements(KEPT_ELEMENTS, this.tablePayload);
    this.places = new ElementPlaces(this.blocks, KEPT_ELEMENTS);
  }

  get count(): number {
    return this.noted.count;
  }

  /** Forgets all. */
  clear(): void {
    if (this.count > KEPT_ELEMENTS) this.allocate();
    else this.noted.clear();
  }

  /** Notes the element at `at` of the bucket with this reference, by the hash and the length of its key. */
  add(reference: number, at: number, hash: number, keyLength: number): void {
    this.places.set(this.count, reference, at);
    this.noted.add(hash, keyLength, this.tablePayload);
  }

  /** The one with this number, from 0: its key. */
  open(i: number): TableElement {
    return this.places.open(i);
  }
}

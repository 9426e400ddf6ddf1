/**
 * Remembers where elements of tables lie, to come back to them. No table that they lie in may change meanwhile.
 */
import { grown } from "../../base/grown-array.ts";
import type { Texts } from "../../base/sorted-order.ts";
import type { Blocks } from "../../memory/blocks.ts";
import { TableElement } from "./bucket.ts";

const NONE = -1;

/** The keys of the elements are texts, by number. */
export class ElementPlaces implements Texts {
  readonly endsAtNul = false;
  private readonly blocks: Blocks;
  private readonly element: TableElement;
  /** The one that `element` is turned to. */
  private opened = NONE;
  private references: Int32Array;
  private places: Int32Array;

  /** For that many elements, or more, which takes longer. */
  constructor(blocks: Blocks, elements: number) {
    this.blocks = blocks;
    this.element = new TableElement(blocks);
    this.references = new Int32Array(elements);
    this.places = new Int32Array(elements);
  }

  /** Remembers, as number `i`, the element at `at` of the bucket with this reference. */
  set(i: number, reference: number, at: number): void {
    if (i >= this.references.length) {
      this.references = grown(this.references, new Int32Array(2 * i + 1));
      this.places = grown(this.places, new Int32Array(2 * i + 1));
    }
    this.references[i] = reference;
    this.places[i] = at;
    this.opened = NONE;
  }

  /** Turns to number `i`: only its key counts, as nothing is known of its payload. */
  open(i: number): TableElement {
    const { element } = this;
    if (i !== this.opened) element.read(this.blocks.buffer(this.references[i]), this.places[i], 0);
    this.opened = i;
    return element;
  }

  isAbsent(): boolean {
    return false;
  }

  bufferOf(i: number): Buffer {
    return this.open(i).buffer;
  }

  startOf(i: number): number {
    return this.open(i).keyStart;
  }

  lengthOf(i: number): number {
    return this.open(i).keyLength;
  }
}

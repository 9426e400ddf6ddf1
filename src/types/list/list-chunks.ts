/**
 * A list chunk by chunk, from the head to the tail: as it is, or (what a snapshot writes) as it was when its image was
 * made, while commands change it. The chunks of an image are frozen (memory/frozen-blocks.ts) until they have been
 * read.
 */
import type { Blocks } from "../../memory/blocks.ts";
import { FrozenLeaves } from "../chunk-tree/frozen-leaves.ts";
import type { ElementView } from "../listpack/element-view.ts";
import { HEADER_BYTES, listpackBytes } from "../listpack/listpack.ts";
import type { ValueMemory } from "../value-memory.ts";
import { listpackStart } from "./list-chunk.ts";
import { HEAD, ListReader } from "./list-reader.ts";

/** Turned from chunk to chunk, at first to the first. */
export interface ListChunks {
  /** Where the present listpack lies, until a command runs. */
  readonly buffer: Buffer;
  readonly start: number;
  /** How many there are. */
  readonly count: number;
  /** False at the end. */
  nextChunk(): boolean;
}

/** Those of a list that does not change meanwhile. */
export class ChunkWalk implements ListChunks {
  readonly count: number;
  /** Elements in all of them. */
  readonly elements: number;
  private readonly list: ListReader;
  private hasBegun = false;

  constructor(memory: ValueMemory, address: number) {
    this.list = new ListReader().open(memory, address);
    this.count = this.list.chunks;
    this.elements = this.list.size;
  }

  get buffer(): Buffer {
    return this.list.buffer;
  }

  get start(): number {
    return this.list.start;
  }

  nextChunk(): boolean {
    if (this.hasBegun) return this.list.nextChunk();
    this.hasBegun = true;
    return this.list.seekEnd(HEAD);
  }
}

/** Those of a list as it was when `freezeStep` was done. */
export class ChunkImages implements ListChunks {
  buffer!: Buffer;
  start = 0;
  readonly count: number;
  private readonly leaves: FrozenLeaves;

  constructor(blocks: Blocks, root: number) {
    this.leaves = new FrozenLeaves(blocks, root);
    this.count = this.leaves.count;
  }

  /** See ValueImage. */
  freezeStep(): boolean {
    return this.leaves.freezeStep();
  }

  nextChunk(): boolean {
    const { run } = this.leaves;
    if (!run.next()) return false;
    this.buffer = run.buffer;
    this.start = listpackStart(run.buffer, run.start);
    return true;
  }
}

/** Each element of the present chunk in `shown`. */
export function* elementsOf({ buffer, start }: ListChunks, shown: ElementView): Generator<ElementView, void> {
  const end = listpackBytes(buffer, start) - 1;
  for (let at = HEADER_BYTES; at < end; at = shown.end) {
    shown.read(buffer, start, at);
    yield shown;
  }
}

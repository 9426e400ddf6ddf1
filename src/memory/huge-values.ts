/**
 * Byte strings too large for a slab object: each has a Buffer of its own (outside the V8 heap as well) and a number
 * under which an entry refers to it.
 *
 * From some MB on a value grows where it is: it has address space for the longest value reserved, and takes memory from
 * the system page by page (a resizable ArrayBuffer). So appending to half a gigabyte copies nothing but what is
 * appended. Smaller ones are copied when they outgrow their Buffer, which then gets some room to spare.
 *
 * The memory of a freed value goes back to the system when the present turn of the event loop is over: until then
 * who worked on the value may have views of it. Nobody keeps one for longer, as the bytes may change any time. Who
 * needs them as they are now asks for an image (`freeze`), and who changes bytes tells so before.
 */
import { withView } from "../base/byte-copy.ts";
import { RELEASED_FROM_BYTES, releaseMemory } from "../base/release-memory.ts";
import { FrozenValue } from "./frozen-value.ts";
import { nextNumber, type SharedNumber } from "./shared-number.ts";

/** Values with more room than this grow where they are. To copy fewer bytes takes some milliseconds, and address space
 * ends: at 32,000 such values (two mappings for each, of which Linux allows 65,530). Then they are copied as well. */
const IN_PLACE_FROM = 8 << 20;
/** The longest value, as for all strings. */
const MAX_BYTES = 0x7fff_ffff;
/** No value has this number. */
const NO_VALUE = -1;
/** What a value that grows where it is gets at least: the system is asked seldom enough. */
const GROWTH_BYTES = 1 << 20;

/** What Node 20 has of ECMAScript 2024; its library has more. */
interface ResizableArrayBuffer extends ArrayBuffer {
  readonly resizable: boolean;
  resize(length: number): void;
}
const ResizableArrayBuffer = ArrayBuffer as unknown as new (
  length: number,
  options: { maxByteLength: number },
) => ResizableArrayBuffer;

/** All huge values of a thread that gives them away. */
export interface HugeValuesPart {
  readonly numbers: readonly number[];
  readonly memory: readonly ArrayBuffer[];
  readonly allocatedBytes: number;
}

export class HugeValues {
  /** Sum of the capacities, with what images alone still need. */
  allocatedBytes = 0;
  /** How many images there are. Who changes bytes looks at this first. */
  frozenCount = 0;
  /** Bytes that images alone need. */
  imageBytes = 0;
  private readonly buffers: (Buffer | undefined)[] = [];
  private unused: number[] = [];
  /** Buffers of values that were freed in this turn. */
  private freed: Buffer[] = [];
  /** Images of values that still have the buffer that they had then, by number. */
  private readonly frozen = new Map<number, FrozenValue>();
  /** Those that have a buffer to themselves. */
  private readonly left = new Map<FrozenValue, Buffer>();
  /** The number of the next new value, while other threads have values that may come here. */
  private shared: SharedNumber | undefined;

  constructor(shared?: SharedNumber) {
    this.shared = shared;
  }

  /** Number of a new value with room for `capacity` bytes; its contents are undefined. */
  allocate(capacity: number): number {
    const buffer = allocateBuffer(capacity);
    this.allocatedBytes += capacity;
    const id = this.unused.pop() ?? nextNumber(this.shared, this.buffers.length);
    this.put(id, buffer);
    return id;
  }

  get(id: number): Buffer {
    return this.buffers[id]!;
  }

  /** Gives a value room for `length` bytes, keeping its first `keep` bytes. It gets more than it needs if it grows, and
   * loses memory only if it becomes shorter by half or more. */
  resize(id: number, length: number, keep: number): void {
    const { length: capacity } = this.buffers[id]!;
    if (length > capacity) this.grow(id, length, keep);
    // Not where it is: V8 would first write zeros into all that is given back.
    else if (length < capacity >>> 1) this.copyTo(id, length, keep);
  }

  free(id: number): void {
    this.giveBack(id);
    this.buffers[id] = undefined;
    this.unused.push(id);
  }

  /** The image of the first `length` bytes of a value that has none, as they are now. */
  freeze(id: number, length: number): FrozenValue {
    const image = new FrozenValue(this.buffers[id]!, length, () => this.thaw(id, image));
    this.frozen.set(id, image);
    this.frozenCount++;
    return image;
  }

  /** Whether the value's memory will be needed by an image when it is freed. */
  isFrozen(id: number): boolean {
    return this.frozen.has(id);
  }

  /** To be called before bytes `from` to `to` (exclusive) change where they lie. */
  beforeChange(id: number, from: number, to: number): void {
    const image = this.frozen.get(id);
    if (image === undefined) return;
    const before = image.keptBytes;
    image.beforeChange(from, to);
    this.imageBytes += image.keptBytes - before;
  }

  /** To be called before all bytes are written anew: an image keeps those that there are. */
  beforeReplacing(id: number): void {
    if (this.frozen.has(id)) this.copyTo(id, this.buffers[id]!.length, 0);
  }

  /** Nobody will read the images that there are. */
  giveUpImages(): void {
    for (const [id, image] of this.frozen) this.thaw(id, image);
    for (const image of this.left.keys()) this.thaw(NO_VALUE, image);
  }

  /** As Slabs.shareNumbers, and so are the next five. */
  shareNumbers(shared: SharedNumber): void {
    this.shared = shared;
    Atomics.store(shared, 0, this.buffers.length);
  }

  unshareNumbers(): void {
    this.shared = undefined;
    this.unused = [];
    for (const [id, buffer] of this.buffers.entries()) if (buffer === undefined) this.unused.push(id);
  }

  handOver(): HugeValuesPart {
    const numbers = [...this.buffers.keys()].filter((id) => this.buffers[id] !== undefined);
    const memory = numbers.map((id) => this.buffers[id]!.buffer as ArrayBuffer);
    return { numbers, memory, allocatedBytes: this.allocatedBytes };
  }

  attach({ numbers, memory }: HugeValuesPart): void {
    for (const [i, id] of numbers.entries()) this.put(id, bufferOf(memory[i]));
  }

  detach({ numbers }: HugeValuesPart): void {
    for (const id of numbers) this.buffers[id] = undefined;
  }

  adopt({ allocatedBytes }: HugeValuesPart): void {
    this.allocatedBytes += allocatedBytes;
  }

  /** Values of other threads may come before it. */
  private put(id: number, buffer: Buffer): void {
    while (this.buffers.length < id) this.buffers.push(undefined);
    this.buffers[id] = buffer;
  }

  private grow(id: number, length: number, keep: number): void {
    const { buffer: memory, length: capacity } = this.buffers[id]!;
    if (isResizable(memory)) {
      const grown = Math.min(MAX_BYTES, Math.max(length, capacity + GROWTH_BYTES));
      memory.resize(grown);
      this.allocatedBytes += grown - capacity;
      this.buffers[id] = Buffer.from(memory, 0, grown);
    } else {
      // Growing by a quarter keeps appending linear.
      this.copyTo(id, Math.max(length, capacity + (capacity >>> 2)), keep);
    }
  }

  private copyTo(id: number, capacity: number, keep: number): void {
    const buffer = allocateBuffer(capacity);
    this.buffers[id]!.copy(buffer, 0, 0, keep);
    this.giveBack(id);
    this.allocatedBytes += buffer.length;
    this.buffers[id] = buffer;
  }

  /** A value's buffer is no longer its own. */
  private giveBack(id: number): void {
    const buffer = this.buffers[id]!;
    const image = this.frozen.get(id);
    if (image === undefined) {
      this.allocatedBytes -= buffer.length;
      this.releaseLater(buffer);
      return;
    }
    image.takeOver(buffer);
    this.frozen.delete(id);
    this.left.set(image, buffer);
    this.imageBytes += buffer.length;
  }

  /** An image is not needed any more. */
  private thaw(id: number, image: FrozenValue): void {
    this.frozenCount--;
    this.imageBytes -= image.keptBytes;
    const buffer = this.left.get(image);
    if (buffer === undefined) {
      this.frozen.delete(id);
      return;
    }
    this.left.delete(image);
    this.imageBytes -= buffer.length;
    this.allocatedBytes -= buffer.length;
    this.releaseLater(buffer);
  }

  private releaseLater(buffer: Buffer): void {
    if (buffer.length < RELEASED_FROM_BYTES) return;
    if (this.freed.length === 0) setImmediate(this.releaseFreed);
    this.freed.push(buffer);
  }

  private readonly releaseFreed = (): void => {
    const { freed } = this;
    this.freed = [];
    for (const buffer of freed) releaseMemory(buffer);
  };
}

/** Whether a Buffer's memory grows where it is. */
function isResizable(memory: ArrayBufferLike): memory is ResizableArrayBuffer {
  return (memory as Partial<ResizableArrayBuffer>).resizable === true;
}

function allocateBuffer(capacity: number): Buffer {
  if (capacity > IN_PLACE_FROM) {
    const memory = reserve(capacity);
    if (memory !== undefined) return bufferOf(memory);
  }
  return withView(Buffer.allocUnsafeSlow(capacity));
}

function bufferOf(memory: ArrayBuffer): Buffer {
  // No view for short copies: its kind is one of its own, and would slow down the code that copies short values.
  return isResizable(memory) ? Buffer.from(memory, 0, memory.byteLength) : withView(Buffer.from(memory));
}

/** Undefined if there is no address space left. */
function reserve(capacity: number): ResizableArrayBuffer | undefined {
  try {
    return new ResizableArrayBuffer(capacity, { maxByteLength: MAX_BYTES });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

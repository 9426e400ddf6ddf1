/**
 * Byte strings too large for a slab object: each has a Buffer of its own (outside the V8 heap as well) and a number
 * under which an entry refers to it.
 */
import { withView } from "../base/byte-copy.ts";

export class HugeValues {
  /** Sum of the capacities. */
  allocatedBytes = 0;
  private readonly buffers: (Buffer | undefined)[] = [];
  private readonly unused: number[] = [];

  /** Number of a new value with room for `capacity` bytes; its contents are undefined. */
  allocate(capacity: number): number {
    const buffer = withView(Buffer.allocUnsafeSlow(capacity));
    this.allocatedBytes += capacity;
    const id = this.unused.pop() ?? this.buffers.length;
    this.buffers[id] = buffer;
    return id;
  }

  get(id: number): Buffer {
    return this.buffers[id]!;
  }

  /** Gives a value another capacity, keeping its first `keep` bytes. */
  resize(id: number, capacity: number, keep: number): void {
    const old = this.buffers[id]!;
    const buffer = withView(Buffer.allocUnsafeSlow(capacity));
    old.copy(buffer, 0, 0, keep);
    this.allocatedBytes += capacity - old.length;
    this.buffers[id] = buffer;
  }

  free(id: number): void {
    this.allocatedBytes -= this.buffers[id]!.length;
    this.buffers[id] = undefined;
    this.unused.push(id);
  }
}

/**
 * Raises registers of a HyperLogLog, wherever it lies: in place while the length stays, by a few bytes longer or
 * shorter, or made dense when sparse registers cannot hold a value or would become too long.
 */
import { denseRegister, newRegisters, packDense, type Registers, setDenseRegister } from "./dense.ts";
import { DENSE, DENSE_BYTES, isSparse, setEncoding } from "./format.ts";
import { mergeSparse } from "./sparse.ts";
import { CHANGED, DAMAGED, SparseUpdate, TOO_LARGE, UNCHANGED } from "./sparse-update.ts";

/** Who has the bytes. They may lie elsewhere after each call. */
export interface ValueHolder {
  readonly bytes: Buffer;
  readonly start: number;
  readonly length: number;
  /** Called before each change. */
  beforeChange(): void;
  /** Gives the value another length, keeping the bytes both have; what is added may be anything. */
  resize(length: number): void;
}

/** A HyperLogLog in memory of its own. */
export class BufferHolder implements ValueHolder {
  bytes: Buffer;
  readonly start = 0;
  length: number;

  constructor(value: Buffer) {
    this.bytes = Buffer.from(value);
    this.length = value.length;
  }

  get value(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  beforeChange(): void {}

  resize(length: number): void {
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafe(length + (length >>> 2));
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    this.length = length;
  }
}

export class RegisterWriter {
  private readonly update = new SparseUpdate();
  private readonly registers: Registers = newRegisters();

  /** Must be called before the first `raise` of another value. */
  begin(): void {
    this.update.begin();
  }

  /**
   * Raises register `index` to `value` if it holds less. `sparseMaxBytes` is how long a sparse HyperLogLog may become,
   * header included. Returns UNCHANGED, CHANGED, or DAMAGED: then the opcodes are not what they should be, and nothing
   * was changed. The header's cardinality is left to the caller.
   */
  raise(holder: ValueHolder, index: number, value: number, sparseMaxBytes: number): number {
    if (!isSparse(holder.bytes, holder.start)) return raiseDense(holder, index, value);
    const { update } = this;
    const { length } = holder;
    const plan = update.plan(holder.bytes, holder.start, length, index, value);
    if (plan === UNCHANGED || plan === DAMAGED) return plan;
    if (plan === TOO_LARGE || (update.growth > 0 && length + update.growth > sparseMaxBytes)) {
      return this.makeDense(holder) ? raiseDense(holder, index, value) : DAMAGED;
    }
    holder.beforeChange();
    if (update.growth > 0) holder.resize(length + update.growth);
    const newLength = update.apply(holder.bytes, holder.start, length);
    if (newLength !== holder.length) holder.resize(newLength);
    return CHANGED;
  }

  /** Makes a sparse HyperLogLog dense; false if its opcodes are damaged, and then it stays as it is. */
  makeDense(holder: ValueHolder): boolean {
    const { registers } = this;
    registers.fill(0);
    if (!mergeSparse(holder.bytes, holder.start, holder.length, registers)) return false;
    this.replace(holder, registers);
    return true;
  }

  /** Gives a HyperLogLog all its registers anew, and makes it dense. */
  replace(holder: ValueHolder, registers: Registers): void {
    holder.beforeChange();
    if (holder.length !== DENSE_BYTES) holder.resize(DENSE_BYTES);
    packDense(registers, holder.bytes, holder.start);
    setEncoding(holder.bytes, holder.start, DENSE);
  }
}

function raiseDense(holder: ValueHolder, index: number, value: number): number {
  if (denseRegister(holder.bytes, holder.start, index) >= value) return UNCHANGED;
  holder.beforeChange();
  setDenseRegister(holder.bytes, holder.start, index, value);
  return CHANGED;
}

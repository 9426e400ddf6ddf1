/**
 * How far the file has come that one thread writes and another reads behind it. The numbers lie in memory that both
 * share: to tell them costs no message, and who waits for them takes no time.
 */

/** Places of the numbers. Bytes written: whoever waits is woken when they change. */
const WRITTEN = 0;
const IS_BUSY = 1;
/** Of the whole file, once it is known. */
const BYTES = 2;
const KEYS = 3;
/** Never changes. */
const NOTHING = 4;
const CELLS = 5;
/** Bytes written when all are. */
const ALL: bigint = 2n ** 62n;

export class FileProgress {
  /** To be handed to the other thread, which makes a FileProgress of it. */
  readonly memory: SharedArrayBuffer;
  private readonly cells: BigInt64Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(CELLS * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.cells = new BigInt64Array(memory);
  }

  /** So many bytes are written. `isBusy`: the event loop has other things to do. */
  written(bytes: number, isBusy: boolean): void {
    Atomics.store(this.cells, IS_BUSY, isBusy ? 1n : 0n);
    this.tell(BigInt(bytes));
  }

  /** The file is whole: so many bytes and keys. */
  finish(bytes: number, keys: number): void {
    Atomics.store(this.cells, BYTES, BigInt(bytes));
    Atomics.store(this.cells, KEYS, BigInt(keys));
    this.tell(ALL);
  }

  get isBusy(): boolean {
    return Atomics.load(this.cells, IS_BUSY) !== 0n;
  }

  /** Bytes and keys of the whole file. What comes before the end can be read only after they are known. */
  get bytes(): number {
    return Number(Atomics.load(this.cells, BYTES));
  }

  get keys(): number {
    return Number(Atomics.load(this.cells, KEYS));
  }

  /** Holds this thread until the file has come to its byte `end`, or is whole. */
  waitFor(end: number): void {
    for (;;) {
      const written = Atomics.load(this.cells, WRITTEN);
      if (written >= end) return;
      Atomics.wait(this.cells, WRITTEN, written);
    }
  }

  /** Holds this thread for a while. */
  rest(milliseconds: number): void {
    Atomics.wait(this.cells, NOTHING, 0n, milliseconds);
  }

  private tell(written: bigint): void {
    Atomics.store(this.cells, WRITTEN, written);
    Atomics.notify(this.cells, WRITTEN);
  }
}

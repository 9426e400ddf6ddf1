/**
 * A huge value as it was at one instant, read from front to end while commands change, lengthen, replace and free it.
 * Who is about to change bytes where they lie says so first (HugeValues.beforeChange): what was not read yet of the
 * segments around them is kept then. When the value gets another buffer, or is freed, its former one belongs to the
 * image alone.
 */

/** What is read, and kept, at a time. */
const SEGMENT_SHIFT = 16;
const SEGMENT_BYTES = 1 << SEGMENT_SHIFT;

export class FrozenValue {
  /** Of the value at that instant. */
  readonly totalBytes: number;
  /** Where the present part lies, until a command runs. */
  buffer: Buffer;
  start = 0;
  length = 0;
  /** The value's buffer. */
  private whole: Buffer;
  private readonly onRead: () => void;
  /** Segments that were changed before they were read, by number. */
  private readonly kept = new Map<number, Buffer>();
  /** How much was kept in all. */
  keptBytes = 0;
  /** Number of the next segment. */
  private segment = 0;

  /** @param onRead called when all was read */
  constructor(whole: Buffer, totalBytes: number, onRead: () => void) {
    this.whole = whole;
    this.buffer = whole;
    this.totalBytes = totalBytes;
    this.onRead = onRead;
  }

  /** Bytes `from` to `to` (exclusive) are about to change where they lie. */
  beforeChange(from: number, to: number): void {
    const { kept, totalBytes, whole } = this;
    const end = Math.min(to, totalBytes);
    const first = Math.max(this.segment, from >>> SEGMENT_SHIFT);
    for (let i = first; i << SEGMENT_SHIFT < end; i++) {
      if (kept.has(i)) continue;
      const start = i << SEGMENT_SHIFT;
      const bytes = Buffer.from(whole.subarray(start, Math.min(start + SEGMENT_BYTES, totalBytes)));
      kept.set(i, bytes);
      this.keptBytes += bytes.length;
    }
  }

  /** From now on nobody else uses the value's buffer, which is this one. */
  takeOver(whole: Buffer): void {
    this.whole = whole;
  }

  /** Turns to the next part, at first to the first; false at the end. Must be called until then, or all be given up. */
  next(): boolean {
    const { kept, segment, totalBytes } = this;
    const start = segment << SEGMENT_SHIFT;
    if (start >= totalBytes) {
      this.onRead();
      return false;
    }
    const bytes = kept.get(segment);
    kept.delete(segment);
    this.buffer = bytes ?? this.whole;
    this.start = bytes === undefined ? start : 0;
    this.length = Math.min(SEGMENT_BYTES, totalBytes - start);
    this.segment++;
    return true;
  }
}

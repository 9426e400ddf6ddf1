/**
 * How much of the stream may leave: a replica must not be told of a change that our own log may still lose, just as
 * no client is told that it was made (reply-gate.ts). Remembers which position of the append-only file belongs to
 * which offset of the stream, until that position is safe.
 */

/** The append-only file, as far as the stream depends on it. */
export interface SafetyAof {
  /** Position behind all that was appended. */
  readonly appended: number;
  /** What was appended before it is as safe as `appendfsync` promises; Infinity without an append-only file. */
  readonly gatePosition: number;
}

interface Mark {
  readonly position: number;
  readonly offset: number;
}

export class SafeOffset {
  /** What lies before it may leave. */
  value: number;
  private marks: Mark[] = [];
  private markedOffset: number;

  constructor(offset: number) {
    this.value = offset;
    this.markedOffset = offset;
  }

  /** All before `endOffset` was appended to the append-only file before now. */
  advance({ appended, gatePosition }: SafetyAof, endOffset: number): void {
    if (gatePosition >= appended) {
      this.marks = [];
      this.markedOffset = endOffset;
      this.value = endOffset;
      return;
    }
    if (endOffset > this.markedOffset) {
      this.marks.push({ position: appended, offset: endOffset });
      this.markedOffset = endOffset;
    }
    const unsafe = this.marks.filter(({ position }) => position > gatePosition);
    if (unsafe.length === this.marks.length) return;
    this.value = this.marks[this.marks.length - unsafe.length - 1].offset;
    this.marks = unsafe;
  }
}

/**
 * A buffer that grows, for what a library makes before it becomes a string of Lua.
 */
import { copyBytes, withView } from "../../base/byte-copy.ts";

const INITIAL_BYTES = 4096;
/** A larger one is not kept. */
const KEPT_BYTES = 1024 * 1024;

export class BytesOut {
  buf: Buffer = withView(Buffer.allocUnsafeSlow(INITIAL_BYTES));
  end = 0;

  reset(): void {
    this.end = 0;
    if (this.buf.length > KEPT_BYTES) this.buf = withView(Buffer.allocUnsafeSlow(INITIAL_BYTES));
  }

  /** Makes room for that many more bytes. */
  reserve(length: number): void {
    if (this.buf.length - this.end >= length) return;
    const larger = withView(Buffer.allocUnsafeSlow(Math.max(2 * this.buf.length, this.end + length)));
    this.buf.copy(larger, 0, 0, this.end);
    this.buf = larger;
  }

  byte(value: number): void {
    this.reserve(1);
    this.buf[this.end++] = value;
  }

  /** One byte per character. */
  text(text: string): void {
    const { length } = text;
    this.reserve(length);
    const { buf } = this;
    let { end } = this;
    for (let i = 0; i < length; i++) buf[end++] = text.charCodeAt(i);
    this.end = end;
  }

  bytes(source: Uint8Array, start: number, length: number): void {
    this.reserve(length);
    copyBytes(source, start, this.buf, this.end, length);
    this.end += length;
  }
}

/**
 * Buffers of connections whose requests arrive in pieces. One that was drained serves the next connection that needs
 * one: most live for a packet or two.
 */
import { withView } from "../base/byte-copy.ts";

export const MIN_OWN_BUFFER_BYTES = 1024;
/** A drained buffer up to this size is kept. */
const MAX_SPARE_BUFFER_BYTES = 256 * 1024;

let spareBuffer: Buffer | undefined;

/** A buffer of at least `sizeBytes` for one connection. */
export function allocate(sizeBytes: number): Buffer {
  if (spareBuffer !== undefined && spareBuffer.length >= sizeBytes) {
    const buffer = spareBuffer;
    spareBuffer = undefined;
    return buffer;
  }
  return withView(Buffer.allocUnsafeSlow(Math.max(sizeBytes, MIN_OWN_BUFFER_BYTES)));
}

/** Keeps a drained buffer for the next connection that needs one. */
export function recycle(buffer: Buffer): void {
  if (buffer.length > MAX_SPARE_BUFFER_BYTES) return;
  if (spareBuffer === undefined || spareBuffer.length < buffer.length) spareBuffer = buffer;
}

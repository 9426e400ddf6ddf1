/**
 * Buffers of connections whose requests arrive in pieces. One that was drained serves the next connection that needs
 * one: most live for a packet or two.
 */
import { withView } from "../base/byte-copy.ts";

export const MIN_OWN_BUFFER_BYTES = 1024;
/** A drained buffer up to this size is kept. */
const MAX_SPARE_BUFFER_BYTES = 256 * 1024;
/** All that are kept. With too few, connections that wait by turns (for memory, for cold keys) make more garbage than
 * the collector hears of: it looks at the objects, which are small. */
const MAX_SPARE_BYTES = 4 * 1024 * 1024;
/** Of how many one that is large enough is looked for. */
const TRIES = 4;

const spares: Buffer[] = [];
let spareBytes = 0;

/** A buffer of at least `sizeBytes` for one connection. */
export function allocate(sizeBytes: number): Buffer {
  const last = spares.length - 1;
  for (let i = last; i >= 0 && i > last - TRIES; i--) {
    const found = spares[i];
    if (found.length < sizeBytes) continue;
    spares[i] = spares[last];
    spares.pop();
    spareBytes -= found.length;
    return found;
  }
  return withView(Buffer.allocUnsafeSlow(Math.max(sizeBytes, MIN_OWN_BUFFER_BYTES)));
}

/** Keeps a drained buffer for the next connection that needs one. */
export function recycle(buffer: Buffer): void {
  if (buffer.length > MAX_SPARE_BUFFER_BYTES) return;
  // The newest are of the sizes that are in use now.
  while (spareBytes + buffer.length > MAX_SPARE_BYTES) spareBytes -= spares.shift()!.length;
  spares.push(buffer);
  spareBytes += buffer.length;
}

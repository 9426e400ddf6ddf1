/**
 * Buffers of connections whose requests arrive in pieces. One that was drained serves the next connection that needs
 * one: most live for a packet or two.
 */
import { withView } from "../base/byte-copy.ts";
import { releaseMemory } from "../base/release-memory.ts";

export const MIN_OWN_BUFFER_BYTES = 1024;
/** A drained buffer up to this size is kept. */
const MAX_SPARE_BUFFER_BYTES = 256 * 1024;
/** All that are kept. With too few, connections that wait by turns (for memory, for cold keys) make more garbage than
 * the collector hears of: it looks at the objects, which are small. */
const MAX_SPARE_BYTES = 4 * 1024 * 1024;
/** Of how many one that is large enough is looked for. */
const TRIES = 4;
/** With the length of an argument known, its buffer grows at once to so many times what has arrived of it: to more if
 * it is no longer than a megabyte, so that with its first packets it counts as what it will be, as in Redis. */
const KNOWN_LENGTH_GROWTH = 4;
const SHORT_GROWTH = 64;
const SHORT_BYTES = 1024 * 1024;
/** What a packet may bring, at most. */
const LARGE_PACKET_BYTES = 64 * 1024;

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

/** Keeps a drained buffer for the next connection that needs one, or gives back the memory of a large one. */
export function recycle(buffer: Buffer): void {
  if (buffer.length > MAX_SPARE_BUFFER_BYTES) {
    releaseMemory(buffer);
    return;
  }
  // The newest are of the sizes that are in use now.
  while (spareBytes + buffer.length > MAX_SPARE_BYTES) spareBytes -= spares.shift()!.length;
  spares.push(buffer);
  spareBytes += buffer.length;
}

/**
 * Bytes of a larger buffer for a connection: it must take `needed` bytes, which end with a packet of `packetBytes`, and
 * the argument that is arriving is complete with `wanted` bytes (0: not known).
 *
 * That is room for the rest of the argument, if some of it has arrived indeed, and for what the packet with its end
 * may bring after it. For a large argument it does not depend on how that was cut: clients that send the same take the
 * same.
 */
export function grownSize(needed: number, wanted: number, packetBytes: number): number {
  if (wanted <= needed) return 2 * needed;
  const grown = (wanted <= SHORT_BYTES ? SHORT_GROWTH : KNOWN_LENGTH_GROWTH) * needed;
  // What a packet is short of is not worth another move.
  if (grown < wanted - LARGE_PACKET_BYTES) return grown;
  return wanted + Math.max(packetBytes, Math.min(wanted >> 4, LARGE_PACKET_BYTES));
}

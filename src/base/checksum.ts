/**
 * CRC-32C (Castagnoli), the checksum of AOF blocks and cold records: hardware instructions through a native package.
 */
import { crc32c as nativeCrc32c } from "@node-rs/crc32";

/** CRC-32C of `bytes`, continuing from `seed` (the checksum of what came before; 0 at the start). Unsigned 32 bits. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  return nativeCrc32c(bytes, seed) >>> 0;
}

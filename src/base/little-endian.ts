/**
 * Little-endian integers in bytes, at any position. Byte by byte: that needs no view of the buffer, and costs less than
 * Buffer's own methods, which check the range. So nothing is checked here.
 */

export function readInt16(bytes: Uint8Array, position: number): number {
  return ((bytes[position] | (bytes[position + 1] << 8)) << 16) >> 16;
}

export function readInt24(bytes: Uint8Array, position: number): number {
  return ((bytes[position] | (bytes[position + 1] << 8) | (bytes[position + 2] << 16)) << 8) >> 8;
}

export function readInt32(bytes: Uint8Array, position: number): number {
  return (
    bytes[position] | (bytes[position + 1] << 8) | (bytes[position + 2] << 16) | (bytes[position + 3] << 24)
  );
}

export function readUint16(bytes: Uint8Array, position: number): number {
  return bytes[position] | (bytes[position + 1] << 8);
}

export function readUint32(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position) >>> 0;
}

/** Writes the lowest 16 bits. */
export function writeInt16(bytes: Uint8Array, position: number, value: number): void {
  bytes[position] = value;
  bytes[position + 1] = value >> 8;
}

/** Writes the lowest 32 bits. */
export function writeInt32(bytes: Uint8Array, position: number, value: number): void {
  bytes[position] = value;
  bytes[position + 1] = value >> 8;
  bytes[position + 2] = value >> 16;
  bytes[position + 3] = value >> 24;
}

/**
 * The digest that DEBUG DIGEST and DIGEST-VALUE of Redis answer (its algorithm, so that the results are the same):
 * 20 bytes, to which parts of a value are added either in order (`mix`) or in any order (`xor`), each by way of its
 * SHA-1.
 */
import { createHash } from "node:crypto";

const DIGEST_BYTES = 20;

export class ValueDigest {
  /** The digest so far. */
  readonly bytes: Buffer = Buffer.alloc(DIGEST_BYTES);

  /** Begins again. */
  reset(): void {
    this.bytes.fill(0);
  }

  /** Adds bytes whose order among others does not matter. */
  xor(part: Uint8Array): void {
    const hash = sha1(part);
    for (let i = 0; i < DIGEST_BYTES; i++) this.bytes[i] ^= hash[i];
  }

  /** Adds bytes whose order matters. */
  mix(part: Uint8Array): void {
    this.xor(part);
    sha1(this.bytes).copy(this.bytes);
  }

  /** Adds another digest, such as that of one element, whose order among others does not matter. */
  xorDigest(other: ValueDigest): void {
    this.xor(other.bytes);
  }
}

function sha1(bytes: Uint8Array): Buffer {
  return createHash("sha1").update(bytes).digest();
}

/**
 * Growing of typed arrays.
 */

/** Copies all of `from` to the beginning of `to`, and returns that. */
export function grown<A extends Float64Array | Int32Array | Uint8Array | Uint16Array>(from: A, to: A): A {
  to.set(from);
  return to;
}

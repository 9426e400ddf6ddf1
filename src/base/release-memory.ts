/**
 * Gives the memory of a large buffer back to the system at the moment in which its last user is done with it. Left
 * alone it stays until the garbage collector finds the little object that stands for it: with values of megabytes,
 * which pass through several buffers, what is garbage already is then more than what is in use.
 *
 * It is detached, as a buffer that is handed to another thread: all views of it have length 0 from then on. So code
 * that goes on using it finds nothing, and no bytes of others. A write under way in another thread would: there must be
 * none.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Less is left to the collector, which frees many at a time. */
export const RELEASED_FROM_BYTES: number = 256 * 1024;

type Transfer = (this: ArrayBufferLike, length: number) => ArrayBuffer;

let transfer: Transfer | undefined;

/**
 * Releases the memory of `bytes`. Nobody may use it any more, in whatever view, and no write of it may be under way. A
 * small buffer, one that is released already, and a part of a larger one are left as they are.
 */
export function releaseMemory(bytes: Uint8Array): void {
  if (bytes.length < RELEASED_FROM_BYTES || bytes.length !== bytes.buffer.byteLength) return;
  transfer ??= findTransfer();
  transfer.call(bytes.buffer, 0);
}

/** ECMAScript 2024 has it; to Node 20 it is an experiment, which only contexts made while the flag is set know. The
 * flag does not stay: compiled code that was kept (see main.cts) V8 takes only with the flags of that time. */
function findTransfer(): Transfer {
  const { transfer: known } = ArrayBuffer.prototype as { readonly transfer?: Transfer };
  if (known !== undefined) return known;
  setFlagsFromString("--harmony-rab-gsab-transfer");
  try {
    return runInNewContext("ArrayBuffer.prototype.transfer") as Transfer;
  } finally {
    setFlagsFromString("--no-harmony-rab-gsab-transfer");
  }
}

/**
 * The next requests of a pipeline, decoded together, so that what they need can be asked for together.
 *
 * Owns its requests. Before request i is executed, `select` makes it the decoder's present one; so the decoder's
 * `mark` and `rewindToCurrent` work as ever, and what is not executed is simply decoded again.
 */
import { Request } from "./request.ts";
import { type DecodeResult, REQUEST, type RequestDecoder, useRequest } from "./request-decoder.ts";

/** Most requests in a batch: enough to hide that memory is slow, few enough to stay in the first-level cache. */
export const BATCH_REQUESTS = 16;
/** A request that has grown beyond so many arguments is not kept. */
const KEPT_ARGUMENTS = 1024;

export class RequestBatch {
  count = 0;
  readonly requests: Request[] = Array.from({ length: BATCH_REQUESTS }, () => new Request());
  private readonly starts = new Int32Array(BATCH_REQUESTS);
  private readonly ends = new Int32Array(BATCH_REQUESTS);

  /**
   * Decodes as many requests as there are, or as fit. Returns REQUEST if all went well so far, else the result that
   * ended the batch; with `count` 0 that is what `next` would have returned, otherwise it will come again.
   */
  fill(decoder: RequestDecoder): DecodeResult {
    // What AUTH allows shows only when it has been executed.
    const limit = decoder.authenticated ? BATCH_REQUESTS : 1;
    const { requests } = this;
    let result: DecodeResult = REQUEST;
    let count = 0;
    while (count < limit) {
      if (requests[count].start.length > KEPT_ARGUMENTS) requests[count] = new Request();
      const others = useRequest(requests[count]);
      result = decoder.next();
      // The decoder may have put another in its place: one that it had remembered.
      requests[count] = useRequest(others);
      if (result !== REQUEST) break;
      this.starts[count] = decoder.requestStart;
      this.ends[count] = decoder.requestEnd;
      count++;
    }
    this.count = count;
    return result;
  }

  /** Of all requests together. */
  get bytes(): number {
    return this.count === 0 ? 0 : this.ends[this.count - 1] - this.starts[0];
  }

  /** Makes request i the one that `decoder` has returned last. */
  select(decoder: RequestDecoder, i: number): Request {
    decoder.select(this.starts[i], this.ends[i]);
    return this.requests[i];
  }
}

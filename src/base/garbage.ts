/**
 * Collects the garbage of JavaScript now. V8 goes by what it allocates: buffers of hundreds of megabytes that were
 * used for a moment stay resident until enough others are made, which in a server at rest may take for ever.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/** Takes 5 to 30 ms while a server's few objects are looked through: not to be called often. */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}

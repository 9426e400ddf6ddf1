/**
 * How much V8 inlines when it optimises. The more, the longer it compiles, and the faster is what comes of it. While
 * data is loaded, compiling takes the processors away from loading: with the limits for serving, a mix of types of a
 * million elements took 1.9 s of processor time as a dump, 3.6 s as a log; with those for loading it takes 1.3 s and
 * 2.3 s. What is optimised by then runs on as it is, and commands took no longer after such a load.
 *
 * The limits for serving: a command runs through many small methods. With V8's usual limits some of them are called,
 * which costs 3 to 6 percent of the time of a GET or SET. With 4000 in all instead of 3000 the first 200,000 commands
 * of a kind took a tenth more, and later ones as long.
 */
import { setFlagsFromString } from "node:v8";

/** Bytes of bytecode that are inlined into one function. */
const LOADING_IN_ALL = 500;
const SERVING_IN_ALL = 3000;
/** How long a function may be that is inlined, in bytes of bytecode. More than V8's own limit, and never lowered: V8
 * asks in another thread when it chooses what to inline, and once more when it does so, and ends the process if a
 * function has become too long in between. */
const SERVING_MOST = 1000;

/** To be called before data is loaded. */
export function inlineLittle(): void {
  inlineInAll(LOADING_IN_ALL);
}

/** To be called when data is loaded: for all that is optimised from then on. */
export function inlineMuch(): void {
  setFlagsFromString(`--max-inlined-bytecode-size=${SERVING_MOST}`);
  inlineInAll(SERVING_IN_ALL);
}

function inlineInAll(bytes: number): void {
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${bytes}`);
}

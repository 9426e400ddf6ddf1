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

/** In bytes of bytecode. */
interface Limits {
  /** How long a function may be that is inlined. */
  readonly most: number;
  /** How much is inlined into one function. */
  readonly inAll: number;
}

const LOADING: Limits = { most: 300, inAll: 500 };
const SERVING: Limits = { most: 1000, inAll: 3000 };

/** To be called before data is loaded. */
export function inlineLittle(): void {
  inline(LOADING);
}

/** To be called when data is loaded: for all that is optimised from then on. */
export function inlineMuch(): void {
  inline(SERVING);
}

function inline({ most, inAll }: Limits): void {
  setFlagsFromString(`--max-inlined-bytecode-size=${most}`);
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${inAll}`);
}

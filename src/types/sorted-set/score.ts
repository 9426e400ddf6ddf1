/**
 * Scores as Redis 7.0 stores them in listpacks and writes them to append-only files: integers up to 2^62 as integers
 * (its double2ll), all others as the text of printf's "%.17g". A listpack has no -0: it becomes 0.
 */
import { withView } from "../../base/byte-copy.ts";
import { formatDouble, parseDoubleBytes, parseDoubleLeniently } from "../../base/numbers.ts";
import { ElementValue } from "../listpack/element-value.ts";
import type { ElementView } from "../listpack/element-view.ts";

const MAX_INTEGER_SCORE = 2 ** 62;
/** "%.17g" is never longer. */
const MAX_TEXT_BYTES = 32;

function isStoredAsInteger(score: number): boolean {
  return Number.isInteger(score) && Math.abs(score) <= MAX_INTEGER_SCORE;
}

/** The text of a score where there is no reader to be surprised by its length: all digits of an integer. */
export function scoreText(score: number): string {
  if (isStoredAsInteger(score) && !Number.isSafeInteger(score)) return BigInt(score).toString();
  return formatDouble(score);
}

/** A score on its way into a listpack. Set again for each. */
export class ScoreElement {
  readonly element = new ElementValue();
  private readonly text = withView(Buffer.allocUnsafeSlow(MAX_TEXT_BYTES));

  set(score: number): ElementValue {
    if (isStoredAsInteger(score)) return this.element.setInteger(score);
    const length = this.text.write(formatDouble(score), "latin1");
    return this.element.set(this.text, 0, length);
  }
}

/** The score in an element of a listpack that `readValue` has read; NaN if it is none. */
export function scoreOf(view: ElementView): number {
  if (view.isInteger) return view.integer.toNumber();
  const { buffer, start, length } = view;
  const score = parseDoubleBytes(buffer, start, length);
  if (!Number.isNaN(score)) return score;
  return parseDoubleLeniently(buffer.toString("latin1", start, start + length));
}

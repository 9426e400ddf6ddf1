/** How many different keys there are, estimated in 16 KB of memory by a HyperLogLog, the server's own. */
import { estimate, newHistogram } from "../../src/types/string/hyperloglog/cardinality.ts";
import { newRegisters } from "../../src/types/string/hyperloglog/dense.ts";
import { placeOf, rankOf, registerOf } from "../../src/types/string/hyperloglog/element-hash.ts";

const DB_BYTES = 4;
const KEY_MAX_BYTES = 1024;

export class DistinctKeys {
  readonly #registers = newRegisters();
  readonly #element = Buffer.alloc(DB_BYTES + KEY_MAX_BYTES);

  /** Of a longer key only the beginning counts. */
  add(db: number, key: Buffer): void {
    const element = this.#element;
    element.writeUInt32LE(db >>> 0, 0);
    const length = key.copy(element, DB_BYTES, 0, KEY_MAX_BYTES);
    const place = placeOf(element, 0, DB_BYTES + length);
    const register = registerOf(place);
    const rank = rankOf(place);
    if (rank > this.#registers[register]) this.#registers[register] = rank;
  }

  estimate(): number {
    const histogram = newHistogram();
    for (const rank of this.#registers) histogram[rank]++;
    return estimate(histogram);
  }
}

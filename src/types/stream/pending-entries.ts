/**
 * Pending entries: delivered to a consumer of a group, and not yet acknowledged. The group has all of them, each
 * consumer the ids of its own, both ordered by id (ordered-records.ts).
 *
 *     of the group       [id: 4][delivery time: 2][times delivered: 2][address of the consumer]
 *     of a consumer      [id: 4]
 *
 * Words of 32 bits; of integers of 64 bits the higher one first.
 */
import type { Int64 } from "../../base/int64.ts";
import { OrderedRecords } from "./ordered-records.ts";
import { ID_WORDS, StreamId } from "./stream-id.ts";

const TIME = ID_WORDS;
const COUNT = 6;
const CONSUMER = 8;
const PENDING_WORDS = 9;
const TWO_32 = 0x1_0000_0000;

/** Records that begin with an id. */
class IdRecords extends OrderedRecords {
  private readonly sought = new StreamId();

  protected compareAt(words: Int32Array, at: number): number {
    return -this.sought.compareWords(words[at], words[at + 1], words[at + 2], words[at + 3]);
  }

  /** Seeks the record with this id. Says whether there is one, as all that seeks. */
  find(id: StreamId): boolean {
    this.sought.set(id);
    return this.seekEqual();
  }

  /** Seeks the first record whose id is not less. */
  seek(id: StreamId): boolean {
    this.sought.set(id);
    return this.seekAtLeast();
  }

  /** Adds a record, if there is none with this id: says whether it did. It is present in any case; of a new one all but
   * the id is undefined. */
  add(id: StreamId): boolean {
    this.sought.set(id);
    if (!this.insertSought()) return false;
    id.writeWords(this.words, this.at);
    return true;
  }

  /** As `add`, for an id greater than all others. */
  append(id: StreamId): void {
    this.appendRecord();
    id.writeWords(this.words, this.at);
  }

  /** The present record's id. */
  readId(id: StreamId): StreamId {
    return id.readWords(this.words, this.at);
  }
}

/** The ids of a consumer's pending entries. */
export class OwnedEntries extends IdRecords {
  constructor() {
    super(ID_WORDS);
  }
}

/** The pending entries of a group. */
export class PendingEntries extends IdRecords {
  constructor() {
    super(PENDING_WORDS);
  }

  /** Unix milliseconds of the last delivery; rounded if they are beyond 2^53. */
  get timeMs(): number {
    return this.words[this.at + TIME] * TWO_32 + (this.words[this.at + TIME + 1] >>> 0);
  }

  set timeMs(timeMs: number) {
    this.words[this.at + TIME] = Math.floor(timeMs / TWO_32);
    this.words[this.at + TIME + 1] = timeMs;
  }

  readTime(time: Int64): Int64 {
    time.setWords(this.words[this.at + TIME], this.words[this.at + TIME + 1]);
    return time;
  }

  writeTime(time: Int64): void {
    this.words[this.at + TIME] = time.high;
    this.words[this.at + TIME + 1] = time.low;
  }

  /** How often the entry was delivered. */
  readCount(count: Int64): Int64 {
    count.setWords(this.words[this.at + COUNT], this.words[this.at + COUNT + 1]);
    return count;
  }

  writeCount(count: Int64): void {
    this.words[this.at + COUNT] = count.high;
    this.words[this.at + COUNT + 1] = count.low;
  }

  setCountToOne(): void {
    this.words[this.at + COUNT] = 0;
    this.words[this.at + COUNT + 1] = 1;
  }

  incrementCount(): void {
    const low = (this.words[this.at + COUNT + 1] + 1) | 0;
    this.words[this.at + COUNT + 1] = low;
    if (low === 0) this.words[this.at + COUNT]++;
  }

  /** Address of the consumer; 0 while a new entry has none. */
  get consumer(): number {
    return this.words[this.at + CONSUMER];
  }

  set consumer(address: number) {
    this.words[this.at + CONSUMER] = address;
  }
}

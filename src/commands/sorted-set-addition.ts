/**
 * Adding elements to a sorted set under the conditions of ZADD: for ZADD, ZINCRBY and GEOADD. A command sets the
 * conditions and the scores, and then applies them.
 */

import { MAX_ROOM_BYTES } from "../memory/entries.ts";
import { SCORE_NOT_A_NUMBER } from "../protocol/errors.ts";
import { ScoreElement } from "../types/sorted-set/score.ts";
import type { CommandContext } from "./context.ts";
import { isSortedSetOrReply, sortedSetTools } from "./sorted-set-access.ts";
import { listpackRoom } from "./value-room.ts";

const scoreElement = new ScoreElement();

const INITIAL_SCORES = 16;
/** Scores of a command that had more than these are not kept in mind. */
const KEPT_SCORES = 4096;

export class SortedSetAddition {
  /** Only new elements. */
  nx = false;
  /** Only elements that are there. */
  xx = false;
  /** Of those that are there, only if the score becomes higher; lower. */
  gt = false;
  lt = false;
  /** The answer counts changed elements, too. */
  ch = false;
  /** Scores are added to those that there are. */
  incr = false;
  /** Of the elements, in the order of the request. */
  scores: Float64Array = new Float64Array(INITIAL_SCORES);

  // What was done.
  added = 0;
  changed = 0;
  /** Whether some element met the conditions. */
  isProcessed = false;
  /** The score that the last element got. */
  score = 0;

  /** No conditions, and room for so many scores. */
  begin(elements: number): void {
    this.nx = false;
    this.xx = false;
    this.gt = false;
    this.lt = false;
    this.ch = false;
    this.incr = false;
    this.reserve(elements);
  }

  reserve(elements: number): void {
    const { length } = this.scores;
    if (length < elements || (length > KEPT_SCORES && elements <= KEPT_SCORES))
      this.scores = new Float64Array(Math.max(elements, INITIAL_SCORES));
  }

  /** Bytes for elements with these scores, of a listpack whose members take `members`. */
  private roomFor(elements: number, members: number): number {
    let bytes = members;
    for (let i = 0; i < elements && bytes > 0 && bytes <= MAX_ROOM_BYTES; i++)
      bytes += scoreElement.set(this.scores[i]).size;
    return bytes;
  }

  /**
   * Adds the scores for the members that are arguments `first`, `first + step`... to the set whose key is argument 1.
   * Returns false after an error reply; nothing was changed then.
   */
  apply(ctx: CommandContext, elements: number, first: number, step: number): boolean {
    const { db, keyspace, request } = ctx;
    const { buf, start, len } = request;
    this.added = 0;
    this.changed = 0;
    this.isProcessed = false;
    const address = db.lookupWrite(buf, start[1], len[1]);
    if (address !== 0 && !isSortedSetOrReply(ctx, address)) return false;
    if (address === 0 && this.xx) return true;
    const { entry } = sortedSetTools(keyspace);
    if (address === 0)
      entry.create(
        db,
        buf,
        start[1],
        len[1],
        len[first],
        this.roomFor(elements, listpackRoom(request, first, step)),
      );
    else entry.open(db, address);
    for (let i = 0; i < elements; i++) {
      const member = first + i * step;
      let score = this.scores[i];
      if (!entry.elements.find(buf, start[member], len[member])) {
        if (this.xx) continue;
        entry.add(score, buf, start[member], len[member]);
        this.added++;
      } else {
        if (this.nx) continue;
        const before = entry.elements.score;
        if (this.incr) score += before;
        if (Number.isNaN(score)) {
          ctx.reply.error(SCORE_NOT_A_NUMBER);
          return false;
        }
        if ((this.lt && score >= before) || (this.gt && score <= before)) continue;
        if (score !== before) {
          entry.changeScore(score, buf, start[member], len[member]);
          this.changed++;
        }
      }
      this.isProcessed = true;
      this.score = score;
    }
    return true;
  }
}

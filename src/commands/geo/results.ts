/**
 * Carrying out a search by position: going through the scores that may lie in the area, and answering or storing what
 * does.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { distanceText } from "../../types/geo/distance.ts";
import { FoundPositions } from "../../types/geo/found-positions.ts";
import { type Position, positionOfScore } from "../../types/geo/geohash.ts";
import { intervalsOf, type ScoreInterval, type SearchShape } from "../../types/geo/search-area.ts";
import { ScoreBound } from "../../types/sorted-set/bounds.ts";
import type { SortedElements } from "../../types/sorted-set/sorted-set.ts";
import type { CommandContext } from "../context.ts";
import { notifyStored } from "../key-event.ts";
import { sortedSetTools } from "../sorted-set-access.ts";
import { replyPosition } from "./reply.ts";
import type { GeoSearch } from "./search-arguments.ts";

const found = new FoundPositions();
const bound = new ScoreBound();
const position: Position = { longitude: 0, latitude: 0 };
const TWO_63 = 2 ** 63;

/** Searches in `elements` (undefined: there is no such key), and answers or stores the result. */
export function answerSearch(
  ctx: CommandContext,
  search: GeoSearch,
  elements: SortedElements | undefined,
): Outcome {
  found.clear();
  if (elements !== undefined) collect(elements, search);
  const { count, sorting } = search;
  const wanted = count === 0 ? found.count : Math.min(found.count, count);
  // The nearest are meant where a number is given, unless any will do.
  if (sorting !== "none" || (count !== 0 && !search.any)) found.sort(sorting === "descending", wanted);
  if (search.storeAt !== 0) return store(ctx, search, elements, wanted);
  ctx.reply.array(wanted);
  for (let i = 0; i < wanted; i++) replyFound(ctx, search, elements!, i);
  found.clear();
  return DONE;
}

/** Finds what lies in the area. */
function collect(elements: SortedElements, { shape, any, count }: GeoSearch): void {
  const limit = any ? count : Infinity;
  for (const interval of intervalsOf(shape)) {
    if (found.count >= limit) return;
    collectInterval(elements, shape, interval, limit);
  }
}

function collectInterval(
  elements: SortedElements,
  shape: SearchShape,
  { from, to }: ScoreInterval,
  limit: number,
): void {
  bound.value = from;
  bound.includesEqual = false;
  let rank = elements.countBefore(bound);
  const { size } = elements;
  if (rank === size) return;
  for (elements.seek(rank); rank < size; rank++, elements.next()) {
    const { score } = elements;
    if (score >= to) return;
    positionOfScore(score, position);
    const metres = shape.distanceWithin(position);
    if (metres < 0) continue;
    found.add(rank, metres);
    if (found.count >= limit) return;
  }
}

/** Answers the element in place i of what was found. */
function replyFound(ctx: CommandContext, search: GeoSearch, elements: SortedElements, i: number): void {
  const { reply } = ctx;
  const { withDistance, withHash, withPosition } = search;
  const details = Number(withDistance) + Number(withHash) + Number(withPosition);
  if (details > 0) reply.array(1 + details);
  elements.seek(found.rankAt(i));
  const { score } = elements;
  reply.bulkRange(elements.memberBuffer, elements.memberStart, elements.memberLength);
  if (withDistance) reply.bulkText(distanceText(found.distanceAt(i) / search.shape.unit));
  if (withHash) {
    if (Number.isSafeInteger(score)) reply.integer(score);
    else reply.bigInteger(truncated(score));
  }
  if (withPosition) {
    positionOfScore(score, position);
    replyPosition(reply, position);
  }
}

/** A score as C converts it to a 64-bit integer. */
function truncated(score: number): bigint {
  return score >= -TWO_63 && score < TWO_63 ? BigInt(Math.trunc(score)) : BigInt.asIntN(64, 1n << 63n);
}

function store(
  ctx: CommandContext,
  search: GeoSearch,
  elements: SortedElements | undefined,
  wanted: number,
): Outcome {
  const { buf, start, len } = ctx.request;
  const { result } = sortedSetTools(ctx.keyspace);
  const target = result.begin();
  for (let i = 0; i < wanted; i++) {
    elements!.seek(found.rankAt(i));
    const { memberBuffer, memberStart, memberLength } = elements!;
    const score = search.storesDistances ? found.distanceAt(i) / search.shape.unit : elements!.score;
    target.tallyNew(score, memberBuffer, memberStart, memberLength);
  }
  target.arrange();
  found.clear();
  const { storeAt } = search;
  if (result.store(ctx.db, buf, start[storeAt], len[storeAt])) {
    const event = storeAt === 1 ? "geosearchstore" : "georadiusstore";
    notifyStored(ctx, EVENT.sortedSet, event, storeAt, wanted);
    ctx.effects.verbatim();
  }
  return ctx.reply.integer(wanted);
}

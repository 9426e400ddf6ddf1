/**
 * About single members: GEOPOS, GEODIST, GEOHASH.
 */
import { SYNTAX_ERROR } from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { distance, distanceText } from "../../types/geo/distance.ts";
import { geohashText, type Position, positionOfScore } from "../../types/geo/geohash.ts";
import type { SortedElements } from "../../types/sorted-set/sorted-set.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { openSortedSet } from "../sorted-set-access.ts";
import { unitOrReply } from "./arguments.ts";
import { replyPosition } from "./reply.ts";

const MEMBER = 2;
const UNIT = 4;
const position: Position = { longitude: 0, latitude: 0 };
const other: Position = { longitude: 0, latitude: 0 };

/** Finds where a member is; false if it is not in the set. */
function locate(elements: SortedElements, ctx: CommandContext, i: number, into: Position): boolean {
  const { buf, start, len } = ctx.request;
  if (!elements.find(buf, start[i], len[i])) return false;
  positionOfScore(elements.score, into);
  return true;
}

/** Answers an array with what `answer` says of each member's position, and what `absent` says of each that is none. */
function replyEach(ctx: CommandContext, answer: () => Outcome, absent: () => Outcome): Outcome {
  const { db, reply, request } = ctx;
  const address = db.lookupRead(request.buf, request.start[1], request.len[1]);
  const set = address === 0 ? undefined : openSortedSet(ctx, address);
  if (set === undefined && address !== 0) return DONE;
  reply.array(request.argc - MEMBER);
  for (let i = MEMBER; i < request.argc; i++) {
    if (set !== undefined && locate(set.elements, ctx, i, position)) answer();
    else absent();
  }
  return DONE;
}

export const geopos: CommandSpec = defineCommand({
  name: "geopos",
  group: "geo",
  since: "3.2.0",
  summary: "The positions of members",
  complexity: "O(N) for N members",
  arity: -2,
  flags: ["readonly"],
  categories: ["geo"],
  keys: [keyAt(1, "RO", "access")],
  run: (ctx) =>
    replyEach(
      ctx,
      () => replyPosition(ctx.reply, position),
      () => ctx.reply.nullArray(),
    ),
});

export const geohash: CommandSpec = defineCommand({
  name: "geohash",
  group: "geo",
  since: "3.2.0",
  summary: "The positions of members as geohash strings",
  complexity: "O(log(N)) for each member",
  arity: -2,
  flags: ["readonly"],
  categories: ["geo"],
  keys: [keyAt(1, "RO", "access")],
  run: (ctx) =>
    replyEach(
      ctx,
      () => ctx.reply.bulkText(geohashText(position)),
      () => ctx.reply.null(),
    ),
});

export const geodist: CommandSpec = defineCommand({
  name: "geodist",
  group: "geo",
  since: "3.2.0",
  summary: "The distance between two members",
  complexity: "O(log(N))",
  arity: -4,
  flags: ["readonly"],
  categories: ["geo"],
  keys: [keyAt(1, "RO", "access")],
  run(ctx) {
    const { db, reply, request } = ctx;
    const hasUnit = request.argc === UNIT + 1;
    if (request.argc > UNIT + 1) return reply.error(SYNTAX_ERROR);
    const unit = hasUnit ? unitOrReply(ctx, UNIT) : 1;
    if (Number.isNaN(unit)) return DONE;
    const address = db.lookupRead(request.buf, request.start[1], request.len[1]);
    if (address === 0) return reply.null();
    const set = openSortedSet(ctx, address);
    if (set === undefined) return DONE;
    const isThere =
      locate(set.elements, ctx, MEMBER, position) && locate(set.elements, ctx, MEMBER + 1, other);
    if (!isThere) return reply.null();
    const metres = distance(position.longitude, position.latitude, other.longitude, other.latitude);
    return reply.bulkText(distanceText(metres / unit));
  },
});

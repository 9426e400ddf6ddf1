/**
 * GEOADD: a ZADD whose scores are positions, and propagated as one.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { SYNTAX_ERROR } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import type { Request } from "../../protocol/request.ts";
import { type Position, scoreDigits, scoreOfPosition } from "../../types/geo/geohash.ts";
import { isWord } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { SortedSetAddition } from "../sorted-set-addition.ts";
import { readPosition } from "./arguments.ts";

const addition = new SortedSetAddition();
const position: Position = { longitude: 0, latitude: 0 };
const KEY = 1;
/** Longitude, latitude, member. */
const ARGUMENTS_EACH = 3;

export const geoadd: CommandSpec = defineCommand({
  name: "geoadd",
  group: "geo",
  since: "3.2.0",
  summary: "Add members with their positions, or move them",
  complexity: "O(log(N)) for each member",
  arity: -5,
  flags: ["write", "denyoom"],
  categories: ["geo"],
  keys: [keyAt(KEY, "RW", "update")],
  run(ctx) {
    const { request, reply } = ctx;
    addition.begin(Math.ceil(request.argc / ARGUMENTS_EACH));
    const first = readOptions(request);
    const elements = (request.argc - first) / ARGUMENTS_EACH;
    if (!Number.isInteger(elements) || (addition.xx && addition.nx)) return reply.error(SYNTAX_ERROR);
    for (let i = 0; i < elements; i++) {
      if (!readPosition(ctx, first + i * ARGUMENTS_EACH, position)) return DONE;
      addition.scores[i] = scoreOfPosition(position);
    }
    if (elements === 0) return reply.error(SYNTAX_ERROR);
    if (!addition.apply(ctx, elements, first + 2, ARGUMENTS_EACH)) return DONE;
    if (addition.added + addition.changed > 0) {
      notify(ctx, EVENT.sortedSet, "zadd", KEY);
      propagate(ctx, first, elements);
    }
    return reply.integer(addition.ch ? addition.added + addition.changed : addition.added);
  },
});

/** Reads options from argument 2 on; returns the first argument that is none. */
function readOptions(request: Request): number {
  let i = KEY + 1;
  for (; i < request.argc; i++) {
    if (isWord(request, i, "nx")) addition.nx = true;
    else if (isWord(request, i, "xx")) addition.xx = true;
    else if (isWord(request, i, "ch")) addition.ch = true;
    else break;
  }
  return i;
}

function propagate(ctx: CommandContext, first: number, elements: number): void {
  const { request } = ctx;
  const args: (string | Buffer)[] = [];
  for (let i = KEY; i < first; i++) args.push(request.bytes(i));
  for (let i = 0; i < elements; i++) {
    const at = first + i * ARGUMENTS_EACH;
    readPosition(ctx, at, position);
    args.push(scoreDigits(position), request.bytes(at + 2));
  }
  ctx.effects.command("zadd", ...args);
}

/**
 * How the groups of sorted sets and of geographic positions get at sorted sets. The objects that work on them are made
 * once for a keyspace, and serve one command after the other.
 */
import { parseDoubleLeniently, parseInteger } from "../base/numbers.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import { SortedSetEntry, SortedSetResult } from "../keyspace/sorted-sets.ts";
import { WRONG_TYPE } from "../protocol/errors.ts";
import type { Request } from "../protocol/request.ts";
import type { ScoreBound } from "../types/sorted-set/bounds.ts";
import { SORTED_SET } from "../types/sorted-set/sorted-set.ts";
import type { CommandContext } from "./context.ts";

/** What commands on one keyspace work with. */
export class SortedSetTools {
  /** The set that a command works on, or goes through. */
  readonly entry: SortedSetEntry;
  /** Another one, in which it looks something up meanwhile. */
  readonly other: SortedSetEntry;
  readonly result: SortedSetResult;

  constructor(keyspace: Keyspace) {
    this.entry = new SortedSetEntry(keyspace);
    this.other = new SortedSetEntry(keyspace);
    this.result = new SortedSetResult(keyspace);
  }
}

const toolsByKeyspace = new WeakMap<Keyspace, SortedSetTools>();
let lastKeyspace: Keyspace | undefined;
let lastTools!: SortedSetTools;

export function sortedSetTools(keyspace: Keyspace): SortedSetTools {
  if (keyspace === lastKeyspace) return lastTools;
  let tools = toolsByKeyspace.get(keyspace);
  if (tools === undefined) {
    tools = new SortedSetTools(keyspace);
    toolsByKeyspace.set(keyspace, tools);
  }
  lastKeyspace = keyspace;
  lastTools = tools;
  return tools;
}

/** Whether the live entry at `address` is a sorted set; if not, the error is answered. */
export function isSortedSetOrReply(ctx: CommandContext, address: number): boolean {
  if (ctx.keyspace.entries.type(address) === SORTED_SET) return true;
  ctx.reply.error(WRONG_TYPE);
  return false;
}

/** The sorted set at `address`; undefined if it is none, and then the error is answered. */
export function openSortedSet(ctx: CommandContext, address: number): SortedSetEntry | undefined {
  if (!isSortedSetOrReply(ctx, address)) return undefined;
  return sortedSetTools(ctx.keyspace).entry.open(ctx.db, address);
}

const OPEN_PARENTHESIS = 0x28;

/** Reads an end of a range of scores, such as "5", "(5", "-inf"; false if argument i is none. */
export function readScoreBound(request: Request, i: number, isUpper: boolean, into: ScoreBound): boolean {
  const { buf, start, len } = request;
  const isOpen = len[i] > 0 && buf[start[i]] === OPEN_PARENTHESIS;
  const from = isOpen ? 1 : 0;
  let value = parseInteger(buf, start[i] + from, len[i] - from);
  if (Number.isNaN(value)) value = parseDoubleLeniently(request.text(i).slice(from));
  into.value = value;
  into.includesEqual = isOpen !== isUpper;
  return !Number.isNaN(value);
}

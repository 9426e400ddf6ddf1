/**
 * Looking at a key without using it: commands that ask about a key (TTL, TYPE, EXISTS, OBJECT) count as reads in the
 * statistics, but leave the access clock alone, else asking for the idle time would end it.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";

/** Address of the live key at argument `i`, or 0. */
export function lookupNoTouch(ctx: CommandContext, i: number): number {
  const address = lookupUnnoticed(ctx, i);
  if (address === 0) notify(ctx, EVENT.keyMiss, "keymiss", i);
  return address;
}

/** As `lookupNoTouch`, for who wants to know how things are (OBJECT): that a key is missing is no event. */
export function lookupUnnoticed(ctx: CommandContext, i: number): number {
  const { buf, start, len } = ctx.request;
  const address = ctx.db.peek(buf, start[i], len[i]);
  if (address === 0) ctx.keyspace.misses++;
  else ctx.keyspace.hits++;
  return address;
}

/**
 * Looking at a key without using it: commands that ask about a key (TTL, TYPE, EXISTS, OBJECT) count as reads in the
 * statistics, but leave the access clock alone, else asking for the idle time would end it.
 */
import type { CommandContext } from "../context.ts";

/** Address of the live key at argument `i`, or 0. */
export function lookupNoTouch(ctx: CommandContext, i: number): number {
  const { buf, start, len } = ctx.request;
  const address = ctx.db.peek(buf, start[i], len[i]);
  if (address === 0) ctx.keyspace.misses++;
  else ctx.keyspace.hits++;
  return address;
}

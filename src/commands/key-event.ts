/**
 * How a command tells of what it did to a key (notify-keyspace-events). Off, it costs the test of a field.
 */
import type { Database } from "../keyspace/database.ts";
import { EVENT } from "../keyspace/key-events.ts";
import type { CommandContext } from "./context.ts";

/**
 * Says that `event` happened to the key that is argument `i` of the request, in the client's database.
 * @param eventClass one of EVENT (keyspace/key-events.ts)
 */
export function notify(ctx: CommandContext, eventClass: number, event: string, i: number): void {
  if (ctx.keyspace.events !== undefined) notifyOf(ctx, ctx.db, eventClass, event, i);
}

/** Says that a result of `size` elements was stored under the key that is argument `i`: if it has none, the key that
 * was there is gone. */
export function notifyStored(
  ctx: CommandContext,
  eventClass: number,
  event: string,
  i: number,
  size: number,
): void {
  if (size > 0) notify(ctx, eventClass, event, i);
  else notify(ctx, EVENT.generic, "del", i);
}

/** As `notify`, for a key of any database. */
export function notifyOf(
  ctx: CommandContext,
  database: Database,
  eventClass: number,
  event: string,
  i: number,
): void {
  const { buf, start, len } = ctx.request;
  ctx.keyspace.events?.happened(eventClass, event, database.index, buf, start[i], len[i]);
}

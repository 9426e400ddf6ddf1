/**
 * How the commands on hashes open, or create, the one that they are about.
 */
import type { HashEntry } from "../../keyspace/hash-entry.ts";
import { WRONG_TYPE } from "../../protocol/errors.ts";
import { HASH } from "../../types/hash/hash-encoding.ts";
import type { CommandContext } from "../context.ts";
import { hashEntry } from "../hash-access.ts";
import { listpackRoom } from "../value-room.ts";

const KEY = 1;
const FIRST_FIELD = 2;

/** Opens the hash at `address`, a live entry; undefined after WRONGTYPE was answered. */
export function openHash(ctx: CommandContext, address: number): HashEntry | undefined {
  if (ctx.keyspace.entries.type(address) === HASH) return hashEntry(ctx.keyspace).open(ctx.db, address);
  ctx.reply.error(WRONG_TYPE);
  return undefined;
}

/** Creates a hash under the key in argument 1, which was just looked up and is absent. It must get a field. */
export function createHash(ctx: CommandContext): HashEntry {
  const { buf, start, len } = ctx.request;
  const room = listpackRoom(ctx.request, FIRST_FIELD);
  return hashEntry(ctx.keyspace).create(ctx.db, buf, start[KEY], len[KEY], room);
}

/**
 * The hash under the key in argument 1, for a command that may change it (HashEntry.beforeWrite comes before that);
 * created if there is none, and then it must get a field. Undefined after WRONGTYPE was answered.
 */
export function hashForWrite(ctx: CommandContext): HashEntry | undefined {
  const { buf, start, len } = ctx.request;
  const address = ctx.db.lookupWrite(buf, start[KEY], len[KEY]);
  return address === 0 ? createHash(ctx) : openHash(ctx, address);
}

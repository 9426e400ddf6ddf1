/**
 * DEBUG POPULATE: many strings at once, for tests. As in Redis they are not propagated.
 */
import { setString } from "../../keyspace/strings.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { textEncoding } from "../../types/string/string-value.ts";
import { positiveOrReply } from "../arguments.ts";
import type { CommandContext } from "../context.ts";

const COUNT = 2;
const PREFIX = 3;
const SIZE = 4;

/** DEBUG POPULATE count [prefix] [size]: those that exist stay as they are. */
export function populate(ctx: CommandContext): Outcome {
  const { db, keyspace, reply, request } = ctx;
  const count = positiveOrReply(ctx, COUNT);
  if (Number.isNaN(count)) return DONE;
  const sizeBytes = request.argc > SIZE ? positiveOrReply(ctx, SIZE) : 0;
  if (Number.isNaN(sizeBytes)) return DONE;
  const prefix = request.argc > PREFIX ? request.text(PREFIX) : "key";
  const keyOf = (i: number) => Buffer.from(`${prefix}:${i}`, "latin1");
  if (db.coldSize > 0) {
    const fetching = ctx.fetchKeys(Array.from({ length: count }, (_, i) => keyOf(i)));
    if (fetching !== undefined) return fetching;
  }
  for (let i = 0; i < count; i++) {
    const key = keyOf(i);
    if (db.peek(key, 0, key.length) !== 0) continue;
    let value = Buffer.from(`value:${i}`);
    if (sizeBytes > 0) {
      const padded = Buffer.alloc(sizeBytes);
      value.copy(padded);
      value = padded;
    }
    const encoding = textEncoding(value.length);
    setString(keyspace, db, 0, key, 0, key.length, value, 0, value.length, encoding, 0);
  }
  return reply.ok();
}

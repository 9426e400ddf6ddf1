/**
 * Elements added at an end: LPUSH, RPUSH, LPUSHX, RPUSHX.
 */

import { EVENT } from "../../keyspace/key-events.ts";
import { WRONG_TYPE } from "../../protocol/errors.ts";
import type { Outcome } from "../../protocol/outcome.ts";
import { HEAD, TAIL } from "../../types/list/list-reader.ts";
import { INLINE_MAX_BYTES } from "../../types/list/list-value.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { notify } from "../key-event.ts";
import { listpackRoom } from "../value-room.ts";
import { addList, editList, elementAt, isList } from "./access.ts";

const FIRST_ELEMENT = 2;

function runPush(ctx: CommandContext, end: number, onlyIfExists: boolean): Outcome {
  const { db, reply } = ctx;
  const { buf, start, len, argc } = ctx.request;
  const address = db.lookupWrite(buf, start[1], len[1]);
  let list;
  let i = FIRST_ELEMENT;
  if (address === 0) {
    if (onlyIfExists) return reply.integer(0);
    const room = listpackRoom(ctx.request, FIRST_ELEMENT);
    list = addList(ctx, 1, elementAt(ctx, i++), room <= INLINE_MAX_BYTES ? room : 0);
  } else {
    if (!isList(ctx, address)) return reply.error(WRONG_TYPE);
    db.beforeWrite(address);
    list = editList(ctx, address);
  }
  for (; i < argc; i++) list.push(elementAt(ctx, i), end);
  notify(ctx, EVENT.list, end === HEAD ? "lpush" : "rpush", 1);
  ctx.effects.verbatim();
  return reply.integer(list.size);
}

function pushCommand(
  facts: Pick<CommandSpec, "name" | "since" | "summary">,
  end: number,
  onlyIfExists: boolean,
): CommandSpec {
  return defineCommand({
    ...facts,
    group: "list",
    complexity: "O(N) in the number of elements added",
    arity: -3,
    flags: ["write", "denyoom", "fast"],
    categories: ["list"],
    keys: [keyAt(1, "RW", "insert")],
    run: (ctx) => runPush(ctx, end, onlyIfExists),
  });
}

export const lpush: CommandSpec = pushCommand(
  { name: "lpush", since: "1.0.0", summary: "Adds elements at the head of a list, which begins empty" },
  HEAD,
  false,
);

export const rpush: CommandSpec = pushCommand(
  { name: "rpush", since: "1.0.0", summary: "Adds elements at the tail of a list, which begins empty" },
  TAIL,
  false,
);

export const lpushx: CommandSpec = pushCommand(
  { name: "lpushx", since: "2.2.0", summary: "Adds elements at the head of a list, if it exists" },
  HEAD,
  true,
);

export const rpushx: CommandSpec = pushCommand(
  { name: "rpushx", since: "2.2.0", summary: "Adds elements at the tail of a list, if it exists" },
  TAIL,
  true,
);

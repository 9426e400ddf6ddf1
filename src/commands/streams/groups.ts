/**
 * XGROUP: making, changing and removing consumer groups and consumers.
 */

import { Int64 } from "../../base/int64.ts";
import { EVENT } from "../../keyspace/key-events.ts";
import {
  ENTRIES_READ_NEGATIVE,
  GROUP_EXISTS,
  GROUP_NEEDS_KEY,
  noSuchGroup,
  wrongSubcommandSyntax,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { GROUP_BYTES, pendingCount, UNKNOWN_ENTRIES_READ } from "../../types/stream/consumer-group.ts";
import { StreamId } from "../../types/stream/stream-id.ts";
import { STREAM } from "../../types/stream/stream-type.ts";
import { detachGroup } from "../../types/stream/whole-stream.ts";
import { isWord, textForError } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { helpCommand } from "../help.ts";
import { notify } from "../key-event.ts";
import { anyIdOrReply, idOrReply, isCharacter } from "./ids.ts";
import {
  addStream,
  group,
  int64OrReply,
  isLoaded,
  openGroup,
  openToWrite,
  REFUSED,
  stream,
} from "./stream-access.ts";

const KEY = 2;
const GROUP = 3;
/** The id of CREATE and SETID; the consumer of CREATECONSUMER and DELCONSUMER. */
const ID = 4;
const CONSUMER = 4;
const FIRST_OPTION = 5;
/** With all options; of SETID with its one. */
const MAX_CREATE_ARGUMENTS = 8;
const MAX_SETID_ARGUMENTS = 7;

const DOLLAR = 0x24;

const facts = { group: "stream", since: "5.0.0", categories: ["stream"] } as const;

const id = new StreamId();
const entriesRead = new Int64();
let createsStream = false;

/** Parses the options of CREATE and SETID; false after an error reply. */
function parseOptions(ctx: CommandContext, isCreate: boolean): boolean {
  const { request, reply } = ctx;
  createsStream = false;
  entriesRead.setNumber(UNKNOWN_ENTRIES_READ);
  for (let i = FIRST_OPTION; i < request.argc; i++) {
    if (isCreate && isWord(request, i, "mkstream")) {
      createsStream = true;
    } else if (i + 1 < request.argc && isWord(request, i, "entriesread")) {
      if (!int64OrReply(ctx, ++i, entriesRead)) return false;
      if (entriesRead.high < 0 && !isUnknown(entriesRead) && !isLoaded(ctx)) {
        reply.error(ENTRIES_READ_NEGATIVE);
        return false;
      }
    } else {
      reply.error(wrongSubcommandSyntax(request));
      return false;
    }
  }
  return true;
}

function isUnknown(read: Int64): boolean {
  return (read.high & read.low) === UNKNOWN_ENTRIES_READ;
}

/** Opens the stream of an existing key and a group in it. Returns the entry's address; REFUSED after an error reply. */
function openWithGroup(ctx: CommandContext): number {
  const { request, reply } = ctx;
  const address = openToWrite(ctx, KEY);
  if (address === REFUSED) return REFUSED;
  if (address === 0) reply.error(GROUP_NEEDS_KEY);
  else if (openGroup(ctx, GROUP)) return address;
  else reply.error(noSuchGroup(textForError(request, GROUP), textForError(request, KEY)));
  return REFUSED;
}

const create = defineCommand({
  ...facts,
  name: "create",
  summary: "Makes a consumer group",
  complexity: "O(log N) in the groups of the stream",
  arity: -5,
  flags: ["write", "denyoom"],
  keys: [keyAt(KEY, "RW", "insert")],
  run(ctx) {
    const { request, reply, db, keyspace } = ctx;
    const { buf, start, len } = request;
    const { blocks } = keyspace.memory;
    if (!parseOptions(ctx, true)) return DONE;
    const address = openToWrite(ctx, KEY);
    if (address === REFUSED) return DONE;
    if (address === 0 && !createsStream) return reply.error(GROUP_NEEDS_KEY);
    if (request.argc > MAX_CREATE_ARGUMENTS) return reply.error(wrongSubcommandSyntax(request));
    if (!isCharacter(request, ID, DOLLAR)) {
      if (!idOrReply(ctx, ID, id)) return DONE;
    } else if (address === 0) {
      id.setMin();
    } else {
      id.set(stream.lastId);
    }
    if (address === 0) addStream(ctx, KEY);
    else if (openGroup(ctx, GROUP)) return reply.error(GROUP_EXISTS);
    else db.beforeUnwatchedWrite(address);
    const groups = stream.openOrCreateGroups();
    group.openNew(blocks, groups.add(buf, start[GROUP], len[GROUP], GROUP_BYTES));
    setGroup();
    notify(ctx, EVENT.stream, "xgroup-create", KEY);
    ctx.effects.verbatim();
    return reply.ok();
  },
});

/** Sets how far the open group has read. */
function setGroup(): void {
  group.lastId.set(id);
  group.entriesRead.setWords(entriesRead.high, entriesRead.low);
  group.store();
}

const setid = defineCommand({
  ...facts,
  name: "setid",
  summary: "Sets how far a consumer group has read",
  complexity: "O(log N) in the groups of the stream",
  arity: -5,
  flags: ["write"],
  keys: [keyAt(KEY, "RW", "update")],
  run(ctx) {
    const { request, reply } = ctx;
    if (!parseOptions(ctx, false)) return DONE;
    const address = openWithGroup(ctx);
    if (address === REFUSED) return DONE;
    if (request.argc > MAX_SETID_ARGUMENTS) return reply.error(wrongSubcommandSyntax(request));
    if (isCharacter(request, ID, DOLLAR)) id.set(stream.lastId);
    else if (!anyIdOrReply(ctx, ID, id)) return DONE;
    ctx.db.beforeUnwatchedWrite(address);
    setGroup();
    notify(ctx, EVENT.stream, "xgroup-setid", KEY);
    ctx.effects.verbatim();
    return reply.ok();
  },
});

const destroy = defineCommand({
  ...facts,
  name: "destroy",
  summary: "Removes a consumer group",
  complexity: "O(log N) in the groups of the stream; its memory is freed in the background",
  arity: 4,
  flags: ["write"],
  keys: [keyAt(KEY, "RW", "delete")],
  run(ctx) {
    const { reply, db, keyspace } = ctx;
    const address = openToWrite(ctx, KEY);
    if (address === REFUSED) return DONE;
    if (address === 0) return reply.error(GROUP_NEEDS_KEY);
    if (!openGroup(ctx, GROUP)) return reply.integer(0);
    db.beforeUnwatchedWrite(address);
    const rest = detachGroup(keyspace.memory.blocks, stream.groups);
    keyspace.discarded.add(STREAM, rest, !keyspace.expiring);
    notify(ctx, EVENT.stream, "xgroup-destroy", KEY);
    ctx.effects.verbatim();
    // Those who wait for the group are told that it is gone.
    db.signalReady(address);
    return reply.integer(1);
  },
});

const createconsumer = defineCommand({
  ...facts,
  name: "createconsumer",
  since: "6.2.0",
  summary: "Makes a consumer of a group",
  complexity: "O(log N) in the consumers of the group",
  arity: 5,
  flags: ["write", "denyoom"],
  keys: [keyAt(KEY, "RW", "insert")],
  run(ctx) {
    const { request, reply, keyspace } = ctx;
    const { buf, start, len } = request;
    const address = openWithGroup(ctx);
    if (address === REFUSED) return DONE;
    if (group.consumers.find(buf, start[CONSUMER], len[CONSUMER]) !== 0) return reply.integer(0);
    ctx.db.beforeUnwatchedWrite(address);
    group.addConsumer(buf, start[CONSUMER], len[CONSUMER], keyspace.nowMs);
    notify(ctx, EVENT.stream, "xgroup-createconsumer", KEY);
    ctx.effects.verbatim();
    return reply.integer(1);
  },
});

const delconsumer = defineCommand({
  ...facts,
  name: "delconsumer",
  summary: "Removes a consumer of a group, and what is pending of it",
  complexity: "O(M log N), M in the pending entries of the consumer, N in those of the group",
  arity: 5,
  flags: ["write"],
  keys: [keyAt(KEY, "RW", "delete")],
  run: runDelconsumer,
});

function runDelconsumer(ctx: CommandContext): Outcome {
  const { request, reply, keyspace } = ctx;
  const { buf, start, len } = request;
  const address = openWithGroup(ctx);
  if (address === REFUSED) return DONE;
  if (group.consumers.find(buf, start[CONSUMER], len[CONSUMER]) === 0) return reply.integer(0);
  const pending = pendingCount(keyspace.memory.blocks, group.consumers.address);
  ctx.db.beforeUnwatchedWrite(address);
  group.removeConsumer();
  notify(ctx, EVENT.stream, "xgroup-delconsumer", KEY);
  ctx.effects.verbatim();
  return reply.integer(pending);
}

export const xgroup: CommandSpec = defineCommand({
  ...facts,
  name: "xgroup",
  summary: "Container of the commands for consumer groups",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [
    create,
    setid,
    destroy,
    createconsumer,
    delconsumer,
    helpCommand("xgroup", facts, [
      "CREATE <key> <groupname> <id|$> [option]",
      "    Create a new consumer group. Options are:",
      "    * MKSTREAM",
      "      Create the empty stream if it does not exist.",
      "    * ENTRIESREAD entries_read",
      "      Set the group's entries_read counter (internal use).",
      "CREATECONSUMER <key> <groupname> <consumer>",
      "    Create a new consumer in the specified group.",
      "DELCONSUMER <key> <groupname> <consumer>",
      "    Remove the specified consumer.",
      "DESTROY <key> <groupname>",
      "    Remove the specified group.",
      "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
      "    Set the current group ID and entries_read counter.",
    ]),
  ],
});

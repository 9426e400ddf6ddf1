/**
 * MEMORY: how much memory things take.
 */
import { entryBytes } from "../../keyspace/entry-size.ts";
import { SYNTAX_ERROR } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { isWord, longOrReply } from "../arguments.ts";
import { defineCommand, keyAt } from "../command.ts";
import { helpCommand } from "../help.ts";
import { lookupUnnoticed } from "./lookup.ts";
import { doctor, mallocStats, purge, stats } from "./memory-stats.ts";

/** Redis's default. */
const DEFAULT_SAMPLES = 5;
/** What the table of keys takes for each: a slot of 8 bytes, of which about three quarters are taken. */
const TABLE_BYTES_PER_KEY = 11;

const usage = defineCommand({
  name: "usage",
  group: "server",
  since: "4.0.0",
  summary: "Estimates the memory that a key and its value take",
  complexity: "O(N) in the number of samples",
  arity: -3,
  flags: ["readonly"],
  categories: [],
  keys: [keyAt(2, "RO")],
  run(ctx) {
    const { request, reply, keyspace } = ctx;
    let samples = DEFAULT_SAMPLES;
    for (let i = 3; i < request.argc; i++) {
      if (!isWord(request, i, "samples") || i + 1 >= request.argc) return reply.error(SYNTAX_ERROR);
      samples = longOrReply(ctx, ++i);
      if (Number.isNaN(samples)) return DONE;
      if (samples < 0) return reply.error(SYNTAX_ERROR);
      if (samples === 0) samples = Number.POSITIVE_INFINITY;
    }
    const address = lookupUnnoticed(ctx, 2);
    if (address === 0) return reply.null();
    return reply.integer(Math.round(entryBytes(keyspace.memory, address, samples)) + TABLE_BYTES_PER_KEY);
  },
});

const help = helpCommand("memory", { group: "server", since: "4.0.0", categories: [] }, [
  "DOCTOR",
  "    What is remarkable about the memory of the server, in words.",
  "MALLOC-STATS",
  "    What the allocator has, and has given out.",
  "PURGE",
  "    Give memory back that is not needed now.",
  "STATS",
  "    How much memory is used, and for what.",
  "USAGE <key> [SAMPLES <count>]",
  "    Bytes that the key and its value take, estimated from so many of the value's elements (default 5, 0: all).",
]);

export const memory = defineCommand({
  name: "memory",
  group: "server",
  since: "4.0.0",
  summary: "Container of commands about memory",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [doctor, help, mallocStats, purge, stats, usage],
});

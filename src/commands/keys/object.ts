/**
 * OBJECT: what the server knows about a value besides the value.
 */
import { NOT_TRACKING_FREQUENCY, NOT_TRACKING_IDLE_TIME } from "../../protocol/errors.ts";
import type { Outcome } from "../../protocol/outcome.ts";
import { dataTypeOf } from "../../types/registry.ts";
import { INT, STRING } from "../../types/string/string-value.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { helpCommand } from "../help.ts";
import { lookupUnnoticed } from "./lookup.ts";

/** Integers from 0 to 9999 are objects that all keys of Redis share, with a reference count that says so. */
const SHARED_INTEGER_DIGITS = 4;
const SHARED_REFERENCES = 2 ** 31 - 1;
const MAXMEMORY = [Buffer.from("maxmemory")];
const MINUS = 0x2d;

/** A subcommand about the key at argument 2: null if there is none. */
function aboutKey(
  facts: Pick<CommandSpec, "name" | "since" | "summary">,
  answer: (ctx: CommandContext, address: number) => Outcome,
): CommandSpec {
  return defineCommand({
    ...facts,
    group: "generic",
    complexity: "O(1)",
    arity: 3,
    flags: ["readonly"],
    categories: ["keyspace"],
    keys: [keyAt(2, "RO")],
    tips: ["nondeterministic_output"],
    run(ctx) {
      const address = lookupUnnoticed(ctx, 2);
      return address === 0 ? ctx.reply.null() : answer(ctx, address);
    },
  });
}

const encoding = aboutKey(
  { name: "encoding", since: "2.2.3", summary: "Names the internal representation of a value" },
  ({ keyspace: { entries }, reply }, address) =>
    reply.bulkText(dataTypeOf(entries.type(address)).encodingName(entries.encoding(address))),
);

const freq = aboutKey(
  {
    name: "freq",
    since: "4.0.0",
    summary: "Tells how often a key is used, as the logarithmic counter of LFU",
  },
  ({ keyspace: { accessClock, entries }, reply }, address) =>
    accessClock.lfu
      ? reply.integer(accessClock.frequency(entries.access(address)))
      : reply.error(NOT_TRACKING_FREQUENCY),
);

const idletime = aboutKey(
  { name: "idletime", since: "2.2.3", summary: "Tells the seconds since a key was used" },
  ({ keyspace: { accessClock, entries }, reply }, address) =>
    accessClock.lfu
      ? reply.error(NOT_TRACKING_IDLE_TIME)
      : reply.integer(accessClock.idleSeconds(entries.access(address))),
);

const refcount = aboutKey(
  { name: "refcount", since: "2.2.3", summary: "Tells the number of references to a value" },
  (ctx, address) => ctx.reply.integer(isSharedInteger(ctx, address) ? SHARED_REFERENCES : 1),
);

/** Whether Redis would hold the value as a shared integer: small, and no policy that needs a clock of its own. */
function isSharedInteger(ctx: CommandContext, address: number): boolean {
  const { entries } = ctx.keyspace;
  if (entries.type(address) !== STRING || entries.encoding(address) !== INT) return false;
  if (entries.valueLength(address) > SHARED_INTEGER_DIGITS) return false;
  if (entries.valueBuffer(address)[entries.valueStart(address)] === MINUS) return false;
  const { config } = ctx.server;
  const countsUse = config.maxmemoryPolicy.endsWith("-lru") || config.maxmemoryPolicy.endsWith("-lfu");
  return !countsUse || config.get(MAXMEMORY)[0][1] === "0";
}

const help = helpCommand("object", { group: "generic", since: "6.2.0", categories: ["keyspace"] }, [
  "ENCODING <key>",
  "    The internal representation of the key's value.",
  "FREQ <key>",
  "    How often the key is used: the logarithmic counter of the LFU policies.",
  "IDLETIME <key>",
  "    Seconds since the key was last used; not with an LFU policy.",
  "REFCOUNT <key>",
  "    References to the key's value.",
]);

export const object = defineCommand({
  name: "object",
  group: "generic",
  since: "2.2.3",
  summary: "Container of commands that look into values",
  complexity: "Depends on the subcommand",
  arity: -2,
  flags: [],
  categories: [],
  keys: [],
  subcommands: [encoding, freq, help, idletime, refcount],
});

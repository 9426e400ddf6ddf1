/**
 * SINTER, SUNION, SDIFF, the same with a key to store the result under, and SINTERCARD.
 */
import {
  LIMIT_NEGATIVE,
  NUMKEYS_NOT_GREATER_THAN_0,
  NUMKEYS_TOO_LARGE,
  SYNTAX_ERROR,
} from "../../protocol/errors.ts";
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import { isWord, rangeOrReply } from "../arguments.ts";
import { type CommandSpec, defineCommand, keyAt, keysFrom } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { setTools } from "../set-access.ts";
import {
  intersect,
  isEmptyDifference,
  isLookupCheaper,
  readSets,
  subtractByLookup,
  subtractByRemoval,
  unite,
} from "./combine.ts";
import { replyMember, replySet } from "./reply.ts";

const DESTINATION = 1;

/** Answers a set of members as they are found. */
function replyFound(ctx: CommandContext, find: (found: () => void) => void): Outcome {
  throw new Error();
}

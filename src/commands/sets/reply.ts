/**
 * Members of sets in replies.
 */
import { DONE, type Outcome } from "../../protocol/outcome.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { SetMembers } from "../../types/set/set-members.ts";

/** The least that a bulk string takes in a reply: by that, what no reply can hold is refused before it is made. */
export const LEAST_BULK_BYTES = 6;

/** The present member. */
export function replyMember(reply: ReplyWriter, { buffer, start, length }: SetMembers): Outcome {
  return reply.bulkRange(buffer, start, length);
}

/** All members, as a set. */
export function replySet(reply: ReplyWriter, members: SetMembers): Outcome {
  reply.set(members.size);
  members.begin();
  while (members.next()) replyMember(reply, members);
  return DONE;
}

/**
 * Names of groups and consumers in replies.
 */
import type { Blocks } from "../../memory/blocks.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { nameOf } from "../../types/stream/named-objects.ts";

/** Answers the name of the group or consumer at this address. */
export function replyName(reply: ReplyWriter, blocks: Blocks, address: number): void {
  const name = nameOf(blocks, address);
  reply.bulkRange(blocks.buffer(name), blocks.start(name), blocks.length(name));
}

/**
 * Running a command's handler, whose reply may become larger than a reply can be. One that only reads is ended there,
 * whatever asks for the rest (a random member, nine trillion times); one that writes comes to its end, or its effects
 * would be half done. What becomes of the client is the dispatcher's business (ReplyWriter.hasOverflowed).
 */
import type { CommandContext } from "../commands/context.ts";
import type { CompiledCommand } from "../commands/table.ts";
import { DONE, type Outcome } from "../protocol/outcome.ts";
import { ReplyTooLargeError } from "../protocol/reply-writer.ts";

export function runHandler(command: CompiledCommand, ctx: CommandContext): Outcome {
  try {
    return command.run!(ctx);
  } catch (error) {
    if (!(error instanceof ReplyTooLargeError) || command.isWrite) throw error;
    ctx.reply.abandon();
    return DONE;
  }
}

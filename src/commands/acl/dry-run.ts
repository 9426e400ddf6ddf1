/**
 * ACL DRYRUN: whether a user might execute a command.
 */
import { noSuchCommandToTry, noSuchUserToTry, wrongArity } from "../../protocol/errors.ts";
import type { DryRunResult } from "../access.ts";
import { textForError } from "../arguments.ts";
import { adminSubcommand, replyBytes } from "./subcommand.ts";

const USER_AT = 2;
const COMMAND_AT = 3;

export const dryRun = adminSubcommand({
  name: "dryrun",
  since: "7.0.0",
  summary: "Tells whether a user might execute a command, without executing it",
  complexity: "O(1)",
  arity: -4,
  run({ request, reply, server }) {
    const result = server.access.dryRun(request.text(USER_AT), request, COMMAND_AT);
    switch (result.kind) {
      case "allowed":
        return reply.ok();
      case "no such user":
        return reply.error(noSuchUserToTry(textForError(request, USER_AT)));
      case "no such command":
        return reply.error(noSuchCommandToTry(textForError(request, COMMAND_AT)));
      case "wrong arity":
        return reply.error(wrongArity(result.command));
      case "denied":
        return replyBytes(reply, denialText(result));
    }
  },
});

function denialText({ reason, object }: Extract<DryRunResult, { kind: "denied" }>): string {
  if (reason === "command") return `This user has no permissions to run the '${object}' command`;
  // C's text ends at the first zero byte.
  return `This user has no permissions to access the '${object.split("\0")[0]}' ${reason}`;
}

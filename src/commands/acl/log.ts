/**
 * ACL LOG: what was denied.
 */

import { wrongSubcommandSyntax } from "../../protocol/errors.ts";
import { DONE } from "../../protocol/outcome.ts";
import { isWord, longOrReply } from "../arguments.ts";
import { adminSubcommand, replyBytes } from "./subcommand.ts";

const SHOWN_BY_DEFAULT = 10;

export const log = adminSubcommand({
  name: "log",
  since: "6.0.0",
  summary: "Tells what was denied of late, or forgets it",
  complexity: "O(N) in the number of entries shown",
  arity: -2,
  run(ctx) {
    const { request, reply, server } = ctx;
    if (request.argc > 3) return reply.error(wrongSubcommandSyntax(request));
    if (request.argc === 3 && isWord(request, 2, "reset")) {
      server.access.clearLog();
      return reply.ok();
    }
    const count = request.argc === 3 ? longOrReply(ctx, 2) : SHOWN_BY_DEFAULT;
    if (Number.isNaN(count)) return DONE;
    const entries = server.access.log(Math.max(0, count));
    reply.array(entries.length);
    for (const entry of entries) {
      reply.map(10);
      reply.bulkText("count");
      reply.integer(entry.count);
      for (const field of ["reason", "context", "object", "username"] as const) {
        reply.bulkText(field);
        replyBytes(reply, entry[field]);
      }
      reply.bulkText("age-seconds");
      reply.double(entry.ageSeconds);
      reply.bulkText("client-info");
      replyBytes(reply, entry.client);
      reply.bulkText("entry-id");
      reply.integer(entry.id);
      reply.bulkText("timestamp-created");
      reply.integer(entry.createdMs);
      reply.bulkText("timestamp-last-updated");
      reply.integer(entry.updatedMs);
    }
    return DONE;
  },
});

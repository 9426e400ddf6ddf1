/**
 * ZSCAN. A small set is answered as a whole.
 */
import { formatDouble } from "../../base/numbers.ts";
import { DONE } from "../../protocol/outcome.ts";
import { scoreText } from "../../types/sorted-set/score.ts";
import { type CommandSpec, defineCommand, keyAt } from "../command.ts";
import { cursorOrReply, replyNothingToScan, ScanReply, scanOptionsOrReply } from "../scan-options.ts";
import { openSortedSet } from "../sorted-set-access.ts";

const CURSOR = 2;

export const zscan: CommandSpec = defineCommand({
  name: "zscan",
  group: "sorted-set",
  since: "2.8.0",
  summary: "Walk over the members of a sorted set, and their scores, in steps",
  complexity: "O(1) per step, O(N) for all, in the number of members",
  arity: -3,
  flags: ["readonly"],
  categories: ["sortedset"],
  keys: [keyAt(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { db, request, reply } = ctx;
    const cursor = cursorOrReply(ctx, CURSOR);
    if (Number.isNaN(cursor)) return DONE;
    const address = db.lookupRead(request.buf, request.start[1], request.len[1]);
    if (address === 0) return replyNothingToScan(ctx);
    const set = openSortedSet(ctx, address);
    if (set === undefined) return DONE;
    const options = scanOptionsOrReply(ctx, CURSOR + 1, false);
    if (options === undefined) return DONE;
    const { elements } = set;
    const scan = new ScanReply(reply, options);
    // The digits of large integers are those that the set stores.
    const textOf = elements.isSmall ? scoreText : formatDouble;
    const next = elements.scan(cursor, options.count, (score, buffer, start, length) => {
      if (!scan.takes(buffer, start, length)) return;
      reply.bulkRange(buffer, start, length);
      reply.bulkText(textOf(score));
    });
    return scan.end(next, 2);
  },
});

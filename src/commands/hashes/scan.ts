/**
 * HSCAN.
 */
import { DONE } from "../../protocol/outcome.ts";
import { defineCommand, keyAt } from "../command.ts";
import { cursorOrReply, replyNothingToScan, ScanReply, scanOptionsOrReply } from "../scan-options.ts";
import { openHash } from "./open.ts";

const CURSOR = 2;
const FIRST_OPTION = 3;
/** Name and value. */
const REPLIES_FOR_EACH = 2;

export const hscan = defineCommand({
  name: "hscan",
  group: "hash",
  since: "2.8.0",
  summary: "Walk over the fields of a hash in steps",
  complexity: "O(1) per step, O(N) for all, in the number of fields",
  arity: -3,
  flags: ["readonly"],
  categories: ["hash"],
  keys: [keyAt(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  run(ctx) {
    const { request, reply } = ctx;
    const cursor = cursorOrReply(ctx, CURSOR);
    if (Number.isNaN(cursor)) return DONE;
    const address = ctx.db.lookupRead(request.buf, request.start[1], request.len[1]);
    if (address === 0) return replyNothingToScan(ctx);
    const hash = openHash(ctx, address);
    if (hash === undefined) return DONE;
    const options = scanOptionsOrReply(ctx, FIRST_OPTION, false);
    if (options === undefined) return DONE;
    const scan = new ScanReply(reply, options);
    const { fields } = hash;
    const { field, value } = fields;
    const visit = (): void => {
      if (hash.isDue(fields.time) || !scan.takes(field.buffer, field.start, field.length)) return;
      reply.bulkRange(field.buffer, field.start, field.length);
      reply.bulkRange(value.buffer, value.start, value.length);
    };
    return scan.end(fields.scan(cursor, options.count, visit), REPLIES_FOR_EACH);
  },
});

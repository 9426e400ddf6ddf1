/**
 * Writing replies: the common ones, sixteen to a buffer, as a pipeline has them sent.
 */
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { consume, type MicroTask } from "./task.ts";

const PIPELINE = 16;
const ROUNDS = 64;
const KEYS = 10;

const VALUE = Buffer.alloc(64, "v");
const LARGE_VALUE = Buffer.alloc(1024, "v");

export const replyWriterTasks: readonly MicroTask[] = [
  task("reply OK", (reply) => reply.ok()),
  task("reply null", (reply) => reply.null()),
  task("reply integer, 1 digit", (reply) => reply.integer(1)),
  task("reply integer, 10 digits", (reply) => reply.integer(1_234_567_890)),
  task("reply bulk, 64 B", (reply) => reply.bulkRange(VALUE, 0, VALUE.length)),
  task("reply bulk, 1 KB", (reply) => reply.bulkRange(LARGE_VALUE, 0, LARGE_VALUE.length)),
  task("reply array of 10 bulks of 64 B", (reply) => {
    reply.array(KEYS);
    for (let i = 0; i < KEYS; i++) reply.bulkRange(VALUE, 0, VALUE.length);
  }),
];

function task(name: string, write: (reply: ReplyWriter) => unknown): MicroTask {
  const reply = new ReplyWriter();
  return {
    name,
    operations: PIPELINE * ROUNDS,
    run() {
      for (let round = 0; round < ROUNDS; round++) {
        for (let i = 0; i < PIPELINE; i++) write(reply);
        consume(reply.buf[reply.end - 3] + reply.end);
        reply.reset();
      }
      return undefined;
    },
  };
}

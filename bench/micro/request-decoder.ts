/**
 * Decoding requests: a pipeline of 16, in one packet and cut in two.
 */
import { REQUEST, RequestDecoder } from "../../src/protocol/request-decoder.ts";
import { encodeCommand } from "../support/pipeline-client.ts";
import { consume, type MicroTask } from "./task.ts";

const PIPELINE = 16;
const ROUNDS = 64;
const LIMITS = { maxBulkLength: 512 * 1024 * 1024, queryBufferLimit: 1024 ** 3 };

const VALUE = Buffer.alloc(64, "v");
const GETS = pipeline((key) => encodeCommand(["GET", key]));
const SETS = pipeline((key) => encodeCommand(["SET", key, VALUE]));

export const requestDecoderTasks: readonly MicroTask[] = [
  task("decode GET, pipeline of 16", GETS, GETS.length),
  task("decode GET, pipeline of 16 in two packets", GETS, cutWithinRequest(GETS)),
  task("decode SET 64 B, pipeline of 16", SETS, SETS.length),
  task("decode SET 64 B, pipeline of 16 in two packets", SETS, cutWithinRequest(SETS)),
];

function pipeline(command: (key: string) => Buffer): Buffer {
  return Buffer.concat(
    Array.from({ length: PIPELINE }, (_, i) => command(`key:${String(i).padStart(12, "0")}`)),
  );
}

/** A place in the middle, and in the middle of an argument. */
function cutWithinRequest(bytes: Buffer): number {
  return (bytes.length >> 1) + (bytes.length / PIPELINE) * 0.6;
}

function task(name: string, bytes: Buffer, cut: number): MicroTask {
  const decoder = new RequestDecoder(LIMITS);
  const place = Math.floor(cut);
  return {
    name,
    operations: PIPELINE * ROUNDS,
    run() {
      for (let round = 0; round < ROUNDS; round++) {
        decodePacket(decoder, bytes, 0, place);
        if (place < bytes.length) decodePacket(decoder, bytes, place, bytes.length);
      }
      return undefined;
    },
  };
}

function decodePacket(decoder: RequestDecoder, bytes: Buffer, start: number, end: number): void {
  decoder.feed(bytes, start, end);
  while (decoder.next() === REQUEST) {
    const { argc, buf, len, start: starts } = decoder.request;
    const last = argc - 1;
    consume(buf[starts[last]] + len[last]);
  }
  decoder.settle();
}

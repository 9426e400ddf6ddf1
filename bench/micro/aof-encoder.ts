/**
 * Encoding commands for the append-only file, into blocks of the size that a busy turn fills.
 */
import { ManualClock } from "../../src/base/clock.ts";
import { AofEncoder } from "../../src/persistence/aof/encoder.ts";
import { Request } from "../../src/protocol/request.ts";
import { consume, type MicroTask } from "./task.ts";

const COMMANDS = 1000;
const BUFFER_BYTES = 1024 * 1024;
const KEY = "key:000000000042";

export const aofEncoderTasks: readonly MicroTask[] = [
  task("AOF: SET 64 B", Request.of("SET", KEY, Buffer.alloc(64, "v"))),
  task("AOF: SET 1 KB", Request.of("SET", KEY, Buffer.alloc(1000, "v"))),
  task("AOF: INCR", Request.of("INCR", KEY)),
];

function task(name: string, request: Request): MicroTask {
  const buffer = Buffer.allocUnsafeSlow(2 * BUFFER_BYTES);
  const encoder = new AofEncoder(new ManualClock(1_700_000_000_000), buffer, (neededBytes) =>
    Buffer.allocUnsafeSlow(neededBytes),
  );
  return {
    name,
    operations: COMMANDS,
    run() {
      encoder.startBlock(buffer, 0);
      for (let i = 0; i < COMMANDS; i++) encoder.command(request);
      consume(encoder.buf[encoder.end - 3] + encoder.end);
      return undefined;
    },
  };
}

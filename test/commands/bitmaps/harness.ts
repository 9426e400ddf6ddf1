/**
 * A harness with the bitmap commands and those of plain strings, and one key that is no string, as the generator
 * expects it.
 */
import { bitmapCommands } from "../../../src/commands/bitmaps/index.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { CommandHarness } from "../../support/command-harness.ts";
import { addListKey } from "../../support/list-key.ts";

/** The smallest limit that Redis accepts, so that tests can reach it. */
export const MAX_BULK_BYTES = 1024 * 1024;

export function newBitmapHarness(
  resp: 2 | 3 = 2,
  protoMaxBulkLength: number = MAX_BULK_BYTES,
): CommandHarness {
  const harness = new CommandHarness({
    commands: [...bitmapCommands, ...stringCommands],
    config: { protoMaxBulkLength },
    startMs: Date.now(),
  });
  harness.client.resp = resp;
  addListKey(harness);
  return harness;
}

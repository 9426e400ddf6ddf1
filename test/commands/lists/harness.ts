/**
 * A command harness with lists, strings and generic commands, and a limit for chunks of lists as asked for.
 */
import { keyCommands } from "../../../src/commands/keys/index.ts";
import { listCommands } from "../../../src/commands/lists/index.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { CommandHarness } from "../../support/command-harness.ts";

/** `fill` is list-max-listpack-size. */
export function newListHarness(fill = -2): CommandHarness {
  const harness = new CommandHarness({
    commands: [...listCommands, ...keyCommands, ...stringCommands],
    config: { rdbcompression: false },
    startMs: Date.now(),
  });
  harness.keyspace.memory.limits.listMaxListpackSize = fill;
  return harness;
}

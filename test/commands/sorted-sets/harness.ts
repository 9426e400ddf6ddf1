/**
 * A command harness with sorted sets, sets and strings, and limits as asked for.
 */
import { setCommands } from "../../../src/commands/sets/index.ts";
import { sortedSetCommands } from "../../../src/commands/sorted-sets/index.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { CommandHarness } from "../../support/command-harness.ts";

export function newSortedSetHarness(maxListpackEntries = 128, maxListpackValue = 64): CommandHarness {
  const harness = new CommandHarness({
    commands: [...stringCommands, ...setCommands, ...sortedSetCommands],
    startMs: Date.now(),
  });
  harness.keyspace.memory.limits.zsetMaxListpackEntries = maxListpackEntries;
  harness.keyspace.memory.limits.zsetMaxListpackValue = maxListpackValue;
  return harness;
}

/**
 * A command harness with HyperLogLogs and strings, a key of another type, and `hll-sparse-max-bytes` as asked for.
 */
import { hyperloglogCommands } from "../../../src/commands/hyperloglog/index.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { CommandHarness } from "../../support/command-harness.ts";
import { addListKey } from "../../support/list-key.ts";

export function newHyperLogLogHarness(hllSparseMaxBytes = 3000): CommandHarness {
  const harness = new CommandHarness({
    commands: [...stringCommands, ...hyperloglogCommands],
    config: { hllSparseMaxBytes },
    startMs: Date.now(),
  });
  addListKey(harness);
  return harness;
}

/**
 * A command harness with HyperLogLogs and strings, a key of another type, and `hll-sparse-max-bytes` as asked for.
 */
import { hyperloglogCommands } from "../../../src/commands/hyperloglog/index.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { CommandHarness } from "../../support/command-harness.ts";

const FOREIGN_TYPE = 4;

export function newHyperLogLogHarness(hllSparseMaxBytes = 3000): CommandHarness {
  const harness = new CommandHarness({
    commands: [...stringCommands, ...hyperloglogCommands],
    config: { hllSparseMaxBytes },
    startMs: Date.now(),
  });
  const key = Buffer.from("list");
  harness.db.find(key, 0, key.length);
  harness.db.add(FOREIGN_TYPE, key, 0, key.length, 4, 0);
  return harness;
}

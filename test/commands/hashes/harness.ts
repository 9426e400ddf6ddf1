/**
 * A command harness with hashes, strings and generic commands, and limits for small hashes as asked for.
 */
import type { Random } from "../../../src/base/random.ts";
import { hashCommands } from "../../../src/commands/hashes/index.ts";
import { keyCommands } from "../../../src/commands/keys/index.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { CommandHarness } from "../../support/command-harness.ts";

export interface HashHarnessOptions {
  readonly entries?: number;
  readonly value?: number;
  readonly random?: Random;
  /** rdbcompression. */
  readonly compresses?: boolean;
}

export function newHashHarness(options: HashHarnessOptions = {}): CommandHarness {
  const harness = new CommandHarness({
    commands: [...hashCommands, ...keyCommands, ...stringCommands],
    config: { rdbcompression: options.compresses ?? true },
    startMs: Date.now(),
    ...(options.random === undefined ? {} : { random: options.random }),
  });
  const { limits } = harness.keyspace.memory;
  limits.hashMaxListpackEntries = options.entries ?? limits.hashMaxListpackEntries;
  limits.hashMaxListpackValue = options.value ?? limits.hashMaxListpackValue;
  return harness;
}

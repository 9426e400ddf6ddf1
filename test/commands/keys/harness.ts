/**
 * A command harness with the commands on keys, strings and databases, and a walk over the keys in memory.
 */
import { connectionCommands } from "../../../src/commands/connection/index.ts";
import { keyCommands } from "../../../src/commands/keys/index.ts";
import { serverCommands } from "../../../src/commands/server/index.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { TierWalk } from "../../../src/keyspace/tier-walk.ts";
import { CommandHarness } from "../../support/command-harness.ts";

export interface KeyHarnessOptions {
  readonly startMs?: number;
  readonly databases?: number;
  /** What CONFIG GET answers for single directives. */
  readonly directives?: Readonly<Record<string, string>>;
  readonly maxmemoryPolicy?: string;
}

export function newKeyHarness(options: KeyHarnessOptions = {}): CommandHarness {
  const directives: Record<string, string> = { "lazyfree-lazy-user-flush": "no", ...options.directives };
  const harness = new CommandHarness({
    commands: [...stringCommands, ...keyCommands, ...connectionCommands, ...serverCommands],
    startMs: options.startMs ?? Date.now(),
    databases: options.databases ?? 16,
    config: {
      maxmemoryPolicy: options.maxmemoryPolicy ?? "noeviction",
      get: (patterns) => patterns.map((pattern) => [pattern.toString(), directives[pattern.toString()]]),
    },
  });
  Object.assign(harness.server, { walk: new TierWalk(harness.keyspace, undefined) });
  return harness;
}

/**
 * A command harness with streams and strings, and nodes as small as asked for.
 */
import { keyCommands } from "../../../src/commands/keys/index.ts";
import { streamCommands } from "../../../src/commands/streams/index.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { CommandHarness } from "../../support/command-harness.ts";

export interface NodeSizes {
  readonly bytes: number;
  readonly entries: number;
}

export const REDIS_NODES: NodeSizes = { bytes: 4096, entries: 100 };

export function newStreamHarness(
  nodes: NodeSizes = REDIS_NODES,
  startMs: number = Date.now(),
): CommandHarness {
  const harness = new CommandHarness({
    commands: [...stringCommands, ...streamCommands, ...keyCommands],
    config: { rdbcompression: false },
    startMs,
  });
  const { limits } = harness.keyspace.memory;
  limits.streamNodeMaxBytes = nodes.bytes;
  limits.streamNodeMaxEntries = nodes.entries;
  return harness;
}

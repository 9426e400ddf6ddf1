/**
 * A command harness with sets, strings and the commands on keys, and `set-max-intset-entries` as asked for.
 */
import { type Random, SeededRandom } from "../../../src/base/random.ts";
import { keyCommands } from "../../../src/commands/keys/index.ts";
import { setCommands } from "../../../src/commands/sets/index.ts";
import { stringCommands } from "../../../src/commands/strings/index.ts";
import { CommandHarness } from "../../support/command-harness.ts";

export function newSetHarness(maxIntsetEntries = 512, random: Random = new SeededRandom(1)): CommandHarness {
  const harness = new CommandHarness({
    commands: [...stringCommands, ...keyCommands, ...setCommands],
    config: { rdbcompression: false },
    startMs: Date.now(),
    random,
  });
  harness.keyspace.memory.limits.setMaxIntsetEntries = maxIntsetEntries;
  return harness;
}

/** The bulk strings in a reply to a command of one or two levels, as text; "nil" for a null. */
export function itemsOf(reply: Buffer): string[] {
  const text = reply.toString("latin1");
  const items: string[] = [];
  for (let at = 0; at < text.length; ) {
    const lineEnd = text.indexOf("\r\n", at) + 2;
    const length = text[at] === "$" ? Number(text.slice(at + 1, lineEnd - 2)) : -2;
    if (length >= 0) items.push(text.slice(lineEnd, lineEnd + length));
    else if (length === -1) items.push("nil");
    at = lineEnd + Math.max(length, -2) + 2;
    if (length === -1) at = lineEnd;
  }
  return items;
}

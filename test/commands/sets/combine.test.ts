/**
 * What sets of integers only make, when nothing else was looked for before, or something that is no integer.
 */
import { expect, it } from "vitest";
import { setCommands } from "../../../src/commands/sets/index.ts";
import { CommandHarness } from "../../support/command-harness.ts";

it("unites sets of integers, whatever was united before", () => {
  const harness = new CommandHarness({ commands: setCommands });
  harness.run("SADD", "a", "1", "2");
  harness.run("SADD", "b", "2", "3");
  harness.run("SADD", "texts", "x", "y");
  const united = "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n";
  expect(harness.text("SUNIONSTORE", "c", "a", "b")).toBe(":3\r\n");
  expect(harness.text("SMEMBERS", "c")).toBe(united);
  expect(harness.text("SUNIONSTORE", "d", "texts", "a")).toBe(":4\r\n");
  expect(harness.text("SUNIONSTORE", "c", "a", "b")).toBe(":3\r\n");
  expect(harness.text("SMEMBERS", "c")).toBe(united);
});

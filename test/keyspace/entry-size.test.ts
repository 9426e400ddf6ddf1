/**
 * Which values are written from an image: all that are large, be it for a few large elements.
 */
import { expect, test } from "vitest";
import { listCommands } from "../../src/commands/lists/index.ts";
import { imageOf } from "../../src/keyspace/entry-size.ts";
import { CommandHarness } from "../support/command-harness.ts";

test.each([
  ["few large elements", 20, 50_000, true],
  ["many small ones", 20_000, 20, true],
  ["few, but too many for a listpack", 2000, 20, false],
])("a list of %s", (_, count, bytes, hasImage) => {
  const server = new CommandHarness({ commands: listCommands });
  for (let i = 0; i < count; i++) server.run("RPUSH", "list", "e".repeat(bytes));
  const name = Buffer.from("list");
  const address = server.db.find(name, 0, name.length);
  expect(imageOf(server.keyspace.memory, address) !== undefined).toBe(hasImage);
});

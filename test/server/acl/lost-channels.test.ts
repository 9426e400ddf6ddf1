/**
 * Which subscribers must go when their user's channels change.
 */
import { expect, test } from "vitest";
import { mayKeep, narrowedChannels } from "../../../src/server/acl/lost-channels.ts";
import { patternOf } from "../../../src/server/acl/selector.ts";
import { userOf } from "./support.ts";

const narrowed = (before: string[], after: string[]) =>
  narrowedChannels(userOf(...before), userOf(...after))?.map(({ text }) => text);

test("only what is taken away matters", () => {
  expect(narrowed(["&a"], ["&a", "&b"])).toBeUndefined();
  expect(narrowed(["&a"], ["&*"])).toBeUndefined();
  expect(narrowed(["&a"], ["+get", "(&*)"])).toBeUndefined();
  expect(narrowed([], [])).toBeUndefined();
  expect(narrowed(["&a", "&b"], ["&a"])).toEqual(["a"]);
  expect(narrowed(["&*"], ["&a", "(&b)"])).toEqual(["a", "b"]);
  expect(narrowed(["&a", "(&b)"], ["&b*"])).toEqual(["b*"]);
});

test("channels need a pattern, patterns must be allowed literally", () => {
  const keeps = (
    allowed: string[],
    channels: string[],
    patterns: string[] = [],
    shardChannels: string[] = [],
  ) => mayKeep({ channels, patterns, shardChannels }, allowed.map(patternOf));
  expect(keeps(["a*"], ["a", "ab"], ["a*"], ["ac"])).toBe(true);
  expect(keeps(["a*"], ["a", "b"])).toBe(false);
  expect(keeps(["a*"], [], ["ab*"])).toBe(false);
  expect(keeps(["a*"], [], [], ["b"])).toBe(false);
  expect(keeps([], [])).toBe(true);
});

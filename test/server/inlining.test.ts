/**
 * Goal: the limits of inlining change without V8 ending the process. It does so when the longest function that may be
 * inlined becomes shorter while another thread optimises: about one start in forty with a long configuration file.
 * Method: the flags that are set, against those that V8 begins with.
 */
import { spawnSync } from "node:child_process";
import { expect, test, vi } from "vitest";

const flags: string[] = [];
vi.mock("node:v8", async (original) => ({
  ...(await original<typeof import("node:v8")>()),
  setFlagsFromString: (flag: string) => flags.push(flag),
}));
const { inlineLittle, inlineMuch } = await import("../../src/server/inlining.ts");

const MOST = "--max-inlined-bytecode-size=";

test("the longest function that may be inlined never becomes shorter", () => {
  const { stdout } = spawnSync(process.execPath, ["--v8-options"], { encoding: "utf8" });
  const initial = /--max-inlined-bytecode-size .*\n.*--max-inlined-bytecode-size=(\d+)/.exec(stdout);
  inlineLittle();
  inlineMuch();
  const lengths = flags
    .filter((flag) => flag.startsWith(MOST))
    .map((flag) => Number(flag.slice(MOST.length)));
  const all = [Number(initial?.[1]), ...lengths];
  expect(all).toEqual(all.toSorted((a, b) => a - b));
  expect(all).toHaveLength(2);
});

/** `npm run torture`: runs the seeds it is told, says so in JSON, and repeats a run with the same result. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("../../dist/test/crash/torture/main.js", import.meta.url));

function torture(...args: string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

test("runs the seeds of the paths that are named", () => {
  const { status, output } = torture("--seeds", "5", "--from", "100", "--paths", "manifest,undo", "--json");
  const result = JSON.parse(output) as { seeds: Record<string, number>; failures: unknown[] };
  expect(result.seeds).toEqual({ manifest: 5, undo: 5 });
  expect(result.failures).toEqual([]);
  expect(status).toBe(0);
});

test("refuses what it does not know", () => {
  expect(torture("--paths", "nowhere")).toMatchObject({ status: 1 });
  expect(torture("--seeds", "0").output).toContain("--seeds takes a positive integer");
});

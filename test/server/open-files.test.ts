/**
 * maxclients is kept within the limit of open files, at the start and by CONFIG SET.
 */
import { expect, test } from "vitest";
import type { Log } from "../../src/base/log.ts";
import { Config } from "../../src/server/config/config.ts";
import { limitClients, openFileLimit, softLimit } from "../../src/server/open-files.ts";

function recorder(): { readonly warnings: string[]; readonly log: Log } {
  const warnings: string[] = [];
  const ignored = () => {};
  const log: Log = {
    debug: ignored,
    verbose: ignored,
    notice: ignored,
    warning: (text) => warnings.push(text),
  };
  return { warnings, log };
}

test("the limit is the soft one of this process", () => {
  const text =
    "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096     files\n";
  expect(softLimit(text)).toBe(1024);
  expect(softLimit("Max open files            unlimited            unlimited  files\n")).toBe(
    Number.POSITIVE_INFINITY,
  );
  expect(openFileLimit()).toBeGreaterThan(64);
});

test("a start with too many clients has as many as there is room for, and says so", () => {
  const { warnings, log } = recorder();
  const config = new Config();
  limitClients(config, 1024, log);
  expect(config.values.maxclients).toBe(960);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/maximum open files is 1024\. maxclients has been reduced from 10000 to 960/);
});

test("what there is room for stays, and nothing is said", () => {
  const { warnings, log } = recorder();
  const config = new Config();
  limitClients(config, 10_064, log);
  limitClients(config, Number.POSITIVE_INFINITY, log);
  expect(config.values.maxclients).toBe(10_000);
  expect(warnings).toEqual([]);
});

test("CONFIG SET refuses more, and changes nothing else either", () => {
  const config = new Config();
  limitClients(config, 1024, recorder().log);
  const set = (maxclients: string) => () =>
    config.set([
      ["timeout", "9"],
      ["maxclients", maxclients],
    ]);
  expect(set("961")).toThrow(
    "ERR CONFIG SET failed (possibly related to argument 'maxclients')" +
      " - The operating system is not able to handle the specified number of clients, try with 960",
  );
  expect(config.values).toMatchObject({ maxclients: 960, timeout: 0 });
  set("500")();
  expect(config.values).toMatchObject({ maxclients: 500, timeout: 9 });
});

test("a limit that leaves room for nobody is an error", () => {
  expect(() => limitClients(new Config(), 64, recorder().log)).toThrow(
    "Your current 'ulimit -n' of 64 is not enough for the server to start",
  );
});

/**
 * Log lines: format, levels, colours, and files that are renamed or cannot be written.
 */
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ServerLog } from "../../src/server/log.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";

const folder = temporaryFolder();
afterAll(() => removeFolder(folder));

function memoryStream(isTTY: boolean) {
  const lines: string[] = [];
  return { isTTY, lines, write: (text: string) => lines.push(text) };
}

/** 9 March 2026, 07:05:03.042 in this machine's time zone. */
const momentMs = new Date(2026, 2, 9, 7, 5, 3, 42).getTime();

describe("ServerLog", () => {
  it("writes Redis's line format", () => {
    const stream = memoryStream(false);
    const log = new ServerLog({ stream, level: "debug", nowMs: () => momentMs });
    log.debug("one");
    log.verbose("two");
    log.notice("three");
    log.role = "S";
    log.warning("four");
    const head = (role: string): string => `${process.pid}:${role} 09 Mar 2026 07:05:03.042`;
    expect(stream.lines).toEqual([
      `${head("M")} . one\n`,
      `${head("M")} - two\n`,
      `${head("M")} * three\n`,
      `${head("S")} # four\n`,
    ]);
  });

  it("leaves out what is below the level, which can change", () => {
    const stream = memoryStream(false);
    const log = new ServerLog({ stream });
    log.debug("a");
    log.verbose("b");
    log.notice("c");
    log.level = "warning";
    log.notice("d");
    log.warning("e");
    expect(stream.lines.map((line) => line.trimEnd().slice(-1))).toEqual(["c", "e"]);
  });

  it("colours lines on a terminal only", () => {
    const terminal = memoryStream(true);
    new ServerLog({ stream: terminal }).warning("text");
    expect(terminal.lines[0]).toContain("\x1b[33m");
    const pipe = memoryStream(false);
    new ServerLog({ stream: pipe }).warning("text");
    expect(pipe.lines[0]).not.toContain("\x1b");
  });

  it("appends to its file, and to a new one after that was renamed", () => {
    const file = join(folder, "server.log");
    const log = new ServerLog({ file });
    log.notice("first");
    log.notice("second");
    renameSync(file, `${file}.1`);
    log.notice("third");
    expect(readFileSync(`${file}.1`, "utf8")).toMatch(/first\n.*second\n$/);
    expect(readFileSync(file, "utf8")).toMatch(/^\d+:M .* \* third\n$/);
  });

  it("goes on when the file cannot be written", () => {
    const log = new ServerLog({ file: join(folder, "missing", "server.log") });
    expect(() => log.warning("lost")).not.toThrow();
  });
});

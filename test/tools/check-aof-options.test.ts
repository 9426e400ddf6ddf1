/**
 * Options of tsredis-check-aof beside those of redis-check-aof: which go together, what they leave alone; and files
 * that somebody else has or changes.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { command } from "../persistence/aof/aof-files.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { blocks, damage, runOurs } from "./check-aof-harness.ts";

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  removeFolder(folder);
});

function write(name: string, content: Buffer | string): void {
  writeFileSync(join(folder, name), content);
}

function read(name: string): Buffer {
  return readFileSync(join(folder, name));
}

describe("options", () => {
  test("what changes while the question is open is not lost: the tool ends", async () => {
    const whole = blocks("k");
    const damaged = damage(whole.bytes, "value 2");
    write("a.manifest", "file a.1.incr.aof seq 1 type i\n");
    for (const args of [
      ["--salvage", "a.1.incr.aof"],
      ["--salvage", "a.manifest"],
      ["--truncate-to-offset", "100", "a.manifest"],
    ]) {
      write("a.1.incr.aof", args[0] === "--salvage" ? damaged : whole.bytes);
      const longer = Buffer.concat([read("a.1.incr.aof"), command("SET", "new", "1")]);
      const answer = Readable.from(
        (function* () {
          write("a.1.incr.aof", longer);
          yield Buffer.from("y");
        })(),
      );
      const { status, output } = await runOurs(folder, args, answer);
      expect([status, output.endsWith("The files were changed meanwhile: run this again\n")]).toEqual([
        1,
        true,
      ]);
      expect(read("a.1.incr.aof").equals(longer)).toBe(true);
    }
  });

  test("--output and --bad-to name new files: one that is to be repaired is not emptied", async () => {
    const bytes = damage(blocks("k").bytes, "value 2");
    write("a.aof", bytes);
    for (const args of [
      ["--salvage", "--bad-to", "a.aof"],
      ["--fix", "--bad-to", "a.aof"],
      ["--salvage", "--output", "a.aof", "--no-backup"],
    ]) {
      const { status, output } = await runOurs(folder, [...args, "--yes", "a.aof"]);
      expect([status, output]).toEqual([1, "a.aof exists already\n"]);
    }
    expect(read("a.aof").equals(bytes)).toBe(true);
    const nowhere = await runOurs(folder, ["--salvage", "--output", "no/b.aof", "--yes", "a.aof"]);
    expect(nowhere.output).toContain("no/temp-salvage-b.aof: No such file or directory, aborting...");
  });

  test.each([
    [["--salvge", "--yes", "a"], "Unknown option --salvge. Did you mean --salvage?"],
    [["--salvage"], "Exactly one file must be named"],
    [["--salvage", "--fix", "a"], "--fix and --salvage exclude each other"],
    [["--yes", "a"], "Option --yes is of no use without --salvage or --fix"],
    [["--salvage", "--assume-db", "x", "a"], "Option --assume-db needs a whole number, not 'x'"],
    [["--salvage", "a", "--bad-to"], "Option --bad-to needs a value: FILE"],
    [["--salvage", "--salvage", "a"], "Option --salvage is given twice"],
    [["--stats=1", "a"], "Option --stats takes no value"],
  ])("%j", async (args, message) => {
    const { status, output } = await runOurs(folder, args);
    expect(status).toBe(1);
    expect(output.startsWith(message)).toBe(true);
    expect(output).toContain("Usage: tsredis-check-aof");
  });

  test("--fix with --dry-run, --yes and --no-backup", async () => {
    const bytes = Buffer.concat([command("PING"), Buffer.from("*1\r\n$4\r\nPI")]);
    write("a.aof", bytes);
    expect((await runOurs(folder, ["--fix", "--dry-run", "a.aof"])).status).toBe(3);
    expect(read("a.aof").equals(bytes)).toBe(true);
    const fixed = await runOurs(folder, ["--fix", "--yes", "--no-backup", "--bad-to", "bad", "a.aof"]);
    expect([fixed.status, fixed.output.includes("Continue?")]).toEqual([0, false]);
    expect(readdirSync(folder).sort()).toEqual(["a.aof", "bad"]);
    expect(read("bad").toString()).toBe("*1\r\n$4\r\nPI");
  });
});

describe("a directory in use", () => {
  test("is not touched while a server holds its lock", async () => {
    mkdirSync(join(folder, "appendonlydir"));
    const damaged = damage(blocks("k").bytes, "value 1");
    write("appendonlydir/a.aof", damaged);
    const level = fileURLToPath(new URL("../../node_modules/classic-level/index.js", import.meta.url));
    const script =
      `const { ClassicLevel } = require(${JSON.stringify(level)});` +
      `new ClassicLevel("cold-tier").open().then(() => process.stdout.write("open"));` +
      "process.stdin.resume();";
    const holder = spawn(process.execPath, ["-e", script], {
      cwd: folder,
      stdio: ["pipe", "pipe", "inherit"],
    });
    try {
      await new Promise((resolve) => holder.stdout.once("data", resolve));
      for (const args of [["--salvage"], ["--fix"]]) {
        const { status, output } = await runOurs(folder, [...args, "--yes", "appendonlydir/a.aof"]);
        expect(output).toContain("A server is running on this data directory");
        expect(status).toBe(4);
      }
      expect(read("appendonlydir/a.aof").equals(damaged)).toBe(true);
      // Looking is allowed.
      expect((await runOurs(folder, ["appendonlydir/a.aof"])).status).toBe(1);
    } finally {
      holder.kill("SIGKILL");
      await new Promise((resolve) => holder.once("exit", resolve));
    }
    expect((await runOurs(folder, ["--salvage", "--yes", "appendonlydir/a.aof"])).status).toBe(0);
  });
});

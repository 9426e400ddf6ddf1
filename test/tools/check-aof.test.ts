/**
 * What tsredis-check-aof does beyond redis-check-aof: blocks, cold tiers, copies before a cut, JSON, help; and
 * where it is stricter on purpose.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BLOCKS_HEADER, encodeTimestampLine } from "../../src/persistence/aof/format.ts";
import { RdbWriter } from "../../src/persistence/rdb/writer.ts";
import { BlockFile, command } from "../persistence/aof/aof-files.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { runOurs } from "./check-aof-harness.ts";

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

function blocks(): BlockFile {
  const file = new BlockFile();
  for (let i = 0; i < 4; i++) file.block(command("SET", "key", `value ${i}`), file.bytes.length);
  return file;
}

/** An RDB as only a set with a cold tier has. */
async function base(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const writer = new RdbWriter(async (chunk) => {
    chunks.push(Buffer.from(chunk));
  });
  writer.appendHeader();
  writer.selectDb(0);
  writer.appendRecordBelow();
  writer.appendString(Buffer.from("k"), 0, 1, Buffer.from("v"), 0, 1);
  writer.appendTombstone(Buffer.from("gone"));
  writer.appendEnd();
  await writer.drain();
  return Buffer.concat(chunks);
}

describe("files of blocks", () => {
  test("are valid when whole", async () => {
    write("a.aof", blocks().bytes);
    const { status, output } = await runOurs(folder, ["a.aof"]);
    expect(status).toBe(0);
    expect(output).toContain("AOF a.aof is valid");
  });

  test("a flipped bit, which Redis would load as data, is found; --fix keeps what is before it", async () => {
    const { bytes, ends } = blocks();
    const damaged = Buffer.from(bytes);
    damaged[damaged.indexOf("value 2")] ^= 1;
    write("a.aof", damaged);
    const found = await runOurs(folder, ["a.aof"]);
    expect(found.status).toBe(1);
    expect(found.output).toBe(
      "Start checking Old-Style AOF\n" +
        `0x${ends[1].toString(16).padStart(16)}: Wrong checksum of the block of 35 bytes that ends at offset ${ends[1] + 35}\n` +
        `AOF analyzed: filename=a.aof, size=${bytes.length}, ok_up_to=${ends[1]}, ok_up_to_line=22, diff=${bytes.length - ends[1]}\n` +
        "AOF a.aof is not valid. Use the --fix option to try fixing it.\n",
    );
    const fixed = await runOurs(folder, ["--fix", "a.aof"], "y\n");
    expect(fixed.status).toBe(0);
    expect(fixed.output).toContain("AOF a.aof backed up to a.aof.bak-1\n");
    expect(read("a.aof").equals(bytes.subarray(0, ends[1]))).toBe(true);
    expect(read("a.aof.bak-1").equals(damaged)).toBe(true);
    expect((await runOurs(folder, ["a.aof"])).status).toBe(0);
  });

  test("an end inside an annotation is cut, because the next line would be lost in it", async () => {
    const { bytes, ends } = blocks();
    write("a.aof", bytes.subarray(0, bytes.length - 5));
    const { status, output } = await runOurs(folder, ["--fix", "a.aof"], "y");
    expect([status, output.includes("The file ends inside an annotation")]).toEqual([0, true]);
    expect(read("a.aof").length).toBe(ends[2] + 35);
  });

  test("--truncate-to-timestamp keeps whole commands, copies the file first, and verifies what it keeps", async () => {
    const file = new BlockFile().block(Buffer.concat([encodeTimestampLine(100), command("SET", "a", "1")]));
    const kept = file.bytes.length + command("SET", "a", "2").length;
    file.block(Buffer.concat([command("SET", "a", "2"), encodeTimestampLine(200), command("SET", "a", "3")]));
    write("a.aof", file.bytes);
    const early = await runOurs(folder, ["--truncate-to-timestamp", "50", "a.aof"]);
    expect(early).toMatchObject({ status: 1 });
    expect(early.output).toContain("AOF a.aof has nothing before timestamp 50, aborting...");
    const { status, output } = await runOurs(folder, ["--truncate-to-timestamp", "150", "a.aof"]);
    expect([status, read("a.aof").length]).toEqual([0, kept]);
    expect(output).toContain("Successfully truncated AOF a.aof to timestamp 150");
    expect(read("a.aof.bak-1").equals(file.bytes)).toBe(true);
    const damaged = Buffer.from(file.bytes);
    damaged[damaged.lastIndexOf("3\r\n#BLOCK")] ^= 1;
    write("a.aof", damaged);
    const refused = await runOurs(folder, ["--truncate-to-timestamp", "150", "a.aof"]);
    expect(refused.status).toBe(1);
    expect(refused.output).toContain("Wrong checksum");
    expect(read("a.aof").equals(damaged)).toBe(true);
  });

  test("of an unknown version are left alone", async () => {
    const bytes = Buffer.concat([Buffer.from("#TSREDIS-AOF:9\r\n"), command("PING")]);
    write("a.aof", bytes);
    const { status, output } = await runOurs(folder, ["--fix", "a.aof"], "y");
    expect(status).toBe(1);
    expect(output).toContain("Failed to truncate AOF a.aof because that would not make it valid");
    expect(read("a.aof").equals(bytes)).toBe(true);
  });
});

describe("manifests", () => {
  test("a cold tier is reported, and its opcodes are allowed in the base only where it is named", async () => {
    write("base", await base());
    write("a.manifest", "file base seq 1 type b\nfile cold seq 7 type t\n");
    const named = await runOurs(folder, ["a.manifest"]);
    expect(named.status).toBe(0);
    expect(named.output).toContain("Cold tier cold, generation 7: not checked by this tool\n");
    write("a.manifest", "file base seq 1 type b\n");
    const unnamed = await runOurs(folder, ["a.manifest"]);
    expect(unnamed.status).toBe(1);
    expect(unnamed.output).toContain("Invalid object type: 240");
  });

  test("a set with a cold tier has no empty file, nor is one made: its files begin with a line", async () => {
    write("base", await base());
    const lines = "file base seq 1 type b\nfile 1 seq 1 type i\nfile cold seq 7 type t\n";
    write("1", "");
    write("a.manifest", "file 1 seq 1 type i\n");
    expect((await runOurs(folder, ["a.manifest"])).status).toBe(0);
    for (const [bytes, text] of [
      ["", "is empty"],
      ["#TSRE", "has only 5 bytes"],
    ]) {
      write("1", bytes);
      write("a.manifest", lines);
      for (const args of [["a.manifest"], ["--fix", "--yes", "a.manifest"]]) {
        const refused = await runOurs(folder, args);
        expect([refused.status, refused.output.includes(`AOF file 1 ${text}`)]).toEqual([1, true]);
      }
      const salvaged = await runOurs(folder, ["--salvage", "--yes", "a.manifest"]);
      expect([salvaged.status, salvaged.output.includes("what it held is lost")]).toEqual([0, true]);
      expect((await runOurs(folder, ["a.manifest"])).status).toBe(0);
    }
    write("1", "garbage, and more of it");
    const uncut = await runOurs(folder, ["--fix", "--yes", "a.manifest"]);
    expect([uncut.status, uncut.output.includes("would not make it valid")]).toEqual([1, true]);
    expect((await runOurs(folder, ["--salvage", "--yes", "a.manifest"])).status).toBe(0);
    expect((await runOurs(folder, ["a.manifest"])).status).toBe(0);
    write("base", "");
    const baseless = await runOurs(folder, ["--json", "a.manifest"]);
    const { files, exitStatus } = JSON.parse(baseless.output);
    expect([exitStatus, files[0].status]).toEqual([1, "invalid"]);
    write("a.manifest", "file 1 seq 1 type i\nfile cold seq 7 type t\n");
    const unnamed = await runOurs(folder, ["a.manifest"]);
    expect([unnamed.status, unnamed.output.includes("no base file")]).toEqual([1, true]);
  });

  test("bytes behind `end` are void; a file shorter than that is not valid and cannot be fixed", async () => {
    const good = command("PING");
    write("1", Buffer.concat([good, Buffer.from("garbage")]));
    write("a.manifest", `file 1 seq 1 type i end ${good.length}\n`);
    const whole = await runOurs(folder, ["a.manifest"]);
    expect(whole.status).toBe(0);
    expect(whole.output).toContain(`size=${good.length}, ok_up_to=${good.length}`);
    write("1", good);
    write("a.manifest", `file 1 seq 1 type i end ${good.length + 1}\n`);
    for (const args of [["a.manifest"], ["--fix", "a.manifest"]]) {
      const short = await runOurs(folder, args, "y");
      expect(short.status).toBe(1);
      expect(short.output).toContain("The manifest says that 15 bytes of the file count, but it has only 14");
    }
    write("1", "");
    expect((await runOurs(folder, ["a.manifest"])).status).toBe(1);
  });

  test("a file that ends midway may be cut if only a file with nothing but its header line follows", async () => {
    const whole = blocks().bytes;
    const lines = "file 1 seq 1 type i\nfile 2 seq 2 type i\n";
    for (const [next, status] of [
      [BLOCKS_HEADER, 0],
      [whole, 1],
      [Buffer.alloc(BLOCKS_HEADER.length), 1],
      [Buffer.alloc(0), 1],
    ] as const) {
      write("1", whole.subarray(0, -3));
      write("2", next);
      write("a.manifest", lines);
      const fixed = await runOurs(folder, ["--fix", "--yes", "a.manifest"]);
      expect([fixed.status, fixed.output.includes("it is not the last file")]).toEqual([
        status,
        status === 1,
      ]);
      expect((await runOurs(folder, ["a.manifest"])).status).toBe(status);
    }
  });

  test("an RDB base that is empty is not valid: no server made it so, nor starts on it", async () => {
    write("a.1.base.rdb", "");
    write("a.manifest", "file a.1.base.rdb seq 1 type b\n");
    const { status, output } = await runOurs(folder, ["a.manifest"]);
    expect([status, output.includes("The AOF file a.1.base.rdb is empty")]).toEqual([1, true]);
    expect((await runOurs(folder, ["--salvage", "--yes", "a.manifest"])).status).toBe(0);
    expect((await runOurs(folder, ["a.manifest"])).status).toBe(0);
  });

  test.each(["", "gile 1 seq 1 type i\n", "\0\0\0"])(
    "what has a manifest's name is one, even with %j in it",
    async (text) => {
      write("a.manifest", text);
      for (const args of [["a.manifest"], ["--fix", "a.manifest"]]) {
        const { status, output } = await runOurs(folder, args, "y");
        expect([status, output.includes("FATAL AOF MANIFEST FILE ERROR")]).toEqual([1, true]);
      }
      expect(read("a.manifest").toString()).toBe(text);
    },
  );

  test("a stray line in an AOF file does not make it a manifest", async () => {
    write("a.aof", Buffer.concat([command("SET", "k", "x\nfile y seq 1 type b\n")]));
    expect((await runOurs(folder, ["a.aof"])).output).toContain("AOF a.aof is valid");
  });
});

describe("a cut", () => {
  const bytes = Buffer.concat([command("PING"), Buffer.from("*1\r\n$4\r\nPI")]);

  test("each one has a copy of its own", async () => {
    for (const copy of ["a.aof.bak-1", "a.aof.bak-2"]) {
      write("a.aof", bytes);
      expect((await runOurs(folder, ["--fix", "a.aof"], "y")).output).toContain(`backed up to ${copy}\n`);
      expect(read(copy).equals(bytes)).toBe(true);
    }
  });

  test("that is declined leaves neither copy nor change", async () => {
    write("a.aof", bytes);
    expect((await runOurs(folder, ["--fix", "a.aof"], "n")).status).toBe(1);
    expect(readdirSync(folder)).toEqual(["a.aof"]);
    expect(read("a.aof").equals(bytes)).toBe(true);
  });
});

describe("stricter than redis-check-aof", () => {
  test.each([
    [
      "a command without arguments, which the server refuses",
      "*0\r\n",
      "Expected a command of at least one argument",
    ],
    [
      "a zero byte in an annotation, which may hide commands",
      "#TS:1\0\0\r\n",
      "Found a zero byte in an annotation",
    ],
  ])("%s", async (_, text, reason) => {
    write("a.aof", Buffer.concat([command("PING"), Buffer.from(text), command("PING")]));
    const { status, output } = await runOurs(folder, ["a.aof"]);
    expect([status, output.includes(reason)]).toEqual([1, true]);
  });
});

describe("--json", () => {
  test("one object and nothing else, whatever happens", async () => {
    const damaged = Buffer.from(blocks().bytes);
    damaged[60] ^= 1;
    write("1", damaged);
    write("base", await base());
    write("a.manifest", "file base seq 1 type b\nfile 1 seq 1 type i\nfile cold seq 2 type t\n");
    const { status, output } = await runOurs(folder, ["--json", "a.manifest"]);
    expect(status).toBe(1);
    expect(JSON.parse(output)).toMatchObject({
      path: "a.manifest",
      valid: false,
      exitStatus: 1,
      tier: { folder: "cold", generation: 2 },
      files: [
        { name: "base", role: "base", format: "rdb", status: "valid" },
        {
          name: "1",
          role: "incr",
          status: "invalid",
          outcome: "damaged",
          validUpTo: BLOCKS_HEADER.length,
          intactBlocks: 0,
          problem: { offset: BLOCKS_HEADER.length },
        },
      ],
    });
    const fixed = await runOurs(folder, ["--json", "--fix", "a.manifest"], "y");
    expect(JSON.parse(fixed.output)).toMatchObject({
      valid: true,
      files: [{}, { status: "truncated", backup: "./1.bak-1" }],
    });
    mkdirSync(join(folder, "cold-tier", "LOCK"), { recursive: true });
    write("1", damaged);
    const locked = await runOurs(folder, ["--json", "--salvage", "--yes", "1"]);
    expect([locked.status, locked.output]).toEqual([1, expect.stringContaining("Cannot take the lock")]);
    for (const path of ["missing", "."]) {
      const failed = await runOurs(folder, ["--json", path]);
      expect(failed.status).toBe(1);
      expect(JSON.parse(failed.output)).toMatchObject({ valid: false, files: [] });
    }
    for (const args of [["--nope", "1"], [], ["--truncate-to-timestamp", "x", "1"]]) {
      const misused = await runOurs(folder, ["--json", ...args]);
      expect([misused.status, JSON.parse(misused.output)]).toMatchObject([1, { exitStatus: 1 }]);
    }
  });
});

test("help and version", async () => {
  const help = await runOurs(folder, ["--help"]);
  expect(help.status).toBe(0);
  expect(help.output).toMatch(/^Usage: tsredis-check-aof /);
  const version = await runOurs(folder, ["--version"]);
  expect(version).toEqual({ status: 0, output: "tsredis-check-aof 0.1.0\n" });
});

const built = fileURLToPath(new URL("../../dist/tools/check-aof.js", import.meta.url));
if (!existsSync(built) && process.env.CI !== undefined) throw new Error("tools are not built");

test.skipIf(!existsSync(built))("the program itself (skipped where it is not built)", () => {
  write("a.aof", Buffer.concat([command("PING"), Buffer.from("*1\r\n")]));
  const checked = spawnSync(process.execPath, [built, "a.aof"], { cwd: folder, encoding: "latin1" });
  expect([checked.status, checked.stderr]).toEqual([1, ""]);
  expect(checked.stdout).toContain("ok_up_to=14");
  const fixed = spawnSync(process.execPath, [built, "--fix", "a.aof"], {
    cwd: folder,
    encoding: "latin1",
    input: "y\n",
  });
  expect(fixed.status).toBe(0);
  expect(fixed.stdout).toContain("Successfully truncated AOF a.aof\n");
  expect(read("a.aof").length).toBe(14);
  const version = spawnSync(process.execPath, [built, "--version"], { encoding: "latin1" });
  expect(version.stdout).toMatch(/^tsredis-check-aof [0-9.]+\n$/);
});

/**
 * tsredis-check-aof against the real redis-check-aof 7.0: same standard output, exit status and resulting files, on
 * every file that both understand. What differs on purpose is in check-aof.test.ts and docs/tools.md.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RdbWriter } from "../../src/persistence/rdb/writer.ts";
import { command } from "../persistence/aof/aof-files.ts";
import { hasRedisServer, withRedisServer } from "../support/redis-server.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { runBoth } from "./check-aof-harness.ts";

let folders: [string, string];

beforeAll(() => {
  folders = [temporaryFolder(), temporaryFolder()];
});

afterAll(() => {
  for (const folder of folders) removeFolder(folder);
});

async function expectSame(
  files: Record<string, Buffer | string>,
  args: string[],
  input = "",
): Promise<string> {
  const contents = Object.fromEntries(
    Object.entries(files).map(([name, content]) => [
      name,
      typeof content === "string" ? Buffer.from(content, "latin1") : content,
    ]),
  );
  const { ours, theirs, oursAfter, theirsAfter } = await runBoth(folders, contents, args, input);
  expect(ours).toEqual(theirs);
  expect(oursAfter.map((bytes) => bytes.toString("latin1"))).toEqual(
    theirsAfter.map((bytes) => bytes.toString("latin1")),
  );
  return ours.output;
}

/** A command's bytes, one character each. */
function text(...args: string[]): string {
  return command(...args).toString("latin1");
}

const sample = Buffer.concat([
  Buffer.from("#TS:1700000000\r\n"),
  command("SELECT", "0"),
  command("SET", "key", "value"),
  command("MULTI"),
  command("INCR", "a"),
  command("EXEC"),
  Buffer.from("#TS:1700000005\r\n"),
  command("SET", "\xff\x00", ""),
]);

async function rdb(fill: (writer: RdbWriter) => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const writer = new RdbWriter(async (chunk) => {
    chunks.push(Buffer.from(chunk));
  });
  writer.appendHeader();
  fill(writer);
  writer.appendEnd();
  await writer.drain();
  return Buffer.concat(chunks);
}

function sampleRdb(): Promise<Buffer> {
  return rdb((writer) => {
    writer.appendAux("redis-ver", "7.0.15");
    writer.appendAux("text", `a\0b${"x".repeat(1100)}`);
    writer.selectDb(0);
    writer.appendResizeDb(3, 2);
    writer.appendExpire(1000);
    writer.appendString(Buffer.from("old"), 0, 3, Buffer.from("1234567"), 0, 7);
    writer.appendExpire(Date.now() + 1e9);
    writer.appendIdle(100);
    writer.appendString(Buffer.from("new"), 0, 3, Buffer.alloc(200, "ab"), 0, 200);
    writer.selectDb(300);
    writer.appendString(Buffer.from("k\xffy"), 0, 3, Buffer.from("plain text, short"), 0, 17);
  });
}

describe.skipIf(!hasRedisServer)("same as redis-check-aof (skipped where it is not installed)", () => {
  test("single files: valid, empty, cut at every offset", async () => {
    await expectSame({ a: "" }, ["a"]);
    for (let cut = 0; cut <= sample.length; cut++) await expectSame({ a: sample.subarray(0, cut) }, ["a"]);
  });

  test("every byte replaced by some others", async () => {
    const choices = [0x2a, 0x0d, 0x39, 0x2d, 0xff, 0x00, 0x24, 0x20];
    for (let i = 0; i < sample.length; i++) {
      for (const byte of [choices[i % 8], choices[(i * 5 + 3) % 8]]) {
        const bytes = Buffer.from(sample);
        bytes[i] = byte;
        const line = bytes.subarray(bytes.lastIndexOf("\n", i - 1) + 1);
        // A zero byte in an annotation passes there, and is a problem here.
        if (byte === 0 && line[0] === 0x23) continue;
        await expectSame({ a: bytes }, ["a"]);
      }
    }
  });

  test.each([
    ["text", "hello\r\nworld\r\n"],
    ["one byte", "x"],
    ["a zero byte", "\0"],
    ["zeros behind commands", `${text("PING")}${"\0".repeat(100)}`],
    ["a short RDB name", "REDIS"],
    ["nested MULTI", `${text("MULTI")}${text("MULTI")}`],
    ["EXEC alone", `${text("PING")}${text("EXEC")}`],
    ["an open MULTI", `${text("PING")}${text("MULTI")}${text("SET", "a", "b")}`],
    ["an open MULTI, cut between lines", `${text("PING")}${text("MULTI")}*2\r\n`],
    ["a huge length", "*1\r\n$9223372036854775807\r\nabc"],
    ["a negative length", "*1\r\n$-5\r\nabc"],
    ["a length below any C long", "*1\r\n$-99999999999999999999\r\nabc"],
    ["a value longer than the file", "*1\r\n$1000\r\nabc"],
    ["a long annotation", `${"#".repeat(1023)}\r\n${text("PING")}`],
    ["an annotation of just the limit", `${"#".repeat(1022)}\n${text("PING")}`],
    ["a long line", `*${"0".repeat(130)}1\r\n$4\r\nPING\r\n`],
    ["blanks and signs", "* \t+1\r\n$ 4\r\nPING\r\n"],
    ["a number without digits", "*1\r\n$\r\n\r\n"],
    ["only line feeds", "*1\n$4\nPING\n"],
  ])("single file: %s", async (_, content) => {
    await expectSame({ a: content }, ["a"]);
  });

  test("arguments", async () => {
    for (const args of [
      [],
      ["--fix"],
      ["-x", "a"],
      ["--fix", "a", "b"],
      ["--truncate-to-timestamp", "a"],
      ["a", "b", "c", "d"],
    ]) {
      await expectSame({ a: sample }, args);
    }
    for (const time of ["", "x", "12x", "99999999999999999999", "0", " 5", "+1700000001"]) {
      await expectSame({ a: sample }, ["--truncate-to-timestamp", time, "a"]);
    }
    for (const path of ["missing", ".", "./a", "a/b", "../nowhere/x"])
      await expectSame({ a: sample }, [path]);
  });

  test.each(["y", "Y\n", "yes", "n\n", "", "\ny"])("--fix with the answer %j", async (answer) => {
    const output = await expectSame({ a: sample.subarray(0, sample.length - 3) }, ["--fix", "a"], answer);
    expect(output).toContain(answer.toLowerCase().startsWith("y") ? "Successfully truncated" : "Aborting");
    await expectSame({ a: sample }, ["--fix", "a"], answer);
    await expectSame({ a: "garbage" }, ["--fix", "a"], answer);
  });

  test("--truncate-to-timestamp", async () => {
    for (const time of [1699999999, 1700000000, 1700000004, 1700000005, 1800000000, -1]) {
      for (const content of [sample, sample.subarray(0, sample.length - 4), sample.subarray(16)]) {
        await expectSame({ a: content }, ["--truncate-to-timestamp", String(time), "a"]);
      }
    }
    for (const line of ["#TS:\r\n", "#TS:12x\r\n", "#TS:12\n", "#TS:12", "#TSX\r\n", "#TS: 1800000000\r\n"]) {
      await expectSame({ a: `${text("PING")}${line}${text("PING")}` }, [
        "--truncate-to-timestamp",
        "100",
        "a",
      ]);
    }
  });

  test("an RDB in front: valid, cut at every offset, and with something wrong behind it", async () => {
    const preamble = await sampleRdb();
    await expectSame({ a: Buffer.concat([preamble, sample]) }, ["a"]);
    await expectSame({ a: Buffer.concat([preamble, sample.subarray(0, 30)]) }, ["a"]);
    await expectSame({ a: Buffer.concat([preamble, sample.subarray(0, 30)]) }, ["--fix", "a"], "y");
    for (let cut = 5; cut < preamble.length; cut++) await expectSame({ a: preamble.subarray(0, cut) }, ["a"]);
    const wrong = Buffer.from(preamble);
    wrong[wrong.length - 1] ^= 1;
    await expectSame({ a: wrong }, ["a"]);
    for (const header of ["REDIS0000", "REDIS0099", "REDIS00x1"]) {
      await expectSame({ a: Buffer.concat([Buffer.from(header), sample]) }, ["a"]);
    }
    await expectSame({ a: "REDIS0010\xfe\x00\x1e" }, ["a"]);
    await expectSame({ a: "REDIS0010\x00\x01a\x01b\xfe\x00\x1e" }, ["a"]);
  });

  test.each([
    ["a base and two increments", "file b seq 1 type b\nfile 1 seq 1 type i\nfile 2 seq 2 type i\n"],
    ["only a base", "file b seq 1 type b\n"],
    ["only increments", "file 1 seq 1 type i\nfile 2 seq 2 type i\n"],
    ["history, comments and unknown pairs", "#x\nfile gone seq 1 type h\nfile 1 seq 4 type i colour red\n"],
    ["no line end", "file b seq 1 type b"],
    ["a blank line", "file b seq 1 type b\n\n"],
    ["too few words", "file b seq 1\n"],
    ["an odd number of words", "file b seq 1 type b x\n"],
    ["unbalanced quotes", 'file "b seq 1 type b\n'],
    ["quoted and escaped names", "file \"\\x62\" seq 1 type b\n FILE  '1'  SEQ 1 TYPE incr \r\n"],
    ["no number", "file b seq x type b\n"],
    ["number zero", "file b seq 0 type b\n"],
    ["a path", "file x/b seq 1 type b\n"],
    ["a path with backslashes", "file x\\b seq 1 type b\n"],
    ["two bases", "file b seq 1 type b\nfile b seq 2 type b\n"],
    ["falling numbers", "file 1 seq 2 type i\nfile 2 seq 1 type i\n"],
    ["equal numbers", "file 1 seq 2 type i\nfile 2 seq 2 type i\n"],
    ["an unknown type", "file b seq 1 type x\n"],
    ["an empty type", 'file b seq 1 type ""\n'],
    ["a line over 1024 bytes", `file b seq 1 type b pad ${"x".repeat(1024)}\n`],
    ["a zero byte", "file b seq 1\0 type b\n"],
    ["a missing base", "file gone seq 1 type b\n"],
    ["a missing increment", "file b seq 1 type b\nfile gone seq 1 type i\n"],
    ["a folder for an increment", "file b seq 1 type b\nfile . seq 1 type i\n"],
    ["a cut increment that is not the last", "file cut seq 1 type i\nfile 2 seq 2 type i\n"],
    ["a cut last increment", "file 1 seq 1 type i\nfile cut seq 2 type i\n"],
    ["an empty increment", "file b seq 1 type b\nfile empty seq 1 type i\nfile 2 seq 2 type i\n"],
    ["a base of commands, cut", "file cut seq 1 type b\n"],
  ])("manifest: %s", async (_, manifest) => {
    const files = {
      "a.manifest": manifest,
      b: await sampleRdb(),
      "1": sample,
      "2": Buffer.concat([command("PING"), Buffer.from("#TS:1700000100\r\n"), command("PING")]),
      cut: sample.subarray(0, sample.length - 5),
      empty: "",
    };
    await expectSame(files, ["a.manifest"]);
    await expectSame(files, ["--fix", "./a.manifest"], "y");
    await expectSame(files, ["--truncate-to-timestamp", "1700000003", "a.manifest"]);
    await expectSame(files, ["--truncate-to-timestamp", "1700000050", "a.manifest"]);
  });

  test("a folder that the real server wrote, values of all types in its base", async () => {
    const folder = temporaryFolder();
    try {
      const args = ["--appendonly", "yes", "--aof-timestamp-enabled", "yes"];
      await withRedisServer(args, folder, async (client) => {
        await client.rpush("list", ...Array.from({ length: 300 }, (_, i) => `element ${i}`));
        await client.hset("hash", "field", "value");
        await client.zadd("zset", 1, "a");
        await client.sadd("set", 1, 2, 3);
        await client.xadd("stream", "1-1", "a", "b");
        await client.bgrewriteaof();
        await expect
          .poll(async () => (await client.info("persistence")).match(/aof_rewrite_in_progress:(\d)/)?.[1])
          .toBe("0");
        await client.multi().set("a", "1").incr("a").exec();
      });
      const names = ["appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof", "appendonly.aof.manifest"];
      const files = Object.fromEntries(
        names.map((name) => [name, readFileSync(join(folder, "appendonlydir", name))]),
      );
      const output = await expectSame(files, ["appendonly.aof.manifest"]);
      expect(output).toContain("All AOF files and manifest are valid");
      expect(output).toContain("[info] 5 keys read");
    } finally {
      removeFolder(folder);
    }
  });
});

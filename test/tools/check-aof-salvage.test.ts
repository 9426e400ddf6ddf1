/**
 * tsredis-check-aof --salvage and what belongs to it, from the command line: files in place, sets with a damaged or
 * missing manifest, going back in time over files. What is kept of a file: persistence/aof/salvage.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BLOCKS_HEADER, encodeTimestampLine } from "../../src/persistence/aof/format.ts";
import { RdbWriter } from "../../src/persistence/rdb/writer.ts";
import { command, readAll } from "../persistence/aof/aof-files.ts";
import { hasRedisServer, withRedisServer } from "../support/redis-server.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { blocks, damage, runOurs, runTheirs } from "./check-aof-harness.ts";

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

async function commandsOf(name: string): Promise<string[]> {
  const { commands, outcome } = await readAll(read(name));
  expect(outcome.kind).toBe("clean");
  return commands.filter((each) => !each.startsWith("SELECT"));
}

const MANIFEST = "a.manifest";
const LINES = [
  "file a.1.incr.aof seq 1 type i\n",
  "file a.2.incr.aof seq 2 type i\n",
  "file a.3.incr.aof seq 3 type i\n",
];

function writeSet(): void {
  for (const [i, name] of ["x", "y", "z"].entries()) write(`a.${i + 1}.incr.aof`, blocks(name).bytes);
  write(MANIFEST, LINES.join(""));
}

describe("a single file", () => {
  test("loses the damaged block alone, and the old file stays beside it", async () => {
    const damaged = damage(blocks("k").bytes, "value 1");
    write("a.aof", damaged);
    const dry = await runOurs(folder, ["--salvage", "--dry-run", "a.aof"]);
    expect(dry.status).toBe(3);
    expect(dry.output).toContain("readable in it: SET 'k1'");
    expect(read("a.aof").equals(damaged)).toBe(true);
    const declined = await runOurs(folder, ["--salvage", "a.aof"], "n");
    expect([declined.status, readdirSync(folder)]).toEqual([1, ["a.aof"]]);
    const done = await runOurs(folder, ["--salvage", "--bad-to", "bad", "a.aof"], "y");
    expect(done.status).toBe(0);
    expect(done.output).toContain("Continue? [y/N]: ");
    expect(await commandsOf("a.aof")).toEqual(["SET k0 value 0", "SET k2 value 2", "SET k3 value 3"]);
    expect(read("a.aof.bak-1").equals(damaged)).toBe(true);
    expect(read("bad").toString()).toContain("k1");
    expect(readdirSync(folder).sort()).toEqual(["a.aof", "a.aof.bak-1", "bad"]);
    const again = await runOurs(folder, ["--salvage", "a.aof"]);
    expect(again).toEqual({ status: 0, output: "Start salvaging AOF\nAOF a.aof is valid\n" });
  });

  test("--yes asks nothing, --no-backup keeps nothing, --output leaves the file alone", async () => {
    const damaged = damage(blocks("k").bytes, "value 1");
    write("a.aof", damaged);
    const elsewhere = await runOurs(folder, ["--salvage", "--yes", "--output", "new.aof", "a.aof"]);
    expect(elsewhere.status).toBe(0);
    expect(read("a.aof").equals(damaged)).toBe(true);
    expect(await commandsOf("new.aof")).toHaveLength(3);
    const inPlace = await runOurs(folder, ["--yes", "--no-backup", "--salvage", "a.aof"]);
    expect(inPlace.output).not.toContain("Continue?");
    expect(readdirSync(folder).sort()).toEqual(["a.aof", "new.aof"]);
    expect(read("a.aof").equals(read("new.aof"))).toBe(true);
  });

  test("standard input: checked, counted, salvaged into another file", async () => {
    const damaged = damage(blocks("k").bytes, "value 1").toString("latin1");
    expect((await runOurs(folder, ["-"], damaged)).output).toContain("Wrong checksum");
    expect((await runOurs(folder, ["--stats", "-"], blocks("k").bytes.toString("latin1"))).output).toContain(
      "  5 commands, 0 transactions, about 4 distinct keys\n",
    );
    expect((await runOurs(folder, ["--salvage", "--yes", "-"], damaged)).status).toBe(1);
    const done = await runOurs(folder, ["--salvage", "--output", "new.aof", "-"], damaged);
    expect(done.status).toBe(0);
    expect(await commandsOf("new.aof")).toHaveLength(3);
  });

  test("--json lists what is lost", async () => {
    write("a.aof", damage(blocks("k").bytes, "value 1"));
    const { status, output } = await runOurs(folder, ["--json", "--salvage", "--yes", "--stats", "a.aof"]);
    expect(status).toBe(0);
    expect(JSON.parse(output)).toMatchObject({
      valid: true,
      files: [
        {
          status: "salvaged",
          backup: "a.aof.bak-1",
          salvage: {
            commandsKept: 4,
            lostRanges: 1,
            lost: [
              { kind: "damaged", commandCount: 1, commands: [{ name: "SET", key: "k1", arguments: 3 }] },
            ],
          },
          statistics: { commands: 4, byName: { SET: 3, SELECT: 1 }, byDatabase: { 0: 3 } },
        },
      ],
    });
  });

  test.skipIf(!hasRedisServer)("is accepted by Redis and its checker, whatever was damaged", async () => {
    const whole = Buffer.concat([
      command("SELECT", "0"),
      ...Array.from({ length: 200 }, (_, i) => command("SET", `k${i}`, `v${i}`)),
    ]);
    const file = blocks("k", 20);
    const samples = [whole, file.bytes].flatMap((bytes) =>
      [40, 100, 300, bytes.length - 20].map((at) => {
        const damaged = Buffer.from(bytes);
        damaged[at] ^= 0x10;
        return damaged;
      }),
    );
    for (const sample of samples) {
      write("a.aof", sample);
      expect((await runOurs(folder, ["--salvage", "--yes", "--no-backup", "a.aof"])).status).toBe(0);
      expect(runTheirs(folder, ["a.aof"]).status).toBe(0);
      mkdirSync(join(folder, "appendonlydir"), { recursive: true });
      write("appendonlydir/appendonly.aof.manifest", "file appendonly.aof.1.base.aof seq 1 type b\n");
      write("appendonlydir/appendonly.aof.1.base.aof", read("a.aof"));
      await withRedisServer(["--appendonly", "yes"], folder, async (client) => {
        expect(await client.dbsize()).toBeGreaterThan(8);
      });
      removeFolder(join(folder, "appendonlydir"));
    }
  });
});

describe("a set", () => {
  const whole = (name: string) => [0, 1, 2, 3].map((i) => `SET ${name}${i} value ${i}`);

  test("a damaged file that is not the last", async () => {
    writeSet();
    write("a.1.incr.aof", damage(read("a.1.incr.aof"), "value 2"));
    write("a.2.incr.aof", read("a.2.incr.aof").subarray(0, -70));
    const { status, output } = await runOurs(folder, ["--salvage", "--yes", MANIFEST]);
    expect([status, output.includes("All AOF files and manifest are valid now")]).toEqual([0, true]);
    expect(await commandsOf("a.1.incr.aof")).toEqual(whole("x").toSpliced(2, 1));
    expect(await commandsOf("a.2.incr.aof")).toEqual(whole("y").slice(0, 3));
    expect(await commandsOf("a.3.incr.aof")).toEqual(whole("z"));
    expect(read(MANIFEST).toString()).toBe(LINES.join(""));
    expect((await runOurs(folder, [MANIFEST])).status).toBe(0);
  });

  test.each([
    ["missing", undefined],
    ["empty", ""],
    ["without a line", LINES[0] + LINES[2]],
    ["with a line twice", LINES[0] + LINES[1] + LINES[1] + LINES[2]],
    ["with a mangled line", `${LINES[0]}fi\0e a.2.incr.aof seq 2 type i\n${LINES[2]}`],
    ["with lines in the wrong order", LINES[2] + LINES[0] + LINES[1]],
    ["cut off", LINES.join("").slice(0, -20)],
    ["of zeros", "\0".repeat(100)],
  ])("a manifest that is %s", async (what, text) => {
    writeSet();
    removeFolder(join(folder, MANIFEST));
    if (text !== undefined) write(MANIFEST, text);
    const { status } = await runOurs(folder, ["--salvage", "--yes", text === "" ? "." : MANIFEST]);
    expect(status).toBe(0);
    expect(read(MANIFEST).toString()).toBe(what === "without a line" ? text : LINES.join(""));
    expect(existsSync(join(folder, `${MANIFEST}.bak-1`))).toBe(
      text !== undefined && what !== "without a line",
    );
    expect((await runOurs(folder, [MANIFEST])).status).toBe(0);
  });

  test("a folder without manifest", async () => {
    writeSet();
    removeFolder(join(folder, MANIFEST));
    expect((await runOurs(folder, ["--salvage", "--yes", "."])).status).toBe(0);
    expect(read(MANIFEST).toString()).toBe(LINES.join(""));
  });

  test("a damaged RDB as base, and commands behind it", async () => {
    const chunks: Buffer[] = [];
    const writer = new RdbWriter(async (chunk) => {
      chunks.push(Buffer.from(chunk));
    });
    writer.appendHeader();
    writer.selectDb(0);
    for (let i = 0; i < 40; i++) {
      const [key, value] = [Buffer.from(`key${i}`), Buffer.from(`value number ${i}`)];
      writer.appendString(key, 0, key.length, value, 0, value.length);
    }
    writer.appendEnd();
    await writer.drain();
    const rdb = Buffer.concat(chunks);
    rdb[rdb.indexOf("key20") - 1] = 200;
    writeSet();
    write("a.1.base.rdb", Buffer.concat([rdb, command("SELECT", "0"), command("SET", "tail", "1")]));
    write(MANIFEST, `file a.1.base.rdb seq 1 type b\n${LINES.join("")}`);
    const { status, output } = await runOurs(folder, ["--salvage", "--yes", MANIFEST]);
    expect([status, output.includes("keys can be kept")]).toEqual([0, true]);
    const checked = await runOurs(folder, [MANIFEST]);
    expect(checked.status).toBe(0);
    const keys = Number(/\[info\] ([0-9]+) keys read/.exec(checked.output)?.[1]);
    expect(keys).toBeGreaterThanOrEqual(37);
    expect(read("a.1.base.rdb").toString("latin1")).toContain("tail");
    // One whose head is damaged is an RDB as well, and no log without a single command.
    const headless = Buffer.from(Buffer.concat(chunks));
    headless.fill(0, 0, 6);
    write("a.1.base.rdb", headless);
    expect((await runOurs(folder, ["--salvage", "--yes", MANIFEST])).status).toBe(0);
    const again = await runOurs(folder, [MANIFEST]);
    expect(Number(/\[info\] ([0-9]+) keys read/.exec(again.output)?.[1])).toBeGreaterThanOrEqual(37);
    // Under keys that are lost, old records may lie in the tier.
    write(MANIFEST, `file a.1.base.rdb seq 1 type b\nfile cold-tier seq 1 type t\n`);
    for (const bytes of [rdb, headless, Buffer.alloc(0)]) {
      write("a.1.base.rdb", bytes);
      const refused = await runOurs(folder, ["--salvage", "--yes", MANIFEST]);
      expect([refused.status, refused.output.includes("it relies on a cold tier")]).toEqual([1, true]);
      expect(read("a.1.base.rdb").equals(bytes)).toBe(true);
    }
    // Without the manifest, a damaged head does not say whether it relies on the tier that is there.
    mkdirSync(join(folder, "set", "log"), { recursive: true });
    write("set/log/a.1.base.rdb", headless);
    write("set/log/a.manifest", "file a.1.incr");
    expect((await runOurs(folder, ["--salvage", "--dry-run", "set/log/a.manifest"])).status).toBe(3);
    mkdirSync(join(folder, "set", "cold-tier"));
    const unclear = await runOurs(folder, ["--salvage", "--yes", "set/log/a.manifest"]);
    expect([unclear.status, unclear.output.includes("nothing says whether")]).toEqual([1, true]);
    expect(read("set/log/a.1.base.rdb")).toEqual(headless);
  });

  test("a missing file is said, and its line goes", async () => {
    writeSet();
    removeFolder(join(folder, "a.2.incr.aof"));
    const { status, output } = await runOurs(folder, ["--json", "--salvage", "--yes", MANIFEST]);
    expect(status).toBe(0);
    expect(JSON.parse(output).files).toContainEqual(
      expect.objectContaining({ name: "a.2.incr.aof", status: "missing" }),
    );
    expect(read(MANIFEST).toString()).toBe(LINES[0] + LINES[2]);
  });

  test("a missing base file on which a cold tier relies cannot be done without: nothing is changed", async () => {
    writeSet();
    const lines = `file a.1.base.rdb seq 1 type b\n${LINES.join("")}file cold-tier seq 1 type t\n`;
    write(MANIFEST, lines);
    for (const args of [
      ["--salvage", "--yes"],
      ["--salvage", "--dry-run"],
    ]) {
      const { status, output } = await runOurs(folder, [...args, MANIFEST]);
      expect([status, output.includes("The base file is missing")]).toEqual([1, true]);
    }
    expect(read(MANIFEST).toString()).toBe(lines);
  });

  test.each([
    ["an incr file", "a.2.incr.aof", "a.2.incs.aof"],
    ["an incr file, which is then that of another", "a.2.incr.aof", "a.3.incr.aof"],
    ["an incr file, whose number no other has", "a.2.incr.aof", "a.6.incr.aof"],
    ["an incr file, with the beginning", "a.2.incr.aof", "c.2.incr.aof"],
    ["a base file", "a.1.base.aof", "a.1.bare.aof"],
  ])("a damaged name of %s: its number says which file it is", async (_what, name, damaged) => {
    writeSet();
    write("a.1.base.aof", command("SET", "base", "1"));
    const lines = `file a.1.base.aof seq 1 type b\n${LINES.join("")}`;
    write(MANIFEST, lines.replace(name, damaged));
    const { status, output } = await runOurs(folder, ["--salvage", "--yes", MANIFEST]);
    expect([status, output.includes(`Instead of ${damaged}, file ${name} is taken in`)]).toEqual([0, true]);
    expect(read(MANIFEST).toString()).toBe(lines);
    expect((await runOurs(folder, [MANIFEST])).status).toBe(0);
  });

  test("a damaged name in a manifest with another damaged line keeps what its line says", async () => {
    writeSet();
    const size = read("a.2.incr.aof").length;
    write("a.2.incr.aof", Buffer.concat([read("a.2.incr.aof"), command("SET", "void", "1")]));
    const lines = LINES.join("").replace(
      "a.2.incr.aof seq 2 type i",
      `a.2.incs.aof seq 2 type i end ${size}`,
    );
    write(MANIFEST, lines.replace("file a.1", "fi\0e a.1"));
    expect((await runOurs(folder, ["--salvage", "--yes", MANIFEST])).status).toBe(0);
    expect(read(MANIFEST).toString()).toBe(lines.replace("a.2.incs.aof", "a.2.incr.aof"));
  });

  test("a damaged name of a base file for which there are two: the user decides", async () => {
    writeSet();
    write("a.1.base.aof", command("SET", "base", "1"));
    write("a.1.base.rdb", command("SET", "base", "2"));
    const damaged = `file a.1.bare.aof seq 1 type b\n${LINES.join("")}`;
    write(MANIFEST, damaged);
    const { status, output } = await runOurs(folder, ["--salvage", "--yes", MANIFEST]);
    expect([status, output.includes("There are several base files")]).toEqual([1, true]);
    expect(read(MANIFEST).toString()).toBe(damaged);
  });

  test("a file that two lines name is taken once, if there is no other", async () => {
    writeSet();
    removeFolder(join(folder, "a.2.incr.aof"));
    write(MANIFEST, LINES.join("").replace("a.2.incr.aof", "a.3.incr.aof"));
    expect((await runOurs(folder, ["--salvage", "--yes", MANIFEST])).status).toBe(0);
    expect(read(MANIFEST).toString()).toBe(LINES[0] + LINES[2]);
  });

  test("several base files without a manifest: the user decides", async () => {
    write("a.1.base.aof", command("SET", "a", "1"));
    write("a.2.base.aof", command("SET", "a", "2"));
    const { status, output } = await runOurs(folder, ["--salvage", "--yes", "."]);
    expect([status, output.includes("There are several base files")]).toEqual([1, true]);
    expect(readdirSync(folder)).toEqual(["a.1.base.aof", "a.2.base.aof"]);
  });

  test("bytes that the manifest calls void stay out", async () => {
    writeSet();
    const good = read("a.2.incr.aof");
    const damaged = damage(Buffer.concat([good, command("SET", "void", "1")]), "value 1");
    write("a.2.incr.aof", damaged);
    write(MANIFEST, LINES.join("").replace("seq 2 type i", `seq 2 type i end ${good.length}`));
    expect((await runOurs(folder, ["--salvage", "--yes", MANIFEST])).status).toBe(0);
    expect(await commandsOf("a.2.incr.aof")).toEqual(whole("y").toSpliced(1, 1));
    expect(read(MANIFEST).toString()).toBe(LINES.join(""));
  });
});

describe("going back in time", () => {
  function writeTimes(): void {
    for (const i of [1, 2, 3]) {
      const time = (second: number) => encodeTimestampLine(i * 100 + second);
      const parts = [
        command("SELECT", "0"),
        time(0),
        command("SET", "k", `${i}`),
        time(50),
        command("INCR", "n"),
      ];
      write(`a.${i}.incr.aof`, Buffer.concat(parts));
    }
    write(MANIFEST, LINES.join(""));
  }

  test("--truncate-to-timestamp over files", async () => {
    writeTimes();
    const stock = await runOurs(folder, ["--truncate-to-timestamp", "220", MANIFEST]);
    expect([stock.status, stock.output.includes("because it is not the last file")]).toEqual([1, true]);
    const args = ["--truncate-to-timestamp", "220", "--across-files", MANIFEST];
    expect((await runOurs(folder, ["--dry-run", ...args])).status).toBe(3);
    const { status } = await runOurs(folder, ["--yes", ...args]);
    expect(status).toBe(0);
    expect(await commandsOf("a.1.incr.aof")).toEqual(["SET k 1", "INCR n"]);
    expect(await commandsOf("a.2.incr.aof")).toEqual(["SET k 2"]);
    expect(read(MANIFEST).toString()).toBe(LINES[0] + LINES[1]);
    expect(existsSync(join(folder, "a.3.incr.aof"))).toBe(false);
    expect(existsSync(join(folder, "a.3.incr.aof.bak-1"))).toBe(true);
    expect((await runOurs(folder, ["--yes", ...args])).output).toContain("Nothing to truncate");
  });

  test("--truncate-to-offset cuts between commands", async () => {
    writeTimes();
    const size = read("a.1.incr.aof").length;
    const args = ["--truncate-to-offset", `a.1.incr.aof:${size - 3}`, "--yes", "--bad-to", "bad", MANIFEST];
    expect((await runOurs(folder, args)).status).toBe(0);
    expect(await commandsOf("a.1.incr.aof")).toEqual(["SET k 1"]);
    expect(read(MANIFEST).toString()).toBe(LINES[0]);
    expect(read("bad").equals(command("INCR", "n"))).toBe(true);
    const unknown = await runOurs(folder, ["--truncate-to-offset", "b:1", MANIFEST]);
    expect([unknown.status, unknown.output]).toEqual([1, "The manifest names no file b\n"]);
    write("b.aof", Buffer.concat([command("PING"), command("PING")]));
    expect((await runOurs(folder, ["--truncate-to-offset", "20", "--yes", "b.aof"])).status).toBe(0);
    expect(read("b.aof").length).toBe(14);
  });

  test("--truncate-to-offset takes the last file with commands, and leaves a file of blocks its first line", async () => {
    const whole = blocks("k");
    write("a.1.incr.aof", whole.bytes);
    write("a.2.incr.aof", BLOCKS_HEADER);
    write(MANIFEST, LINES[0] + LINES[1]);
    const cutAt = (offset: number) =>
      runOurs(folder, ["--truncate-to-offset", `${offset}`, "--yes", MANIFEST]);
    expect((await cutAt(whole.bytes.length)).output).toContain("Nothing to truncate");
    expect((await cutAt(whole.bytes.indexOf("k3"))).status).toBe(0);
    expect(await commandsOf("a.1.incr.aof")).toEqual([0, 1, 2].map((i) => `SET k${i} value ${i}`));
    expect((await cutAt(BLOCKS_HEADER.length - 1)).status).toBe(0);
    expect(read("a.1.incr.aof").equals(BLOCKS_HEADER)).toBe(true);
    expect((await cutAt(0)).output).toContain("Nothing to truncate");
  });
});

/**
 * Goal: each rule of the writer on its own: what is one block, what each policy waits for, what happens when a
 * write or a datasync fails. Method: a simulated disk; faults ordered by operation; the real reader looks at the
 * result. Random sequences of all this are in writer-crash.test.ts.
 */
import { beforeEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import type { AofWriter, FsyncPolicy } from "../../../src/persistence/aof/writer.ts";
import { Request } from "../../../src/protocol/request.ts";
import { openWriter, readDirectory } from "../../support/aof-files.ts";
import { SimulatedDisk } from "../../support/simulated-files.ts";

const FOLDER = "/data/appendonlydir";
const FIRST = `${FOLDER}/appendonly.aof.1.incr.aof`;

let disk: SimulatedDisk;
let clock: ManualClock;

beforeEach(async () => {
  disk = new SimulatedDisk({ seed: 1 });
  clock = new ManualClock(1_700_000_000_000);
  await disk.mkdir("/data");
  await disk.syncDirectory("/");
});

async function open(policy: FsyncPolicy): Promise<AofWriter> {
  const { writer } = await openWriter(disk, clock, policy);
  writer.encoder.timestamps = false;
  return writer;
}

function set(writer: AofWriter, key: string, value = "v"): number {
  writer.encoder.command(Request.of("SET", key, value));
  return writer.appended;
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn > 10_000) throw new Error("the condition did not come true");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets everything that was started come to rest. */
async function settle(): Promise<void> {
  let calls = -1;
  while (calls !== disk.process.callCount) {
    calls = disk.process.callCount;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

function fileText(path = FIRST): string {
  return disk.contents().get(path)?.toString("latin1") ?? "";
}

async function foundKeys(): Promise<string[]> {
  const { commands } = await readDirectory(disk);
  return commands.map((command) => command.text[1]);
}

describe("AofWriter", () => {
  it("always: writes what a turn appended as one block, and what came during a datasync as the next", async () => {
    const writer = await open("always");
    set(writer, "a");
    set(writer, "b");
    writer.kick();
    set(writer, "c");
    writer.kick();
    const end = set(writer, "d");
    writer.kick();
    await until(() => writer.synced === end);
    expect(fileText().match(/#BLOCK:/g)).toHaveLength(2);
    expect(await foundKeys()).toEqual(["a", "b", "c", "d"]);
  });

  it("always: opens the gate after the datasync; the others after the write", async () => {
    for (const policy of ["always", "everysec", "no"] as const) {
      disk.process.fault = undefined;
      const writer = await open(policy);
      const gates: [number, number][] = [];
      disk.process.fault = ({ op }) => {
        if (op === "datasync") gates.push([writer.written, writer.gatePosition]);
        return undefined;
      };
      const end = set(writer, "a");
      writer.kick();
      await until(() => writer.gatePosition === end);
      if (policy === "always") expect(gates).toEqual([[end, 0]]);
      if (policy === "no") expect(gates).toEqual([]);
      await writer.close();
    }
  });

  it("everysec: one datasync a second, beside the writes", async () => {
    const writer = await open("everysec");
    let syncs = 0;
    disk.process.fault = ({ op }) => {
      if (op === "datasync") syncs++;
      return undefined;
    };
    for (let tick = 0; tick < 25; tick++) {
      set(writer, String(tick));
      writer.kick();
      await settle();
      clock.advance(100);
      writer.cron();
      await settle();
    }
    expect(syncs).toBe(3);
    clock.advance(1000);
    writer.cron();
    await until(() => writer.synced === writer.appended);
  });

  it("counts a datasync that takes too long, once", async () => {
    const writer = await open("everysec");
    const counts: number[] = [];
    const isCounted = new Promise<void>((resolve) => {
      disk.process.fault = ({ op }) => {
        if (op !== "datasync") return undefined;
        // Before the datasync returns.
        queueMicrotask(() => {
          for (const ms of [1999, 1, 1]) {
            clock.advance(ms);
            writer.cron();
            counts.push(writer.pendingFsync, writer.delayedFsync);
          }
          resolve();
        });
        return undefined;
      };
    });
    set(writer, "a");
    writer.kick();
    await isCounted;
    expect(counts).toEqual([1, 0, 1, 1, 1, 1]);
  });

  it("marks the end once when nothing more comes", async () => {
    const writer = await open("always");
    set(writer, "a");
    writer.kick();
    await until(() => writer.synced === writer.appended);
    for (let i = 0; i < 5; i++) {
      writer.cron();
      await settle();
    }
    const lines = fileText().match(/#BLOCK:.*\r\n/g) ?? [];
    expect(lines).toHaveLength(2);
    const synced = fileText().indexOf("#BLOCK:0:");
    expect(lines[1]).toMatch(new RegExp(`^#BLOCK:0:[0-9a-f]{8}:${synced}:0\r\n$`));
    expect(writer.synced).toBe(writer.appended);
    // Damage before the mark is recognised as damage.
    await writer.close();
    const bytes = disk.contents().get(FIRST) ?? Buffer.alloc(0);
    bytes[bytes.indexOf("SET")] ^= 1;
    disk.place(FIRST, bytes);
    await expect(readDirectory(disk)).rejects.toThrow("is damaged");
  });

  it("with always, writes over filling; what is behind the last block never is a command or an empty line", async () => {
    disk = new SimulatedDisk({ seed: 1, isQuick: true });
    await disk.mkdir("/data");
    await disk.syncDirectory("/");
    // Every place in a line of filling at which a block can end.
    const keys: string[] = [];
    const writer = await open("always");
    for (let length = 0; length < 520; length++) {
      keys.push(`k${length}`);
      const end = set(writer, `k${length}`, "x".repeat(length));
      writer.kick();
      await until(() => writer.synced === end);
      const text = fileText();
      const filling = text.slice(text.lastIndexOf("\r\n") + 2);
      expect(filling.length).toBeGreaterThan(0);
      expect(filling.split("\n").every((line, i, lines) => (line === "") === (i === lines.length - 1))).toBe(
        true,
      );
      expect(filling).toMatch(/^[#\n]*$/);
    }
    const kept = disk.clone(1);
    kept.kill();
    kept.restart();
    expect((await readDirectory(kept)).commands.map(({ text }) => text[1])).toEqual(keys);
    await writer.close();
    expect(fileText().endsWith("\r\n")).toBe(true);
    expect(await foundKeys()).toEqual(keys);
  });

  it("a full disk: refuses writes, goes on at the very byte when there is room, loses nothing", async () => {
    for (const policy of ["always", "everysec", "no"] as const) {
      const writer = await open(policy);
      const start = set(writer, `${policy}1`);
      writer.kick();
      await until(() => writer.written === start);
      disk.capacityBytes = disk.usedBytes + 20;
      // More than the filling has room for.
      const end = set(writer, `${policy}2`, "x".repeat(100_000));
      writer.kick();
      await until(() => writer.failure !== undefined);
      expect(writer.failure).toEqual({ operation: "write", text: "No space left on device" });
      expect(writer.gatePosition).toBe(start);
      writer.cron();
      await settle();
      expect(writer.failure).toBeDefined();
      disk.capacityBytes = Number.POSITIVE_INFINITY;
      clock.advance(1000);
      writer.cron();
      await until(() => writer.gatePosition === end);
      expect(writer.failure).toBeUndefined();
      await writer.close();
    }
    expect(await foundKeys()).toEqual(["always1", "always2", "everysec1", "everysec2", "no1", "no2"]);
  });

  it("a failed datasync: moves the bytes to a new file and ends the old one there", async () => {
    const writer = await open("always");
    writer.encoder.select(5);
    const first = set(writer, "a");
    writer.kick();
    await until(() => writer.synced === first);
    const end = fileText().lastIndexOf("\r\n") + 2;
    disk.failNext("datasync", "EIO");
    const second = set(writer, "b");
    writer.kick();
    await until(() => writer.synced === second);
    expect(writer.failure).toBeUndefined();
    await settle();
    disk.crash();
    disk.restart();
    const { directory, commands } = await readDirectory(disk);
    expect(directory.manifest.incr).toEqual([
      { name: "appendonly.aof.1.incr.aof", sequence: 1, end },
      { name: "appendonly.aof.2.incr.aof", sequence: 2 },
    ]);
    expect(commands.map(({ db, file, text }) => [db, file, text[1]])).toEqual([
      [5, 1, "a"],
      [5, 2, "b"],
    ]);
  });

  it("a failed datasync and no way out: refuses writes, holds replies, tries until it works", async () => {
    const writer = await open("everysec");
    disk.process.fault = ({ op }) => (op === "datasync" ? "EIO" : undefined);
    set(writer, "a");
    writer.kick();
    await until(() => writer.failure !== undefined);
    expect(writer.failure).toEqual({ operation: "fsync", text: "Input/output error" });
    const end = set(writer, "b");
    for (let i = 0; i < 3; i++) {
      clock.advance(1000);
      writer.cron();
      await settle();
    }
    expect(writer.gatePosition).toBeLessThan(end);
    expect(writer.failure).toBeDefined();
    disk.process.fault = undefined;
    clock.advance(1000);
    writer.cron();
    await until(() => writer.gatePosition === end);
    await writer.close();
    expect(await foundKeys()).toEqual(["a", "b"]);
    // None of the attempts left a file behind.
    expect([...disk.contents().keys()].filter((path) => path.endsWith(".incr.aof"))).toHaveLength(2);
  });

  it("a cut: the old file is durable before there is a new one, whatever the policy", async () => {
    const writer = await open("no");
    set(writer, "a");
    const firstIncr = writer.cut();
    set(writer, "b");
    writer.kick();
    expect(await firstIncr).toBe(2);
    await until(() => writer.written === writer.appended);
    disk.crash();
    disk.restart();
    const { commands, directory } = await readDirectory(disk);
    expect(directory.manifest.incr.map((file) => file.sequence)).toEqual([1, 2]);
    expect(commands[0]?.text).toEqual(["SET", "a", "v"]);
    expect(commands[0]?.file).toBe(1);
  });

  it("a cut that was prepared waits for one datasync of the old file, and for nothing else", async () => {
    const writer = await open("everysec");
    set(writer, "a");
    writer.kick();
    await writer.prepareCut();
    expect(writer.synced).toBe(writer.appended);
    set(writer, "b");
    const calls: string[] = [];
    disk.process.fault = ({ op }) => {
      calls.push(op);
      return undefined;
    };
    expect(await writer.cut()).toBe(2);
    expect(calls.filter((op) => op !== "close")).toEqual(["write", "datasync"]);
    set(writer, "c");
    await writer.close();
    const { commands } = await readDirectory(disk);
    expect(commands.map(({ file, text }) => [file, text[1]])).toEqual([
      [1, "a"],
      [1, "b"],
      [2, "c"],
    ]);
  });

  it("what follows a failed datasync of nothing but a line goes to the database that was selected before", async () => {
    for (const policy of ["always", "everysec", "no"] as const) {
      const writer = await open(policy);
      writer.encoder.select(3);
      await writer.waitForSync(set(writer, policy));
      // The line that an idle server adds is not synced.
      for (let i = 0; i < 3; i++) writer.cron();
      const { name } = writer.current;
      disk.process.fault = ({ op, path }) => (op === "datasync" && path.endsWith(name) ? "EIO" : undefined);
      await settle();
      await writer.prepareCut();
      await until(() => writer.current.name !== name);
      set(writer, `${policy} again`);
      await writer.close();
      disk.process.fault = undefined;
      const { commands } = await readDirectory(disk);
      expect(commands.slice(-2).map(({ db, text }) => [db, text[1]])).toEqual([
        [3, policy],
        [3, `${policy} again`],
      ]);
    }
  });

  it("a power cut between a cut's preparation and the cut: what is torn is the end of the log", async () => {
    for (let seed = 0; seed < 20; seed++) {
      disk = new SimulatedDisk({ seed });
      await disk.mkdir("/data");
      await disk.syncDirectory("/");
      const writer = await open("no");
      set(writer, "a");
      writer.kick();
      await writer.prepareCut();
      set(writer, "b", "v".repeat(20_000));
      writer.kick();
      await until(() => writer.written === writer.appended);
      disk.crash();
      disk.restart();
      const { commands, directory } = await readDirectory(disk);
      expect(directory.manifest.incr).toHaveLength(2);
      expect(commands[0].text[1]).toBe("a");
      const next = await open("always");
      set(next, "c");
      await next.close();
      expect(await foundKeys()).toEqual([...commands.map(({ text }) => text[1]), "c"]);
    }
  });

  it("a cut that cannot be: says so, and the old file goes on", async () => {
    const writer = await open("always");
    set(writer, "a");
    disk.failNext("rename", "ENOSPC");
    const firstIncr = writer.cut();
    set(writer, "b");
    await expect(firstIncr).rejects.toMatchObject({ code: "ENOSPC" });
    await until(() => writer.synced === writer.appended);
    expect(await writer.cut()).toBe(3);
    set(writer, "c");
    await writer.close();
    const { commands } = await readDirectory(disk);
    expect(commands.map(({ file, text }) => [file, text[1]])).toEqual([
      [1, "a"],
      [1, "b"],
      [3, "c"],
    ]);
  });

  it("waitForSync brings about the datasync, even with appendfsync no", async () => {
    const writer = await open("no");
    const end = set(writer, "a");
    await writer.waitForSync(end);
    expect(writer.synced).toBe(end);
    expect(writer.unsyncedBytes).toBe(0);
  });

  it("close says so when the disk is full, and succeeds later; no file stays open", async () => {
    const writer = await open("everysec");
    set(writer, "a", "x".repeat(1000));
    disk.capacityBytes = disk.usedBytes + 100;
    await expect(writer.close()).rejects.toMatchObject({ code: "ENOSPC" });
    set(writer, "b");
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    await writer.close();
    await settle();
    expect(disk.openFiles).toBe(0);
    expect(await foundKeys()).toEqual(["a", "b"]);
  });

  it("changing the policy changes what replies wait for, at once", async () => {
    const writer = await open("everysec");
    disk.process.fault = undefined;
    set(writer, "a");
    writer.kick();
    await until(() => writer.synced === writer.appended);
    const end = set(writer, "b");
    writer.kick();
    await until(() => writer.written === end);
    expect(writer.gatePosition).toBe(end);
    writer.policy = "always";
    expect(writer.gatePosition).toBeLessThan(end);
    await until(() => writer.gatePosition === end);
  });

  it("goes on in a file whose last block was cut short, without endangering what is there", async () => {
    const text = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nv\r\n";
    await open("always");
    disk.place(FIRST, Buffer.from(`#TSREDIS-AOF:2\r\n${text}*3\r\n$3\r\nSE`));
    const writer = await open("always");
    const end = set(writer, "b");
    writer.kick();
    await until(() => writer.synced === end);
    expect(fileText().indexOf("#BLOCK:")).toBe(16 + text.length);
    expect(await foundKeys()).toEqual(["a", "b"]);
  });

  it("appends to a directory of stock Redis in a file of its own", async () => {
    await disk.mkdir(FOLDER);
    const text = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nv\r\n";
    disk.place(FIRST, Buffer.from(text));
    disk.place(
      `${FOLDER}/appendonly.aof.manifest`,
      Buffer.from("file appendonly.aof.1.incr.aof seq 1 type i\n"),
    );
    const writer = await open("always");
    set(writer, "b");
    await writer.close();
    expect(fileText()).toBe(text);
    expect(await foundKeys()).toEqual(["a", "b"]);
  });

  it("relies on no manifest that a power cut can still take back", async () => {
    for (let seed = 0; seed < 40; seed++) {
      disk = new SimulatedDisk({ seed });
      await disk.mkdir("/data");
      await disk.syncDirectory("/");
      const first = await open("always");
      // The process dies when the manifest with the new file has its name, but not durably.
      let hasName = false;
      disk.process.fault = ({ op }) => {
        if (op === "rename") hasName = true;
        return op === "syncDirectory" && hasName ? "crash" : undefined;
      };
      first.cut().catch(() => undefined);
      await disk.process.whenStopped();
      disk.process.fault = undefined;
      disk.kill();
      disk.restart();
      const second = await open("always");
      await second.waitForSync(set(second, "a"));
      disk.crash();
      disk.restart();
      expect(await foundKeys()).toEqual(["a"]);
    }
  });

  it("values larger than a chunk arrive whole", async () => {
    const writer = await open("everysec");
    set(writer, "a", "x".repeat(3_000_000));
    set(writer, "b", "y".repeat(300_000));
    const end = set(writer, "c");
    await writer.waitForSync(end);
    const { commands } = await readDirectory(disk);
    expect(commands.map(({ text }) => [text[1], text[2].length])).toEqual([
      ["a", 3_000_000],
      ["b", 300_000],
      ["c", 1],
    ]);
    expect(writer.memoryBytes).toBeLessThan(3_000_000);
  });
});

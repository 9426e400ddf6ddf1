/**
 * Goal: the directory's steps are all or nothing, whenever the machine dies, and its texts and order are Redis's.
 * Method: a simulated disk, stopped at every call of a sequence of steps, then looked at by a new process.
 */
import { beforeEach, describe, expect, it } from "vitest";
import { silentLog } from "../../../src/base/log.ts";
import { AofDirectory } from "../../../src/persistence/aof/directory.ts";
import { BLOCKS_HEADER } from "../../../src/persistence/aof/format.ts";
import { openDirectory } from "../../support/aof-files.ts";
import { SimulatedDisk } from "../../support/simulated-files.ts";

const FOLDER = "/data/appendonlydir";

async function newDisk(seed: number): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ seed });
  await disk.mkdir("/data");
  await disk.syncDirectory("/");
  return disk;
}

function names(disk: SimulatedDisk): string[] {
  return [...disk.contents().keys()].map((path) => path.slice(FOLDER.length + 1)).sort();
}

async function writeBase(disk: SimulatedDisk, text: string): Promise<string> {
  const path = `${FOLDER}/temp-rewrite.rdb`;
  const file = await disk.open(path, "create");
  await file.write(Buffer.from(text), 0);
  await file.datasync();
  await file.close();
  return path;
}

describe("AofDirectory", () => {
  let disk: SimulatedDisk;

  beforeEach(async () => {
    disk = await newDisk(1);
  });

  it("numbers files, heads them, and lists them durably", async () => {
    const directory = await openDirectory(disk);
    await directory.addIncr();
    const second = await directory.addIncr();
    expect(second).toMatchObject({
      sequence: 2,
      name: "appendonly.aof.2.incr.aof",
      sizeBytes: BLOCKS_HEADER.length,
    });
    disk.crash();
    disk.restart();
    const again = await openDirectory(disk);
    expect(again.manifest.incr.map((file) => file.sequence)).toEqual([1, 2]);
    expect(disk.contents().get(again.pathOf(second.name))).toEqual(BLOCKS_HEADER);
    expect((await again.addIncr()).sequence).toBe(3);
  });

  it("replaces the base: what it covers becomes history and is removed", async () => {
    const directory = await openDirectory(disk);
    for (let i = 0; i < 3; i++) await directory.addIncr();
    await directory.markEnd(1, 16);
    await directory.replaceBase(await writeBase(disk, "one"), "rdb", 3, { folder: "cold", generation: 7 });
    expect(names(disk)).toEqual([
      "appendonly.aof.1.base.rdb",
      "appendonly.aof.3.incr.aof",
      "appendonly.aof.manifest",
    ]);
    await directory.replaceBase(await writeBase(disk, "two"), "aof", 3);
    const { manifest } = await openDirectory(disk);
    expect(manifest).toEqual({
      base: { name: "appendonly.aof.2.base.aof", sequence: 2 },
      incr: [{ name: "appendonly.aof.3.incr.aof", sequence: 3 }],
      history: [],
    });
  });

  it("keeps history if told to, and can remove it later", async () => {
    const options = {
      files: disk,
      folder: "/data",
      appenddirname: "appendonlydir",
      appendfilename: "appendonly.aof",
      log: silentLog,
      removesHistory: false,
    };
    const directory = await AofDirectory.open(options);
    await directory.addIncr();
    await directory.addIncr();
    await directory.replaceBase(await writeBase(disk, "one"), "rdb", 2);
    expect(directory.manifest.history.map((file) => file.name)).toEqual(["appendonly.aof.1.incr.aof"]);
    expect(names(disk)).toContain("appendonly.aof.1.incr.aof");
    directory.removesHistory = true;
    await directory.removeHistory();
    expect(directory.manifest.history).toEqual([]);
    expect(names(disk)).not.toContain("appendonly.aof.1.incr.aof");
  });

  it("does changes one after the other", async () => {
    const directory = await openDirectory(disk);
    const files = await Promise.all([directory.createIncr(), directory.createIncr(), directory.createIncr()]);
    await Promise.all(files.map((file) => directory.listIncr(file)));
    await Promise.all([directory.markEnd(1, 16), directory.markEnd(2, 17), directory.markEnd(2, 99)]);
    const { manifest } = await openDirectory(disk);
    expect(manifest.incr.map(({ sequence, end }) => [sequence, end])).toEqual([
      [1, 16],
      [2, 17],
      [3, undefined],
    ]);
  });

  it("removes a file that it could not list only when no manifest can name it", async () => {
    const directory = await openDirectory(disk);
    await directory.addIncr();
    disk.process.fault = ({ op, index }) => (op === "rename" && index > 0 ? "EIO" : undefined);
    await expect(directory.addIncr()).rejects.toMatchObject({ code: "EIO" });
    expect(names(disk)).toContain("appendonly.aof.2.incr.aof");
    disk.process.fault = undefined;
    expect((await directory.addIncr()).sequence).toBe(3);
    expect(names(disk).filter((name) => name.endsWith(".incr.aof"))).toEqual([
      "appendonly.aof.1.incr.aof",
      "appendonly.aof.3.incr.aof",
    ]);
  });

  it("takes in the single file of an older Redis, at whatever call it was interrupted", async () => {
    const content = Buffer.from("*1\r\n$4\r\nPING\r\n");
    for (let call = 1; call <= 30; call++) {
      const upgraded = await newDisk(call);
      upgraded.place("/data/appendonly.aof", content);
      upgraded.process.stopAtCall(call);
      await Promise.race([openDirectory(upgraded), upgraded.process.whenStopped()]);
      upgraded.crash();
      upgraded.restart();
      const { manifest } = await openDirectory(upgraded);
      expect(manifest.base).toEqual({ name: "appendonly.aof", sequence: 1 });
      expect(upgraded.contents().get(`${FOLDER}/appendonly.aof`)).toEqual(content);
      expect(upgraded.contents().has("/data/appendonly.aof")).toBe(false);
    }
  });

  it("leaves a stray file of that name alone when there is data already", async () => {
    const directory = await openDirectory(disk);
    await directory.addIncr();
    disk.place("/data/appendonly.aof", Buffer.from("x"));
    expect((await openDirectory(disk)).manifest.base).toBeUndefined();
  });

  it("is whole after a power cut at any call of a rewrite", async () => {
    let stops = 0;
    for (let call = 1; call <= 60; call++) {
      const cutDisk = await newDisk(call);
      const directory = await openDirectory(cutDisk);
      await directory.addIncr();
      const work = async (): Promise<void> => {
        cutDisk.process.stopAtCall(cutDisk.process.callCount + call);
        await directory.addIncr();
        await directory.replaceBase(await writeBase(cutDisk, "base"), "rdb", 2);
      };
      await Promise.race([work(), cutDisk.process.whenStopped()]);
      if (cutDisk.process.isStopped) stops++;
      cutDisk.crash();
      cutDisk.restart();
      const { manifest } = await openDirectory(cutDisk);
      const files = [...(manifest.base === undefined ? [] : [manifest.base]), ...manifest.incr];
      for (const file of files) expect(cutDisk.contents().get(`${FOLDER}/${file.name}`)).toBeDefined();
      const sequences = manifest.incr.map((file) => file.sequence).join();
      if (manifest.base === undefined) expect(["1", "1,2"]).toContain(sequences);
      else {
        expect(sequences).toBe("2");
        expect(cutDisk.contents().get(`${FOLDER}/${manifest.base.name}`)?.toString()).toBe("base");
      }
    }
    expect(stops).toBeGreaterThan(25);
  });
});

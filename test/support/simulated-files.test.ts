/**
 * The simulated disk keeps its own promises: it behaves like a real one while nobody pulls the plug, never loses what
 * was synced, and shows over the seeds every loss it documents. A simulation that is too kind proves nothing.
 */
import { describe, expect, it } from "vitest";
import { writeFully } from "../../src/base/files.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { filesSuite } from "../base/files-suite.ts";
import { SimulatedDisk } from "./simulated-files.ts";

const SEEDS = 300;

filesSuite("SimulatedDisk", async () => {
  const disk = new SimulatedDisk({ seed: 1 });
  await disk.mkdir("/data");
  return {
    files: disk,
    folder: "/data",
    cleanUp: async () => {
      expect(disk.openFiles).toBe(0);
    },
  };
});

/** A disk whose file /a holds `durable` for sure, and after that `unsynced` perhaps, at `position`. */
async function diskWith(
  durable: Buffer,
  unsynced: Buffer,
  position = durable.length,
): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ seed: 1 });
  disk.place("/a", durable);
  const file = await disk.open("/a", "update");
  await writeFully(file, unsynced, position);
  return disk;
}

/** What `path` holds after a power cut, for each of many seeds. */
function outcomes(disk: SimulatedDisk, path: string): (Buffer | undefined)[] {
  return Array.from({ length: SEEDS }, (_, seed) => {
    const clone = disk.clone(seed);
    clone.crash();
    return clone.contents().get(path);
  });
}

const sector = (byte: number): Buffer => Buffer.alloc(512, byte);

describe("after a power cut", () => {
  it("all that was synced is there, for any sequence of writes, truncations and syncs", async () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new SeededRandom(seed);
      const disk = new SimulatedDisk({ seed });
      const file = await disk.open("/a", "create");
      await disk.syncDirectory("/");
      for (let step = 0; step < 10; step++) {
        if (random.below(4) === 0) await file.truncate(random.below(3000));
        else await file.write(random.bytes(1 + random.below(2000)), random.below(3000));
      }
      await file.datasync();
      const expected = await disk.readFile("/a");
      // Appending must not endanger what lies before it in the same sector.
      for (let step = 0; step < random.below(3); step++) {
        await file.write(random.bytes(1 + random.below(1500)), await file.size());
      }
      disk.crash();
      const found = disk.contents().get("/a");
      expect(found?.subarray(0, expected.length).equals(expected), `seed ${seed}`).toBe(true);
    }
  });

  it("unsynced bytes are lost, kept, kept in part, or their place is zeros", async () => {
    const unsynced = Buffer.concat([sector(1), sector(2), sector(3)]);
    const disk = await diskWith(Buffer.from("durable"), unsynced);
    const all = Buffer.concat([Buffer.from("durable"), unsynced]);
    const seen = new Set<string>();
    for (const found of outcomes(disk, "/a")) {
      if (found === undefined) throw new Error("a durable name was lost");
      expect([7, all.length]).toContain(found.length);
      expect(found.subarray(0, 7).toString()).toBe("durable");
      if (found.length === 7) seen.add("old length");
      else if (found.equals(all)) seen.add("all kept");
      else if (found.subarray(7).every((byte) => byte === 0)) seen.add("zeros");
      else if (found.at(-1) === 0) seen.add("zero tail");
      else if (found[8] === 0) seen.add("hole before kept bytes");
      else seen.add("hole in the middle");
      expect(found.every((byte, at) => byte === 0 || byte === all[at])).toBe(true);
    }
    expect([...seen].sort()).toEqual(
      ["all kept", "hole before kept bytes", "hole in the middle", "old length", "zero tail", "zeros"].sort(),
    );
  });

  it("an overwritten sector is the old or the new one, whole", async () => {
    const disk = await diskWith(
      Buffer.concat([sector(1), sector(2)]),
      Buffer.concat([sector(8), sector(9)]),
      0,
    );
    const seen = new Set(outcomes(disk, "/a").map((found) => `${found?.[0]}${found?.[512]}`));
    expect([...seen].sort()).toEqual(["12", "19", "82", "89"]);
    for (const found of outcomes(disk, "/a")) {
      expect([sector(1), sector(8)]).toContainEqual(found?.subarray(0, 512));
    }
  });

  it("an earlier version of a sector written twice may be what stays", async () => {
    const disk = await diskWith(sector(1), sector(2), 0);
    const file = await disk.open("/a", "update");
    await file.write(sector(3), 0);
    expect(new Set(outcomes(disk, "/a").map((found) => found?.[0]))).toEqual(new Set([1, 2, 3]));
  });

  it("an unsynced truncation may be undone", async () => {
    const disk = await diskWith(Buffer.concat([sector(1), sector(2)]), Buffer.alloc(0));
    const file = await disk.open("/a", "update");
    await file.truncate(512);
    expect(new Set(outcomes(disk, "/a").map((found) => found?.length))).toEqual(new Set([512, 1024]));
    await file.datasync();
    expect(new Set(outcomes(disk, "/a").map((found) => found?.length))).toEqual(new Set([512]));
  });

  it("names not synced may be lost, synced ones never are", async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    for (const name of ["/kept", "/removed"]) disk.place(name, Buffer.from(name));
    const file = await disk.open("/made", "create");
    await file.datasync();
    await disk.unlink("/removed");
    const seen = new Set<string>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const clone = disk.clone(seed);
      clone.crash();
      expect(clone.contents().has("/kept")).toBe(true);
      seen.add([...clone.contents().keys()].sort().join(" "));
    }
    expect(seen).toEqual(new Set(["/kept", "/kept /made", "/kept /removed", "/kept /made /removed"]));
    await disk.syncDirectory("/");
    expect(outcomes(disk, "/made").every((found) => found !== undefined)).toBe(true);
    expect(outcomes(disk, "/removed").every((found) => found === undefined)).toBe(true);
  });

  it("a rename shows the old state or the new one, and the new name may come with the bytes of nobody", async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    disk.place("/manifest", Buffer.from("old"));
    const file = await disk.open("/temporary", "create");
    await disk.syncDirectory("/");
    await writeFully(file, Buffer.from("new"), 0);
    const unsynced = disk.clone(1);
    await unsynced.rename("/temporary", "/manifest");
    const texts = new Set(outcomes(unsynced, "/manifest").map(String));
    expect(texts).toEqual(new Set(["old", "new", "", "\0\0\0"]));
    await file.datasync();
    await disk.rename("/temporary", "/manifest");
    expect(new Set(outcomes(disk, "/manifest").map(String))).toEqual(new Set(["old", "new"]));
    for (let seed = 0; seed < SEEDS; seed++) {
      const clone = disk.clone(seed);
      clone.crash();
      const isNew = String(clone.contents().get("/manifest")) === "new";
      expect(clone.contents().has("/temporary")).toBe(!isNew);
    }
    await disk.syncDirectory("/");
    expect(new Set(outcomes(disk, "/manifest").map(String))).toEqual(new Set(["new"]));
  });

  it("a synced folder is lost with its own unsynced name", async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    await disk.mkdir("/one/two");
    const file = await disk.open("/one/two/a", "create");
    await file.datasync();
    await disk.syncDirectory("/one/two");
    const found = outcomes(disk, "/one/two/a").map((bytes) => bytes !== undefined);
    expect(new Set(found)).toEqual(new Set([true, false]));
    await disk.syncDirectory("/one");
    await disk.syncDirectory("/");
    expect(outcomes(disk, "/one/two/a").every((bytes) => bytes !== undefined)).toBe(true);
  });

  it("a rename between folders is durable with either folder, and older changes do not undo it", async () => {
    for (const synced of ["/x", "/y"]) {
      const disk = new SimulatedDisk({ seed: 1 });
      await disk.mkdir("/x");
      await disk.mkdir("/y");
      await disk.syncDirectory("/");
      await (await disk.open("/y/b", "create")).close();
      const file = await disk.open("/x/a", "create");
      await file.write(Buffer.from("moved"), 0);
      await file.datasync();
      await disk.rename("/x/a", "/y/b");
      await disk.syncDirectory(synced);
      expect(new Set(outcomes(disk, "/y/b").map(String))).toEqual(new Set(["moved"]));
    }
  });

  it("a death of the process alone loses nothing", async () => {
    const disk = await diskWith(Buffer.from("durable"), Buffer.from(" and the rest"));
    await (await disk.open("/b", "create")).close();
    disk.kill();
    disk.restart();
    expect((await disk.readFile("/a")).toString()).toBe("durable and the rest");
    expect(await disk.readdir("/")).toEqual(["a", "b"]);
  });
});

describe("the process", () => {
  /** A run with a few calls in it; returns how many writes were acknowledged. */
  async function run(disk: SimulatedDisk, acknowledged: number[]): Promise<void> {
    const file = await disk.open("/log", "create");
    await disk.syncDirectory("/");
    for (let step = 0; step < 5; step++) {
      await file.write(Buffer.alloc(300, step + 1), step * 300);
      await file.datasync();
      acknowledged.push(step);
    }
    await file.close();
  }

  it("can be ended at every call; what was acknowledged as synced is there", async () => {
    const whole = new SimulatedDisk({ seed: 3 });
    await run(whole, []);
    const calls = whole.process.callCount;
    expect(calls).toBe(13);
    const lengths = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      for (let call = 1; call <= calls; call++) {
        const disk = new SimulatedDisk({ seed });
        const acknowledged: number[] = [];
        disk.process.stopAtCall(call);
        await Promise.race([run(disk, acknowledged), disk.process.whenStopped()]);
        expect(disk.process.isStopped).toBe(true);
        disk.crash();
        disk.restart();
        const found = (await disk.stat("/log")) === undefined ? Buffer.alloc(0) : await disk.readFile("/log");
        for (const step of acknowledged) {
          expect(found.subarray(step * 300, step * 300 + 300)).toEqual(Buffer.alloc(300, step + 1));
        }
        lengths.add(found.length);
      }
    }
    // A write that was cut short shows as a length between the steps.
    expect([...lengths].some((length) => length % 300 !== 0)).toBe(true);
  });

  it("does the same again for the same seed", async () => {
    const trace = async (seed: number): Promise<string> => {
      const disk = new SimulatedDisk({ seed });
      const file = await disk.open("/a", "create");
      const order: number[] = [];
      await Promise.all(
        Array.from({ length: 12 }, async (_, index) => {
          await file.write(Buffer.from([index]), 0);
          order.push(index);
        }),
      );
      disk.crash();
      return `${order.join()} ${disk.contents().get("/a")?.toString("hex")}`;
    };
    const traces = await Promise.all(Array.from({ length: 40 }, (_, seed) => trace(seed)));
    expect(await Promise.all(Array.from({ length: 40 }, (_, seed) => trace(seed)))).toEqual(traces);
    // Calls made together do overtake each other, differently for different seeds.
    expect(new Set(traces.map((text) => text.split(" ")[0])).size).toBeGreaterThan(30);
  });

  it("never hears of calls made before it died, nor can use its open files afterwards", async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    const file = await disk.open("/a", "create");
    let answered = 0;
    const count = (): void => {
      answered++;
    };
    file.write(Buffer.from("x"), 0).then(count, count);
    disk.kill();
    disk.readFile("/a").then(count, count);
    disk.restart();
    file.write(Buffer.from("y"), 0).then(count, count);
    for (let round = 0; round < 50; round++) await disk.stat("/a");
    expect(answered).toBe(0);
    expect(await disk.readFile("/a")).toEqual(Buffer.alloc(0));
  });

  it("can do nothing when another has taken its place, by what it was given for itself", async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    disk.place("/a", Buffer.from("text"));
    const files = disk.ofProcess();
    expect((await files.readFile("/a")).toString()).toBe("text");
    disk.kill();
    disk.restart();
    let answered = 0;
    const count = (): void => {
      answered++;
    };
    files.open("/a", "create").then(count, count);
    files.unlink("/a").then(count, count);
    expect(disk.process.callCount).toBe(0);
    for (let round = 0; round < 50; round++) await disk.stat("/a");
    expect([answered, disk.openFiles]).toEqual([0, 0]);
    expect((await disk.ofProcess().readFile("/a")).toString()).toBe("text");
  });
});

describe("faults", () => {
  it("fail the calls they name, without effect", async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    disk.place("/a", Buffer.from("text"));
    disk.failNext("rename", "EIO");
    disk.failNext("open", "EMFILE");
    await expect(disk.rename("/a", "/b")).rejects.toMatchObject({ code: "EIO" });
    await expect(disk.open("/a", "create")).rejects.toMatchObject({ code: "EMFILE" });
    expect((await disk.readFile("/a")).toString()).toBe("text");
    const seen: string[] = [];
    disk.process.fault = ({ op, path, index }) => {
      seen.push(`${index} ${op} ${path}`);
      return op === "write" ? "ENOSPC" : undefined;
    };
    const file = await disk.open("/a", "update");
    await expect(file.write(Buffer.from("x"), 0)).rejects.toMatchObject({ code: "ENOSPC" });
    expect(seen).toEqual([`${disk.process.callCount - 1} open /a`, `${disk.process.callCount} write /a`]);
    expect((await disk.readFile("/a")).toString()).toBe("text");
  });

  it("can make a write short, which writeFully completes", async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    const file = await disk.open("/a", "create");
    disk.failNext("write", "short");
    expect(await file.write(Buffer.alloc(100, 1), 0)).toBeLessThan(100);
    disk.process.fault = ({ op }) => (op === "write" ? "short" : undefined);
    await writeFully(file, Buffer.alloc(100, 2), 0);
    expect(await disk.readFile("/a")).toEqual(Buffer.alloc(100, 2));
  });

  it("a failed sync leaves clean pages that no later sync writes, unless they are written again", async () => {
    const disk = new SimulatedDisk({ seed: 1 });
    const file = await disk.open("/a", "create");
    await disk.syncDirectory("/");
    await file.write(Buffer.concat([sector(1), sector(2)]), 0);
    disk.failNext("datasync", "EIO");
    await expect(file.datasync()).rejects.toMatchObject({ code: "EIO" });
    await file.datasync();
    expect(await disk.readFile("/a")).toEqual(Buffer.concat([sector(1), sector(2)]));
    const afterwards = async (again: boolean): Promise<Set<string>> => {
      const seen = new Set<string>();
      for (let seed = 0; seed < 40; seed++) {
        const one = new SimulatedDisk({ seed });
        const handle = await one.open("/a", "create");
        await one.syncDirectory("/");
        await handle.write(Buffer.concat([sector(1), sector(2)]), 0);
        one.failNext("datasync", "EIO");
        await expect(handle.datasync()).rejects.toMatchObject({ code: "EIO" });
        if (again) await handle.write(Buffer.concat([sector(1), sector(2)]), 0);
        await handle.datasync();
        one.crash();
        const found = one.contents().get("/a");
        seen.add(`${found?.[0]}${found?.[512]}`);
      }
      return seen;
    };
    expect(await afterwards(false)).toEqual(new Set(["00", "02", "10", "12"]));
    expect(await afterwards(true)).toEqual(new Set(["12"]));
  });

  it("a full disk takes what fits, then refuses, and takes more when there is room", async () => {
    const disk = new SimulatedDisk({ seed: 1, capacityBytes: 1000 });
    const file = await disk.open("/a", "create");
    expect(await file.write(Buffer.alloc(900), 0)).toBe(900);
    expect(await file.write(Buffer.alloc(900), 900)).toBe(100);
    await expect(file.write(Buffer.alloc(900), 1000)).rejects.toMatchObject({ code: "ENOSPC" });
    expect(await file.write(Buffer.alloc(1000, 7), 0)).toBe(1000);
    await file.truncate(500);
    expect(await file.write(Buffer.alloc(900), 500)).toBe(500);
    disk.capacityBytes = 5000;
    expect(await file.write(Buffer.alloc(900), 1000)).toBe(900);
    expect(disk.usedBytes).toBe(1900);
  });
});

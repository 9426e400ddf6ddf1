/**
 * Goal: what the writer leaves is plain Redis 7: the stock server loads it, the stock checker finds it valid.
 * Method: a real directory, several lives of a writer in it, several files, databases and groups, then the real
 * programs.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SystemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { realFiles } from "../../../src/base/real-files.ts";
import { AofDirectory } from "../../../src/persistence/aof/directory.ts";
import { AofWriter, type FsyncPolicy } from "../../../src/persistence/aof/writer.ts";
import { Request } from "../../../src/protocol/request.ts";
import { hasRedisServer, startRedisServer } from "../../support/redis-server.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";

describe.skipIf(!hasRedisServer)("AofWriter and stock Redis", () => {
  let folder: string;

  beforeEach(() => {
    folder = temporaryFolder();
  });

  afterEach(() => removeFolder(folder));

  async function writeSome(life: number, policy: FsyncPolicy): Promise<void> {
    const directory = await AofDirectory.open({
      files: realFiles,
      folder,
      appenddirname: "appendonlydir",
      appendfilename: "appendonly.aof",
      log: silentLog,
      removesHistory: true,
    });
    const incr = await directory.addIncr();
    const options = {
      directory,
      incr,
      clock: new SystemClock(),
      log: silentLog,
      onProgress: () => undefined,
    };
    const writer = new AofWriter({ ...options, policy });
    const { encoder } = writer;
    for (let i = 0; i < 300; i++) {
      encoder.select(i % 3);
      encoder.command(Request.of("RPUSH", `list${i % 5}`, `${life}:${i}`, "x".repeat(i * 10)));
      encoder.beginGroup();
      encoder.command(Request.of("INCR", "count"));
      if (i % 2 === 0)
        encoder.command(Request.of("SET", `binary${i}`, Buffer.from([0, 13, 10, 255, i & 255])));
      encoder.endGroup();
      if (i % 40 === 0) writer.kick();
      if (i === 150) await writer.cut();
      if (i % 70 === 0) await writer.waitForSync(writer.appended);
    }
    await writer.close();
  }

  it("gives the stock server the same data, and its checker nothing to complain about", async () => {
    await writeSome(1, "always");
    await writeSome(2, "everysec");
    const manifest = join(folder, "appendonlydir", "appendonly.aof.manifest");
    const report = execFileSync("redis-check-aof", [manifest], { encoding: "utf8" });
    expect(report).toContain("All AOF files and manifest are valid");
    expect(report.match(/INCR AOF .* is valid/g)).toHaveLength(4);

    const server = await startRedisServer(["--appendonly", "yes"], folder);
    try {
      const client = new Redis({ port: server.port, host: "127.0.0.1", db: 1 });
      expect(await client.get("count")).toBe("200");
      const list = await client.lrange("list1", 0, -1);
      expect(list.length).toBe(2 * 2 * 20);
      expect(list[0]).toBe("1:1");
      expect(await client.getBuffer("binary4")).toEqual(Buffer.from([0, 13, 10, 255, 4]));
      client.disconnect();
    } finally {
      await server.stop();
    }
  });
});

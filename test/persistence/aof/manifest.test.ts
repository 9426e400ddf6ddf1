/** The manifest: what is written is read back; what Redis refuses is refused; replacing it is atomic. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FileHandle, Files } from "../../../src/base/files.ts";
import { realFiles } from "../../../src/base/real-files.ts";
import {
  type AofManifest,
  formatManifest,
  ManifestError,
  parseManifest,
  persistManifest,
  readManifest,
} from "../../../src/persistence/aof/manifest.ts";
import { hasRedisServer, startRedisServer, withRedisServer } from "../../support/redis-server.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  removeFolder(folder);
});

const full: AofManifest = {
  base: { name: "appendonly.aof.2.base.rdb", sequence: 2 },
  history: [{ name: "appendonly.aof.1.base.rdb", sequence: 1 }],
  incr: [
    { name: "appendonly.aof.3.incr.aof", sequence: 3, end: 812 },
    { name: "appendonly.aof.4.incr.aof", sequence: 4 },
  ],
  tier: { folder: "cold", generation: 7 },
};

const fileName = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 20 }),
    fc.string({ unit: "binary", minLength: 1, maxLength: 20 }),
  )
  .map((name) => name.replaceAll(/[/\\\0]/g, "_"))
  .filter((name) => Buffer.from(name, "utf8").toString("utf8") === name);

function failure(text: string): ManifestError {
  try {
    parseManifest(Buffer.from(text, "latin1"));
  } catch (error) {
    if (error instanceof ManifestError) return error;
    throw error;
  }
  throw new Error("no error");
}

describe("text", () => {
  test("each kind of line", () => {
    const text = formatManifest(full).toString();
    expect(text).toBe(
      "file appendonly.aof.2.base.rdb seq 2 type b\n" +
        "file appendonly.aof.1.base.rdb seq 1 type h\n" +
        "file appendonly.aof.3.incr.aof seq 3 type i end 812\n" +
        "file appendonly.aof.4.incr.aof seq 4 type i\n" +
        "file cold seq 7 type t\n",
    );
    expect(parseManifest(Buffer.from(text))).toEqual(full);
  });

  test("every name comes back", () => {
    fc.assert(
      fc.property(fileName, fileName, fc.integer({ min: 1, max: 2 ** 50 }), (first, second, sequence) => {
        const manifest: AofManifest = {
          base: { name: first, sequence },
          incr: [{ name: second, sequence, end: sequence }],
          history: [],
        };
        const bytes = formatManifest(manifest);
        expect(bytes.every((byte) => byte === 0x0a || (byte >= 0x20 && byte < 0x7f))).toBe(true);
        expect(parseManifest(bytes)).toEqual(manifest);
      }),
    );
  });

  test("a name that would make a line unreadable is refused when writing", () => {
    const manifest = { base: { name: "x".repeat(1010), sequence: 1 }, incr: [], history: [] };
    expect(() => formatManifest(manifest)).toThrow(ManifestError);
  });

  test("an error names line and text", () => {
    const error = failure("# comment\nfile a seq 1 type b\n  file b seq 2 type b \t\r\n");
    expect(error.message).toBe("Found duplicate base file information");
    expect(error.line).toEqual({ number: 3, text: "file b seq 2 type b" });
    expect(failure("").line).toBeUndefined();
    expect(failure("file a seq 1 type b").message).toBe("The AOF manifest file contains too long line");
  });

  test.each([
    ["file a seq 1 type i end x\n", "Invalid AOF manifest file format"],
    ["file a seq 1 type i end -1\n", "Invalid AOF manifest file format"],
    ["file a seq -1 type t\n", "Invalid AOF manifest file format"],
    ["file a seq 1 type t\nfile b seq 2 type t\n", "Found duplicate cold tier information"],
    ["file a seq 1 type i\nfile a seq 2 type i\n", "Found the same file name twice"],
    ["file a seq 1 type b\nfile a seq 2 type i\n", "Found the same file name twice"],
    ["file ../a seq 1 type t\n", "File can't be a path, just a filename"],
  ])("our own additions are checked too: %j", (text, reason) => {
    expect(failure(text).message).toBe(reason);
  });
});

describe("file", () => {
  test("is there or not, and is replaced as a whole", async () => {
    const path = join(folder, "appendonly.aof.manifest");
    expect(await readManifest(realFiles, path)).toBeUndefined();
    await persistManifest(realFiles, folder, "appendonly.aof", full);
    expect(await readManifest(realFiles, path)).toEqual(full);
    expect(readdirSync(folder)).toEqual(["appendonly.aof.manifest"]);
    writeFileSync(path, "file a seq 1 type x\n");
    await expect(readManifest(realFiles, path)).rejects.toThrow("Unknown AOF file type");
  });

  test("data is synced before the name changes, the folder after", async () => {
    const calls: string[] = [];
    const path = (name: string) => name.slice(folder.length + 1);
    const files: Files = {
      ...realFiles,
      async open(name, mode) {
        const file = await realFiles.open(name, mode);
        const watched: FileHandle = {
          read: (target, position) => file.read(target, position),
          async write(data, position) {
            calls.push("write");
            return file.write(data, position);
          },
          writeSync: (data, position) => file.writeSync(data, position),
          async datasync() {
            calls.push("datasync");
            await file.datasync();
          },
          truncate: (length) => file.truncate(length),
          size: () => file.size(),
          close: () => file.close(),
        };
        calls.push(`open ${path(name)}`);
        return watched;
      },
      async rename(from, to) {
        calls.push(`rename ${path(from)} ${path(to)}`);
        await realFiles.rename(from, to);
      },
      async syncDirectory(name) {
        calls.push("sync folder");
        await realFiles.syncDirectory(name);
      },
    };
    await persistManifest(files, folder, "a", full);
    expect(calls).toEqual([
      "open temp-a.manifest",
      "write",
      "datasync",
      "rename temp-a.manifest a.manifest",
      "sync folder",
    ]);
  });
});

describe.skipIf(!hasRedisServer)("with the real Redis (skipped where it is not installed)", () => {
  test("it starts from a manifest of ours, and refuses one that names a cold tier", async () => {
    const aofFolder = join(folder, "appendonlydir");
    await realFiles.mkdir(aofFolder);
    writeFileSync(join(aofFolder, "it's an.aof.1.incr.aof"), "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n");
    const incr = [{ name: "it's an.aof.1.incr.aof", sequence: 1, end: 29 }];
    await persistManifest(realFiles, aofFolder, "it's an.aof", { incr, history: [] });
    const settings = ["--appendonly", "yes", "--appendfilename", "it's an.aof"];
    await withRedisServer(settings, folder, async (client) => {
      expect(await client.get("a")).toBe("1");
    });
    await persistManifest(realFiles, aofFolder, "it's an.aof", {
      incr,
      history: [],
      tier: { folder: "cold", generation: 1 },
    });
    await expect(startRedisServer(settings, folder)).rejects.toThrow("Unknown AOF file type");
  });

  test("reads what it writes", async () => {
    const settings = ["--appendonly", "yes", "--appendfilename", "näme x.aof"];
    const server = await startRedisServer(settings, folder);
    await server.stop();
    const manifest = parseManifest(readFileSync(join(folder, "appendonlydir", "näme x.aof.manifest")));
    expect(manifest).toEqual({
      base: { name: "näme x.aof.1.base.rdb", sequence: 1 },
      incr: [{ name: "näme x.aof.1.incr.aof", sequence: 1 }],
      history: [],
    });
  });
});

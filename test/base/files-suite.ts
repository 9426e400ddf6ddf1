/**
 * What every `Files` must do, the machine's own and the simulated one: the same calls, the same results. What
 * survives a power cut is not here: only the simulated disk can show it.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FileHandle, type Files, writeFully } from "../../src/base/files.ts";

export interface FilesUnderTest {
  readonly files: Files;
  /** An empty folder that exists. */
  readonly folder: string;
  /** Removes what the test made. */
  cleanUp(): Promise<void>;
}

export function filesSuite(name: string, make: () => Promise<FilesUnderTest>): void {
  describe(`${name} as Files`, () => {
    let subject: FilesUnderTest;
    let files: Files;
    const at = (path: string): string => `${subject.folder}/${path}`;

    async function put(path: string, text: string): Promise<void> {
      const file = await files.open(at(path), "create");
      await writeFully(file, Buffer.from(text), 0);
      await file.close();
    }

    async function textOf(path: string): Promise<string> {
      return (await files.readFile(at(path))).toString();
    }

    async function withFile<T>(
      path: string,
      mode: "read" | "update" | "create",
      use: (file: FileHandle) => Promise<T>,
    ) {
      const file = await files.open(at(path), mode);
      try {
        return await use(file);
      } finally {
        await file.close();
      }
    }

    beforeEach(async () => {
      subject = await make();
      files = subject.files;
    });

    afterEach(async () => {
      await subject.cleanUp();
    });

    it("reads back what was written, at any position, and zeros in between", async () => {
      await withFile("a", "create", async (file) => {
        expect(await file.write(Buffer.from("tail"), 1000)).toBe(4);
        expect(await file.write(Buffer.from("head"), 0)).toBe(4);
        expect(await file.size()).toBe(1004);
        const target = Buffer.alloc(1004, 1);
        expect(await file.read(target, 0)).toBe(1004);
        expect(target).toEqual(Buffer.concat([Buffer.from("head"), Buffer.alloc(996), Buffer.from("tail")]));
      });
    });

    it("reads fewer bytes only at the end of the file", async () => {
      await put("a", "0123456789");
      await withFile("a", "read", async (file) => {
        const target = Buffer.alloc(8);
        expect(await file.read(target, 7)).toBe(3);
        expect(target.toString("latin1")).toBe("789\0\0\0\0\0");
        expect(await file.read(target, 10)).toBe(0);
        expect(await file.read(target, 99)).toBe(0);
        expect(await file.read(Buffer.alloc(0), 0)).toBe(0);
      });
    });

    it("writes and reads several megabytes in one call", async () => {
      const data = Buffer.alloc(3_000_001, "abcdefg");
      await withFile("a", "create", async (file) => {
        await writeFully(file, data, 0);
        await file.datasync();
      });
      expect((await files.readFile(at("a"))).equals(data)).toBe(true);
    });

    it("accepts a write of nothing", async () => {
      await withFile("a", "create", async (file) => {
        expect(await file.write(Buffer.alloc(0), 500)).toBe(0);
        expect(await file.size()).toBe(0);
      });
    });

    it("empties an existing file on create, and keeps it on update", async () => {
      await put("a", "old text");
      await withFile("a", "update", async (file) => {
        await file.write(Buffer.from("new"), 0);
      });
      expect(await textOf("a")).toBe("new text");
      await withFile("a", "create", (file) => file.write(Buffer.from("x"), 0));
      expect(await textOf("a")).toBe("x");
    });

    it("refuses to read or update what is not there", async () => {
      await expect(files.open(at("a"), "read")).rejects.toMatchObject({ code: "ENOENT" });
      await expect(files.open(at("a"), "update")).rejects.toMatchObject({ code: "ENOENT" });
      await expect(files.open(at("none/a"), "create")).rejects.toMatchObject({ code: "ENOENT" });
      await expect(files.readFile(at("a"))).rejects.toMatchObject({ code: "ENOENT" });
    });

    it("refuses a folder where a file is needed, and a file where a folder is", async () => {
      await files.mkdir(at("folder"));
      await put("file", "x");
      await expect(files.open(at("folder"), "create")).rejects.toMatchObject({ code: "EISDIR" });
      await expect(files.open(at("folder"), "update")).rejects.toMatchObject({ code: "EISDIR" });
      await expect(files.readFile(at("folder"))).rejects.toMatchObject({ code: "EISDIR" });
      await expect(files.unlink(at("folder"))).rejects.toMatchObject({ code: "EISDIR" });
      await expect(files.open(at("file/a"), "create")).rejects.toMatchObject({ code: "ENOTDIR" });
      await expect(files.readdir(at("file"))).rejects.toMatchObject({ code: "ENOTDIR" });
      await expect(files.mkdir(at("file"))).rejects.toMatchObject({ code: "EEXIST" });
      await expect(files.mkdir(at("file/a"))).rejects.toMatchObject({ code: "ENOTDIR" });
    });

    it("refuses to write to a file opened for reading", async () => {
      await put("a", "text");
      await withFile("a", "read", async (file) => {
        await expect(file.write(Buffer.from("x"), 0)).rejects.toMatchObject({ code: "EBADF" });
      });
      expect(await textOf("a")).toBe("text");
    });

    it("truncates and extends with zeros", async () => {
      await put("a", "0123456789");
      await withFile("a", "update", async (file) => {
        await file.truncate(4);
        expect(await file.size()).toBe(4);
        await file.truncate(6);
        expect(await file.size()).toBe(6);
      });
      expect(await textOf("a")).toBe("0123\0\0");
    });

    it("tells files, folders and nothing apart", async () => {
      await put("a", "12345");
      await files.mkdir(at("folder"));
      expect(await files.stat(at("a"))).toEqual({ size: 5, isDirectory: false });
      expect((await files.stat(at("folder")))?.isDirectory).toBe(true);
      expect(await files.stat(at("none"))).toBeUndefined();
      expect(await files.stat(at("none/deeper"))).toBeUndefined();
      expect(await files.stat(at("a/below"))).toBeUndefined();
    });

    it("makes folders with their parents, as often as asked, and lists them", async () => {
      await files.mkdir(at("x/y/z"));
      await files.mkdir(at("x/y/z"));
      await put("x/y/file", "");
      expect((await files.readdir(at("x/y"))).sort()).toEqual(["file", "z"]);
      expect(await files.readdir(at("x/y/z"))).toEqual([]);
      await expect(files.readdir(at("none"))).rejects.toMatchObject({ code: "ENOENT" });
    });

    it("renames over an existing file, across folders, and whole folders", async () => {
      await put("a", "A");
      await put("b", "B");
      await files.rename(at("a"), at("b"));
      expect(await textOf("b")).toBe("A");
      expect(await files.stat(at("a"))).toBeUndefined();
      await files.mkdir(at("one"));
      await files.rename(at("b"), at("one/c"));
      await files.rename(at("one"), at("two"));
      expect(await textOf("two/c")).toBe("A");
      expect(await files.stat(at("one"))).toBeUndefined();
    });

    it("refuses renames that make no sense", async () => {
      await put("file", "x");
      await files.mkdir(at("full/inner"));
      await files.mkdir(at("empty"));
      await expect(files.rename(at("none"), at("other"))).rejects.toMatchObject({ code: "ENOENT" });
      await expect(files.rename(at("file"), at("none/other"))).rejects.toMatchObject({ code: "ENOENT" });
      await expect(files.rename(at("file"), at("empty"))).rejects.toMatchObject({ code: "EISDIR" });
      await expect(files.rename(at("empty"), at("file"))).rejects.toMatchObject({ code: "ENOTDIR" });
      await expect(files.rename(at("empty"), at("full"))).rejects.toMatchObject({ code: "ENOTEMPTY" });
      await expect(files.rename(at("full"), at("full/inner/x"))).rejects.toMatchObject({ code: "EINVAL" });
      await files.rename(at("file"), at("file"));
      expect(await textOf("file")).toBe("x");
    });

    it("removes files and trees, and does not mind when there is nothing", async () => {
      await put("a", "x");
      await files.unlink(at("a"));
      await files.unlink(at("a"));
      await files.unlink(at("none/a"));
      expect(await files.stat(at("a"))).toBeUndefined();
      await files.mkdir(at("t/u/v"));
      await put("t/u/file", "x");
      await files.removeTree(at("t"));
      await files.removeTree(at("t"));
      expect(await files.readdir(subject.folder)).toEqual([]);
    });

    it("keeps an unlinked file for those who have it open", async () => {
      await put("a", "still here");
      await withFile("a", "update", async (file) => {
        await files.unlink(at("a"));
        const target = Buffer.alloc(10);
        expect(await file.read(target, 0)).toBe(10);
        expect(target.toString()).toBe("still here");
        expect(await file.write(Buffer.from("S"), 0)).toBe(1);
      });
      expect(await files.stat(at("a"))).toBeUndefined();
    });

    it("syncs files and folders, and refuses to sync a folder that is not there", async () => {
      await put("a", "x");
      await withFile("a", "update", (file) => file.datasync());
      await files.syncDirectory(subject.folder);
      await expect(files.syncDirectory(at("none"))).rejects.toMatchObject({ code: "ENOENT" });
    });

    it("lets calls under way end before it closes, and refuses those after", async () => {
      const file = await files.open(at("a"), "create");
      const writes = Array.from({ length: 20 }, (_, index) =>
        file.write(Buffer.alloc(1000, index), index * 1000),
      );
      const closed = file.close();
      await expect(file.write(Buffer.from("late"), 0)).rejects.toMatchObject({ code: "EBADF" });
      await expect(file.datasync()).rejects.toMatchObject({ code: "EBADF" });
      await expect(file.size()).rejects.toMatchObject({ code: "EBADF" });
      await expect(file.close()).rejects.toMatchObject({ code: "EBADF" });
      await closed;
      expect(await Promise.all(writes)).toEqual(Array.from({ length: 20 }, () => 1000));
      const data = await files.readFile(at("a"));
      expect(data.length).toBe(20_000);
      for (let index = 0; index < 20; index++) expect(data[index * 1000 + 999]).toBe(index);
    });
  });
}

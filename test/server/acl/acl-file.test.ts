/**
 * The file of users: what is read from it, what is wrong with it, and that it is replaced in one step.
 */
import { describe, expect, test } from "vitest";
import type { Files } from "../../../src/base/files.ts";
import { parseUsers, writeUsers } from "../../../src/server/acl/acl-file.ts";
import { SimulatedDisk } from "../../support/simulated-files.ts";
import { createRules } from "./support.ts";

const AFTERWORD = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";
const parse = (text: string) => parseUsers(text, "f.acl", createRules());

describe("reading", () => {
  test("takes a user of each line", () => {
    const users = parse("\n  user a on >x ~k* +get (~l +set) ( +del  ~m )\r\nuser b\n\n");
    if (typeof users === "string") throw new Error(users);
    expect([...users.keys()]).toEqual(["a", "b"]);
    expect(users.get("a")).toMatchObject({ isEnabled: true });
    expect(users.get("a")!.selectors).toHaveLength(2);
    expect(users.get("b")!.isEnabled).toBe(false);
  });

  test.each([
    ["users a on", "f.acl:1 should start with user keyword followed by the username. "],
    ["\nuser", "f.acl:2 should start with user keyword followed by the username. "],
    ["user a\tb", "'f.acl:1: username 'a\tb' contains invalid characters. "],
    ["user a\nuser a", "WARNING: Duplicate user 'a' found on line 2. "],
    ["user a (on", "f.acl:1: Unmatched parenthesis in selector definition."],
    [
      "user a #secret >y nonsense",
      "f.acl:1: The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters. ",
    ],
    [
      "user a +nothing -@nobody",
      "f.acl:1: Error in applying operation '+nothing': Unknown command or category name in ACL. " +
        "f.acl:1: Error in applying operation '-@nobody': Unknown command or category name in ACL. ",
    ],
  ])("%j", (text, errors) => {
    expect(parse(text)).toBe(errors + AFTERWORD);
  });
});

describe("writing", () => {
  test("replaces the file, durably", async () => {
    const disk = new SimulatedDisk();
    await disk.mkdir("/data");
    await writeUsers(disk, "/data/users.acl", ["user a on", "user \u00ff off"]);
    await writeUsers(disk, "/data/users.acl", ["user b on"]);
    expect((await disk.readFile("/data/users.acl")).toString("latin1")).toBe("user b on\n");
    expect(await disk.readdir("/data")).toEqual(["users.acl"]);
  });

  test("leaves the old file, and no other, if it fails", async () => {
    const disk = new SimulatedDisk();
    await disk.mkdir("/data");
    await writeUsers(disk, "/data/users.acl", ["user a on"]);
    const failing: Files = {
      open: (path, mode) => disk.open(path, mode),
      readFile: (path) => disk.readFile(path),
      stat: (path) => disk.stat(path),
      readdir: (path) => disk.readdir(path),
      mkdir: (path) => disk.mkdir(path),
      rename: () => Promise.reject(new Error("no")),
      unlink: (path) => disk.unlink(path),
      removeTree: (path) => disk.removeTree(path),
      syncDirectory: (path) => disk.syncDirectory(path),
    };
    await expect(writeUsers(failing, "/data/users.acl", ["user b on"])).rejects.toThrow("no");
    expect((await disk.readFile("/data/users.acl")).toString("latin1")).toBe("user a on\n");
    expect(await disk.readdir("/data")).toEqual(["users.acl"]);
  });
});

/** The machine's own file system through `Files`; the shared suite, and what only real files can show. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { realFiles } from "../../src/base/real-files.ts";
import { removeFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { filesSuite } from "./files-suite.ts";

filesSuite("realFiles", async () => {
  const folder = temporaryFolder();
  return { files: realFiles, folder, cleanUp: async () => removeFolder(folder) };
});

it("reads and writes past 4 GiB in a sparse file", async () => {
  const folder = temporaryFolder();
  try {
    const file = await realFiles.open(join(folder, "sparse"), "create");
    const position = 5 * 2 ** 30 + 3;
    expect(await file.write(Buffer.from("far out"), position)).toBe(7);
    expect(await file.size()).toBe(position + 7);
    const target = Buffer.alloc(9);
    expect(await file.read(target, position - 1)).toBe(8);
    expect(target.toString("latin1")).toBe("\0far out\0");
    await file.close();
  } finally {
    removeFolder(folder);
  }
});

it("reports a full device as ENOSPC", async () => {
  // Linux's device for this purpose: every write to it finds the disk full.
  const file = await realFiles.open("/dev/full", "update");
  await expect(file.write(Buffer.from("x"), 0)).rejects.toMatchObject({ code: "ENOSPC" });
  await file.close();
});

it("writes more than 2 GiB in one call, also when it is asked to close meanwhile", async () => {
  // /dev/null takes the bytes without looking: neither the buffer's pages nor a disk's are ever touched. The system
  // is called three times for it, so that a close which did not wait would come in between.
  const file = await realFiles.open("/dev/null", "update");
  const length = 2.5 * 2 ** 30;
  const writing = file.write(Buffer.alloc(length), 0);
  const closing = file.close();
  expect(await writing).toBe(length);
  await closing;
});

/**
 * Small disks in memory (tmpfs), for tests that fill one. Tests that need one use `test.skipIf(!canMountDisk)`, and
 * what is left out is said on stderr.
 */
import { spawnSync } from "node:child_process";
import { removeFolder, temporaryFolder } from "./temporary-folder.ts";

/** Whether this user may mount disks here. */
export const canMountDisk: boolean = tryMount();

/** Puts an empty disk at `path`, a folder. */
export function mountDisk(path: string, sizeMegabytes: number): void {
  const { status, stderr } = mount(path, sizeMegabytes);
  if (status !== 0) throw new Error(`mounting a disk at ${path} failed: ${stderr}`);
}

/** Takes the disk away, with all that is on it; whoever still has files open keeps them. */
export function unmountDisk(path: string): void {
  spawnSync("umount", ["--lazy", path]);
}

function mount(path: string, sizeMegabytes: number): { status: number | null; stderr: string } {
  return spawnSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMegabytes}m`, "tmpfs", path], {
    encoding: "utf8",
  });
}

function tryMount(): boolean {
  const path = temporaryFolder();
  const isMounted = mount(path, 1).status === 0;
  if (isMounted) unmountDisk(path);
  else process.stderr.write("no tmpfs can be mounted: the tests of a full disk are left out\n");
  removeFolder(path);
  return isMounted;
}

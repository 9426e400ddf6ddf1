/**
 * How much memory this process may use: the machine's, or less where a control group (container, service unit)
 * limits it. Going past a control group's limit gets the process killed, so the smaller one is the real size.
 *
 * Limits hold for a group and all groups below it, so every group from the process's own up to the root is asked.
 * In a container the path in /proc/self/cgroup may be the host's and not exist under the container's /sys/fs/cgroup;
 * the walk then still ends at the mount's root, which is the container's own group.
 *
 *     v2   /proc/self/cgroup has "0::/path"         /sys/fs/cgroup/path/memory.max                     number or
 * "max"
 *     v1   /proc/self/cgroup has "4:memory:/path"   /sys/fs/cgroup/memory/path/memory.limit_in_bytes   number
 */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { posix } from "node:path";

/** Where the facts come from; replaced in tests. */
export interface MemorySource {
  /** Text of a file, undefined if it cannot be read. */
  readText(path: string): string | undefined;
  /** The machine's memory in bytes. */
  readonly totalBytes: number;
}

/** Bytes this process may use: the smaller of the machine's memory and every control group limit that applies. */
export function machineMemoryBytes(source: MemorySource = systemSource()): number {
  let smallest = source.totalBytes;
  for (const line of (source.readText("/proc/self/cgroup") ?? "").split("\n")) {
    const [id, controllers, ...rest] = line.split(":");
    const groupPath = rest.join(":");
    if (controllers === undefined || groupPath === "") continue;
    if (id === "0" && controllers === "") {
      smallest = Math.min(smallest, limitAlong(source, "/sys/fs/cgroup", groupPath, "memory.max"));
    } else if (controllers.split(",").includes("memory")) {
      const mount = "/sys/fs/cgroup/memory";
      smallest = Math.min(smallest, limitAlong(source, mount, groupPath, "memory.limit_in_bytes"));
    }
  }
  return smallest;
}

/** Resident memory of this process that no file backs, in bytes: what the system cannot drop. 0 if it does not tell. */
export function anonymousBytes(source: MemorySource = systemSource()): number {
  const status = source.readText("/proc/self/status") ?? "";
  return Number(/^RssAnon:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

/** The smallest limit of the group and its ancestors; Infinity where none is set. */
function limitAlong(source: MemorySource, mount: string, groupPath: string, fileName: string): number {
  let smallest = Number.POSITIVE_INFINITY;
  // Normalised from the root, so a path such as "/../x" (seen across namespaces) cannot leave the mount.
  let group = posix.normalize(`/${groupPath}`);
  for (;;) {
    const text = source.readText(posix.join(mount, group, fileName))?.trim();
    // "max" (v2) is not a number; v1 says a number near 2^63, which is larger than any machine.
    if (text !== undefined && /^\d+$/.test(text)) smallest = Math.min(smallest, Number(text));
    if (group === "/") return smallest;
    group = posix.dirname(group);
  }
}

function systemSource(): MemorySource {
  return {
    totalBytes: totalmem(),
    readText(path) {
      try {
        return readFileSync(path, "latin1");
      } catch {
        return undefined;
      }
    },
  };
}

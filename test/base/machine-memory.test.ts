/**
 * The memory limit, read from folders made to look like /proc and /sys/fs/cgroup.
 */
import { totalmem } from "node:os";
import { describe, expect, it } from "vitest";
import { anonymousBytes, type MemorySource, machineMemoryBytes } from "../../src/base/machine-memory.ts";

function source(totalBytes: number, files: Record<string, string>): MemorySource {
  return { totalBytes, readText: (path) => files[path] };
}

describe("machineMemoryBytes", () => {
  it("is the machine's memory without control groups", () => {
    expect(machineMemoryBytes(source(1000, {}))).toBe(1000);
  });

  it("reads the limit of a version 2 group", () => {
    const files = { "/proc/self/cgroup": "0::/app\n", "/sys/fs/cgroup/app/memory.max": "400\n" };
    expect(machineMemoryBytes(source(1000, files))).toBe(400);
  });

  it("takes max for no limit, and the smallest of the groups above", () => {
    const files = {
      "/proc/self/cgroup": "0::/a/b/c\n",
      "/sys/fs/cgroup/a/b/c/memory.max": "max\n",
      "/sys/fs/cgroup/a/b/memory.max": "700\n",
      "/sys/fs/cgroup/a/memory.max": "600\n",
    };
    expect(machineMemoryBytes(source(1000, files))).toBe(600);
    expect(machineMemoryBytes(source(500, files))).toBe(500);
  });

  it("finds the container's own limit when its group's path is the host's", () => {
    const files = { "/proc/self/cgroup": "0::/../../x\n", "/sys/fs/cgroup/memory.max": "300\n" };
    expect(machineMemoryBytes(source(1000, files))).toBe(300);
  });

  it("reads version 1, whose no limit is a number beyond any machine", () => {
    const path = "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes";
    const group = "12:cpu,cpuacct:/docker\n4:memory:/docker\n";
    const limited = { "/proc/self/cgroup": group, [path]: "250\n" };
    const open = { "/proc/self/cgroup": group, [path]: "9223372036854771712\n" };
    expect(machineMemoryBytes(source(1000, limited))).toBe(250);
    expect(machineMemoryBytes(source(1000, open))).toBe(1000);
  });

  it("takes the smaller one where both versions are mounted, and ignores files that make no sense", () => {
    const files = {
      "/proc/self/cgroup": "4:memory:/one\n0::/two\ngarbage\n::\n",
      "/sys/fs/cgroup/memory/one/memory.limit_in_bytes": "800",
      "/sys/fs/cgroup/two/memory.max": "-5",
      "/sys/fs/cgroup/memory.max": "900",
    };
    expect(machineMemoryBytes(source(1000, files))).toBe(800);
  });

  it("is positive and at most the machine's memory here", () => {
    expect(machineMemoryBytes()).toBeGreaterThan(0);
    expect(machineMemoryBytes()).toBeLessThanOrEqual(totalmem());
  });
});

describe("anonymousBytes", () => {
  it("counts only memory that no file backs", () => {
    const status = "VmRSS:\t  9000 kB\nRssAnon:\t    2048 kB\nRssFile:\t 100 kB\n";
    expect(anonymousBytes(source(1000, { "/proc/self/status": status }))).toBe(2048 * 1024);
    expect(anonymousBytes(source(1000, { "/proc/self/status": "VmRSS:\t  9000 kB\n" }))).toBe(0);
    expect(anonymousBytes(source(1000, {}))).toBe(0);
  });

  it("reads the system's files", () => {
    expect(anonymousBytes()).toBeGreaterThan(1024 * 1024);
  });
});

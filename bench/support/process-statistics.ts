/**
 * What Linux says about a running process: processor time and memory, read from /proc.
 */
import { readFileSync } from "node:fs";

/** Unit of the times in /proc/<pid>/stat: USER_HZ, which is 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Places of utime and stime in what follows the process's name in /proc/<pid>/stat (man 5 proc). */
const USER_TIME_FIELD = 11;
const SYSTEM_TIME_FIELD = 12;
const BYTES_PER_KILOBYTE = 1024;

export interface MemoryUse {
  /** Pages in memory: the process's own and those of files that it has mapped. */
  readonly residentBytes: number;
  /** The part that belongs to mapped files, which the system takes back when it needs memory. */
  readonly fileBytes: number;
  /** The most that `residentBytes` has ever been. */
  readonly peakBytes: number;
}

/** Processor time of all threads of a process, user and system, in seconds (10 ms resolution). */
export function processorSeconds(pid: number): number {
  const line = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name stands in brackets and may hold anything, brackets included.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[USER_TIME_FIELD]) + Number(fields[SYSTEM_TIME_FIELD])) / TICKS_PER_SECOND;
}

export function memoryUse(pid: number): MemoryUse {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return {
    residentBytes: kilobytes(status, "VmRSS"),
    fileBytes: kilobytes(status, "RssFile"),
    peakBytes: kilobytes(status, "VmHWM"),
  };
}

function kilobytes(status: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status);
  if (match === null) throw new Error(`/proc/<pid>/status has no ${name}`);
  return Number(match[1]) * BYTES_PER_KILOBYTE;
}

/**
 * Keeps the process within the memory of its container, or machine, where that is so small that `maxmemory` and what
 * the process takes besides do not fit into it together: whoever goes past the limit of a control group is killed.
 * Nothing says in advance how much that is, since the tier's threads, copies on their way to files and clients, and
 * garbage come and go with the load. So it is measured ten times a second, and the data gets what is left
 * (MemoryBudget.fitInto).
 *
 * Only memory that cannot be reclaimed counts: pages of files are dropped when the group is full. Some room is theirs
 * nevertheless, because code is read from files, too.
 */
import { anonymousBytes } from "../base/machine-memory.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/** What is left to the system, pages of files and growth between two measurements: a share of the memory, and at least
 * so much; but not more than the second share. */
const RESERVED_SHARE = 1 / 8;
const RESERVED_BYTES = 96 * 1024 * 1024;
const MOST_RESERVED_SHARE = 3 / 8;
const EVERY_MS = 100;

/** @param systemBytes memory of the machine, or of the container
 * @returns bytes that the process may take in all */
export function roomOfProcess(systemBytes: number): number {
  const least = Math.min(RESERVED_BYTES, systemBytes * MOST_RESERVED_SHARE);
  return systemBytes - Math.max(least, systemBytes * RESERVED_SHARE);
}

/** The server, as far as it has to fit. */
export interface RoomUser {
  readonly budget: MemoryBudget;
  scheduleTurnEnd(): void;
}

export class ProcessRoom {
  private readonly roomBytes: number;
  private readonly measure: () => number;
  private measuredBytes = 0;

  /**
   * @param systemBytes memory of the machine, or of the container
   * @param measure bytes that the process takes and that no file backs
   */
  constructor(systemBytes: number, measure: () => number = anonymousBytes) {
    this.roomBytes = roomOfProcess(systemBytes);
    this.measure = measure;
  }

  /** How much more the process may take, as of the last look; negative if it takes too much. */
  get spareBytes(): number {
    return this.roomBytes - this.measuredBytes;
  }

  /** Looks ten times a second. */
  start(server: RoomUser): void {
    setInterval(() => this.tick(server), EVERY_MS).unref();
  }

  /** One look; tests call it themselves. */
  tick(server: RoomUser): void {
    const { budget } = server;
    const before = budget.limitBytes;
    this.measuredBytes = this.measure();
    budget.fitInto(this.roomBytes, this.measuredBytes);
    // Whoever waits for memory has something else to wait for.
    if (budget.limitBytes !== before) server.scheduleTurnEnd();
  }
}

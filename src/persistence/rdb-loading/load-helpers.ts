/**
 * Threads that load parts of a large RDB file, each into a keyspace of its own, which is taken over when the main
 * reading comes to where the part begins. What they cannot do, the main reading does: it meets every error itself.
 */
import { adopt } from "../../keyspace/handover.ts";
import type { Keyspace } from "../../keyspace/keyspace.ts";
import { newSharedNumber } from "../../memory/shared-number.ts";
import type { RdbPlace, RdbReader } from "../rdb/reader.ts";
import type { EntryLoader } from "./entry-loader.ts";
import {
  type LoadedPart,
  type PartLimit,
  type PartReport,
  type PartTask,
  POSITION_UNIT_BYTES,
} from "./part.ts";

/** Behind every file. */
export const NOWHERE: number = Number.POSITIVE_INFINITY;

/** Threads that can be had. */
export interface PartThreads {
  readonly count: number;
  /** Smaller files are loaded without them. */
  readonly fromBytes: number;
  readonly start: (task: PartTask) => PartThread;
}

/** Who may load parts of a file. */
export interface LoadHelp {
  readonly threads: PartThreads;
  readonly path: string;
  /** Memory that each may take. */
  readonly maxBytes: number;
  /** Told of each part that was taken over. */
  readonly onTakenOver?: (keys: number) => void;
}

/** This end of what both talk through: a thread. */
export interface PartThread {
  postMessage(limit: PartLimit): void;
  on(event: "message", listener: (report: PartReport) => void): unknown;
  on(event: "error" | "exit", listener: () => void): unknown;
  terminate(): unknown;
}

export interface HelpOptions {
  readonly start?: number;
  readonly verifyChecksum?: boolean;
  readonly skipExpired?: boolean;
  readonly reservedKeys?: number;
}

export class LoadHelpers {
  private parts: HelpedPart[] = [];
  private readonly position = newSharedNumber();
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace, help: LoadHelp, options: HelpOptions) {
    this.keyspace = keyspace;
    const { maxBytes, path, threads } = help;
    const { start = 0, reservedKeys = 0, skipExpired = false, verifyChecksum = true } = options;
    const task = {
      path,
      start,
      reservedKeys,
      skipExpired,
      verifyChecksum,
      position: this.position,
      threads: threads.count,
      maxBytes,
      keyspace: {
        databases: keyspace.databases.length,
        hashSeed: keyspace.hashSeed,
        numbers: keyspace.shareNumbers(),
        limits: keyspace.memory.limits,
        isLfu: keyspace.accessClock.lfu,
        newEntryFlag: keyspace.snapshots.newEntryFlag,
      },
    };
    for (let number = 1; number <= threads.count; number++) {
      const thread = threads.start({ ...task, number });
      this.parts.push(new HelpedPart(thread, keyspace, help, () => this.setLimits()));
    }
  }

  /** Bytes of the file that were loaded aside, and are not yet taken over. */
  get loadedBytes(): number {
    return this.parts.reduce((sum, { loadedBytes }) => sum + loadedBytes, 0);
  }

  /** The part that begins next, when the main reading has come to `position`. */
  nextAfter(position: number): HelpedPart | undefined {
    Atomics.store(this.position, 0, Math.floor(position / POSITION_UNIT_BYTES));
    for (const part of this.parts) if (part.beginOffset < position) part.giveUp();
    this.parts = this.parts.filter(({ isOver }) => !isOver);
    let next: HelpedPart | undefined;
    for (const part of this.parts) if (part.beginOffset < (next?.beginOffset ?? NOWHERE)) next = part;
    return next;
  }

  close(): void {
    for (const part of this.parts) part.giveUp();
    this.parts = [];
    this.keyspace.unshareNumbers();
  }

  /** Each part ends where another begins. */
  private setLimits(): void {
    for (const part of this.parts) for (const { beginOffset } of this.parts) part.endBefore(beginOffset);
  }
}

export class HelpedPart {
  /** Bytes of the file that are loaded. */
  loadedBytes = 0;
  /** Nothing is to be expected of it (any more). */
  isOver = false;
  private begin: RdbPlace | undefined;
  private loaded: LoadedPart | undefined;
  private limit = NOWHERE;
  private wake: () => void = () => {};
  private readonly thread: PartThread;
  private readonly keyspace: Keyspace;
  private readonly help: LoadHelp;

  /** @param onBegin called when it is known where the part begins */
  constructor(thread: PartThread, keyspace: Keyspace, help: LoadHelp, onBegin: () => void) {
    this.thread = thread;
    this.keyspace = keyspace;
    this.help = help;
    thread.on("message", (report) => {
      this.take(report);
      if (report.kind === "begins") onBegin();
    });
    for (const event of ["error", "exit"] as const) {
      thread.on(event, () => {
        if (this.loaded === undefined) this.giveUp();
      });
    }
  }

  /** Where it begins; NOWHERE while that is not known. */
  get beginOffset(): number {
    return this.begin?.offset ?? NOWHERE;
  }

  /** It is to end at `offset`, if that is behind where it begins. */
  endBefore(offset: number): void {
    if (offset <= this.beginOffset || offset >= this.limit) return;
    this.limit = offset;
    this.thread.postMessage({ limit: offset });
  }

  /** Waits for the part, and takes it over if all is as it should be; `reader` is where it begins. */
  async finish(
    reader: RdbReader,
    loader: EntryLoader,
    progress: () => Promise<void> | undefined,
  ): Promise<void> {
    while (this.loaded === undefined && !this.isOver) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      await progress();
    }
    const { begin, loaded } = this;
    this.giveUp();
    if (loaded === undefined || begin?.db !== reader.place.db) return;
    if (!(await adopt(this.keyspace, loaded.keyspace))) return;
    loader.keys += loaded.keys;
    loader.expired += loaded.expired;
    reader.goOnAt(loaded.end);
    this.help.onTakenOver?.(loaded.keys);
  }

  giveUp(): void {
    this.isOver = true;
    this.loadedBytes = 0;
    void this.thread.terminate();
    this.wake();
  }

  private take(report: PartReport): void {
    if (report.kind === "begins") this.begin = report.begin;
    else if (report.kind === "reached") this.loadedBytes = report.offset - this.beginOffset;
    else if (report.kind === "loaded") this.loaded = report.part;
    else this.giveUp();
    this.wake();
  }
}

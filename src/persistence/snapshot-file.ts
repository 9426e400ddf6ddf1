/**
 * The file of a snapshot in the making: what a rewrite's base and a dump have in common, whether they are RDB or
 * commands. Owns the writer; walks in slices of time while commands go on, writes while it walks, and keeps to the
 * limits of time and bytes.
 *
 * The share of time: a slice may take half as long as the loop took for everything else since the last one, at least
 * 0.15 ms and at most 1 ms. So a loop that has much to do gives a third of its time at most, and an idle one all. Where
 * nobody waits for the file a slice takes a fifth of that time, and the walk rests in between, so that the loop can
 * sleep: a thread that is always awake is the one from which the system takes the processor for the others.
 *
 * A large value is appended in parts, with commands in between. What is captured meanwhile is gathered aside, and
 * follows the value: small values as they are, and the beginnings of others of which there is an image.
 */
import type { Clock } from "../base/clock.ts";
import { type FileHandle, writeFully } from "../base/files.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { SnapshotOutput } from "../keyspace/snapshot.ts";
import type { FrozenValue } from "../memory/frozen-value.ts";
import type { ValueImage } from "../types/data-type.ts";
import { type ByteSink, type GatheredBytes, NO_SINK } from "./gathered-bytes.ts";

/** A loop whose turn takes less has nothing to do; then a slice takes so long. */
const IDLE_TURN_MS = 0.05;
const IDLE_SLICE_MS = 0.5;
const LEAST_SLICE_MS = 0.15;
const SHARE = 0.5;
const BACKGROUND_SHARE = 0.2;
/** What took longer was held up: so much of it counts. */
const MOST_ELSEWHERE_MS = 2;
const REST_MS = 1;
/** What the last turn counts for whether the loop is idle: one without requests may come between two with many. */
const LAST_TURN_WEIGHT = 0.1;
/** Most entries visited in one step; fewer where they are large. */
const ENTRIES_PER_STEP = 64;
/** A step that took longer was too large. */
const SLOW_STEP_MS = 0.5;
/** Gathered output that is written out before the walk goes on. */
const DRAIN_BYTES = 256 * 1024;
/** Beyond that the limit of bytes per second does not hold: what is captured must not fill the memory. Nor does it
 * while a client waits for a value to be written. */
const UNLIMITED_BYTES = 32 * 1024 * 1024;
/** So much is in memory only because a value is not written yet that it is written as if somebody waited for it. */
const MUCH_ASIDE_BYTES = 4 * 1024 * 1024;
/** How often a cut looks whether a script is still suspended: somebody may be debugging it. */
export const MIDWAY_MS = 1;
/** Longest that a file which may not write yet sleeps at a time. */
const SLEEP_MS = 50;

/** Of a file that is synced while it is written, as in Redis: the disk must not get all of it at once. */
export const SYNC_EVERY_BYTES: number = 4 * 1024 * 1024;
/** What the file needs of the world around. */
export interface SnapshotFileParts {
  readonly clock: Clock;
  readonly keyspace: Keyspace;
  /** A script is suspended: what it has done so far belongs to what it will do, and no cut may come in between. */
  readonly isMidway: () => boolean;
  /** A turn of the event loop, so that commands run between slices. */
  readonly nextTurn: () => Promise<void>;
  /** Resolves after so many milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

export interface SnapshotFileOptions {
  /** What was written is synced whenever so much of it is not; 0: only at the end. */
  readonly syncEveryBytes: number;
  /** Bytes that may be written in a second; 0: no limit. Asked again and again. */
  readonly maxBytesPerSecond: () => number;
  /** Nobody waits for the file: commands go before it. */
  readonly isBackground: boolean;
  /** Told how much of the file is written, and whether the event loop has other things to do as well. */
  readonly onWritten?: (bytes: number, isBusy: boolean) => void;
}

/** A value of which there is an image that is not all appended. */
interface OwedValue<Writer> {
  /** The rest of it, which goes to `target`: the file, or what is aside behind the value before. */
  readonly parts: Iterator<void, void>;
  readonly target: Writer;
  /** Root of the value; 0 of a string. */
  readonly root: number;
  /** All of it must be frozen before a part is appended; undefined of a string, of which all is. */
  readonly image: ValueImage | undefined;
  /** What follows it. */
  behind: Writer | undefined;
}

/** What a walk does next: a step of it is done, or it waits for something. */
export type WalkStep = Promise<void> | undefined;

export class SnapshotFile<Writer extends GatheredBytes> implements SnapshotOutput {
  readonly writer: Writer;
  protected readonly parts: SnapshotFileParts;
  private readonly options: SnapshotFileOptions;
  private readonly file: FileHandle;
  private readonly newAside: () => Writer;
  /** In the order of the file. */
  private owed: OwedValue<Writer>[] = [];
  /** The one whose image is not all frozen. */
  private beginning: OwedValue<Writer> | undefined;
  /** Those that have one. */
  private readonly roots = new Set<number>();
  private writing: Promise<void> | undefined;
  private syncing: Promise<void> | undefined;
  private position = 0;
  private synced = 0;
  /** When the next bytes may be written. */
  private writableAtMs = 0;
  private sliceMs = LEAST_SLICE_MS;
  private isBusy = true;
  /** How long turns of the loop took lately. */
  private turnMs = 1;
  private stepEntries = ENTRIES_PER_STEP;

  /** @param newWriter makes the writer of the file, and that of what is gathered aside */
  constructor(
    parts: SnapshotFileParts,
    file: FileHandle,
    options: SnapshotFileOptions,
    newWriter: (sink: ByteSink, isAside: boolean) => Writer,
  ) {
    this.parts = parts;
    this.file = file;
    this.options = options;
    this.writer = newWriter((chunk) => this.write(chunk), false);
    this.newAside = () => newWriter(NO_SINK, true);
  }

  /** Where the next entry belongs, with its attributes; its database is selected. */
  targetOf(databaseIndex: number): Writer {
    const last = this.owed.at(-1);
    const target = last === undefined ? this.writer : (last.behind ??= this.newAside());
    target.selectDb(databaseIndex);
    return target;
  }

  /** See SnapshotOutput. */
  get owes(): boolean {
    const first = this.owed.at(0);
    return first !== undefined && first !== this.beginning;
  }

  /** See SnapshotOutput. */
  owesValue(root: number): boolean {
    return this.roots.has(root);
  }

  /** Appends all that is owed, before something follows that need not be aside. */
  *owedSteps(): Generator<undefined, void> {
    while (this.owes) {
      this.more(false);
      yield;
    }
  }

  /** Freezes some of the image that is not all frozen, or with `isAll` the rest; false when that is done. If there is
   * none, appends a part of the oldest that is owed; true if there is still more of it. */
  more(isAll: boolean): boolean {
    const { owed, writer } = this;
    if (owed.length === 0) return false;
    // Perhaps behind others that are owed.
    if (this.beginning !== undefined) {
      if (!freeze(this.beginning.image!, isAll)) return true;
      this.beginning = undefined;
      return false;
    }
    const { behind, parts, root, target } = owed[0];
    const isDone = parts.next().done === true;
    if (target !== writer) writer.appendFrom(target);
    if (!isDone) return true;
    owed.shift();
    this.roots.delete(root);
    if (behind !== undefined) writer.appendFrom(behind);
    return false;
  }

  /** Has the parts of a string's image appended later to what `targetOf` gave. */
  protected oweString(target: Writer, parts: Iterator<void, void>): void {
    this.owed.push({ parts, target, root: 0, image: undefined, behind: undefined });
  }

  /**
   * Has the parts of an image appended later to what `targetOf` gave; `root` is that of the value. With `mayBePartial`,
   * and if freezing takes more than one step, only the first of them is done: then true, and `more` does the rest.
   */
  protected owe(
    target: Writer,
    image: ValueImage,
    parts: Iterator<void, void>,
    root: number,
    mayBePartial: boolean,
  ): boolean {
    const isFrozen = freeze(image, !mayBePartial);
    const value = { parts, target, root, image, behind: undefined };
    this.owed.push(value);
    this.roots.add(root);
    if (!isFrozen) this.beginning = value;
    return !isFrozen;
  }

  /** The steps of the hot walk up to the end of the snapshot, or up to where `isEnough` says; each of `limit` entries
   * at most. */
  *hotSteps(isEnough: () => boolean = () => false, limit = ENTRIES_PER_STEP): Generator<WalkStep, void> {
    const { clock, keyspace } = this.parts;
    while (keyspace.snapshots.active && !isEnough()) {
      const begun = clock.monotonicMs();
      keyspace.snapshots.step(Math.min(limit, this.stepEntries));
      // A collection may be as large as thousands of strings.
      const isSlow = clock.monotonicMs() - begun > SLOW_STEP_MS;
      this.stepEntries = isSlow
        ? Math.max(1, this.stepEntries >> 1)
        : Math.min(ENTRIES_PER_STEP, this.stepEntries * 2);
      yield;
    }
  }

  /** Does the steps with turns of the event loop in between, and writes out what they append. */
  async inSlices(steps: Iterator<WalkStep, void>): Promise<void> {
    const { clock, nextTurn, sleep } = this.parts;
    const { writer } = this;
    for (let isDone = false; !isDone; ) {
      const begun = clock.monotonicMs();
      let waiting: WalkStep;
      do {
        const step = steps.next();
        isDone = step.done === true;
        waiting = step.value ?? undefined;
        // Here, where it counts as time of the slice, and not for all of what is written at once.
        writer.sum();
      } while (
        !isDone &&
        waiting === undefined &&
        writer.pendingBytes < DRAIN_BYTES &&
        clock.monotonicMs() - begun < this.sliceMs
      );
      if (waiting !== undefined) await waiting;
      if (writer.pendingBytes >= DRAIN_BYTES) await this.writeOut();
      const left = clock.monotonicMs();
      if (this.mayRest && this.isBusy) await sleep(REST_MS);
      const turned = clock.monotonicMs();
      await nextTurn();
      this.measure(clock.monotonicMs() - turned, clock.monotonicMs() - left);
    }
  }

  /** Writes the end of the file; resolves to its size when all of it is durable. */
  async finish(): Promise<number> {
    await this.written();
    this.writer.appendEnd();
    await this.writer.drain();
    await this.syncing;
    await this.file.datasync();
    return this.writer.totalBytes;
  }

  /** Ends the snapshot without a file: the walk must still be finished, see Snapshots.abandon. Resolves when nothing is
   * being written any more. */
  async abandon(): Promise<void> {
    const { keyspace, nextTurn } = this.parts;
    const { snapshots } = keyspace;
    this.owed = [];
    this.beginning = undefined;
    this.roots.clear();
    keyspace.memory.blocks.frozen.giveUp();
    keyspace.entries.huge.giveUpImages();
    snapshots.abandon();
    while (snapshots.active && !snapshots.step(ENTRIES_PER_STEP)) await nextTurn();
    await this.writing?.catch(() => undefined);
    await this.syncing?.catch(() => undefined);
  }

  /** Whether nobody waits for the file, nor for a value in it, and little is aside. */
  private get mayRest(): boolean {
    if (!this.options.isBackground || this.parts.keyspace.snapshots.isHastened) return false;
    const { behind } = this.owed.at(-1) ?? {};
    return (behind?.pendingBytes ?? 0) + this.imageBytes < MUCH_ASIDE_BYTES;
  }

  /** What images keep beside the values that they are of. */
  private get imageBytes(): number {
    const { entries, memory } = this.parts.keyspace;
    return entries.huge.imageBytes + memory.blocks.frozen.keptBytes;
  }

  /** Fixes how long the next slice may take. `elsewhereMs`: since the last one, the turn included. */
  private measure(turnMs: number, elsewhereMs: number): void {
    const { mayRest } = this;
    this.turnMs += (turnMs - this.turnMs) * LAST_TURN_WEIGHT;
    this.isBusy = (mayRest ? this.turnMs : turnMs) >= IDLE_TURN_MS;
    const share = mayRest ? BACKGROUND_SHARE : SHARE;
    this.sliceMs = this.isBusy
      ? Math.max(LEAST_SLICE_MS, Math.min(MOST_ELSEWHERE_MS, elsewhereMs) * share)
      : IDLE_SLICE_MS;
  }

  /** Has what was appended written, while the walk goes on; waits for what was being written before. */
  private async writeOut(): Promise<void> {
    await this.written();
    await this.whenAllowed();
    this.writing = this.writer.drain();
    // Whoever waits for it next is told.
    this.writing.catch(() => undefined);
  }

  private async written(): Promise<void> {
    await this.writing;
    this.writing = undefined;
  }

  private async whenAllowed(): Promise<void> {
    const { clock, keyspace, sleep } = this.parts;
    for (;;) {
      const limit = this.options.maxBytesPerSecond();
      const nowMs = clock.monotonicMs();
      const bytes = this.writer.pendingBytes;
      const isUrgent = bytes + this.imageBytes > UNLIMITED_BYTES || keyspace.snapshots.isHastened;
      if (limit === 0 || isUrgent || nowMs >= this.writableAtMs) {
        this.writableAtMs = limit === 0 ? 0 : Math.max(nowMs, this.writableAtMs) + (bytes * 1000) / limit;
        return;
      }
      await sleep(Math.min(SLEEP_MS, this.writableAtMs - nowMs));
    }
  }

  private async write(chunk: Buffer): Promise<void> {
    const { syncEveryBytes, onWritten } = this.options;
    await writeFully(this.file, chunk, this.position);
    this.position += chunk.length;
    onWritten?.(this.position, this.isBusy);
    if (syncEveryBytes === 0 || this.position - this.synced < syncEveryBytes) return;
    this.synced = this.position;
    // Writing goes on meanwhile, up to the next time.
    await this.syncing;
    this.syncing = this.file.datasync();
    this.syncing.catch(() => undefined);
  }
}

/** Freezes some of it, or all; says whether it is done. */
function freeze(image: ValueImage, isAll: boolean): boolean {
  let isDone = image.freezeStep();
  while (isAll && !isDone) isDone = image.freezeStep();
  return isDone;
}

/** Gives the bytes of a string to `append`, part by part. */
export function* stringParts(
  value: FrozenValue,
  append: (bytes: Uint8Array, start: number, length: number) => void,
): Generator<void, void> {
  while (value.next()) {
    append(value.buffer, value.start, value.length);
    yield;
  }
}

/**
 * Dumps: SAVE, BGSAVE, save points, LASTSAVE, and what INFO tells of them. Decides when a dump begins; how one is made
 * is persistence/dump.ts.
 *
 * A dump and a rewrite of the append-only file exclude each other, as the two kinds of children do in Redis: there is
 * one snapshot at a time. SAVE holds up nobody but its client here; whoever asks for a dump or a rewrite meanwhile
 * waits for it, as he would if the server stood still. BGSAVE answers when it is fixed what the dump will hold.
 */
import type { SaveAccess, SaveReply } from "../commands/services.ts";
import { errorText } from "../persistence/aof/error-text.ts";
import { Dump, type DumpFilter, type DumpParts } from "../persistence/dump.ts";
import { InlineVerifier } from "../persistence/dump-verifier.ts";
import { ANOTHER_CHILD_ACTIVE, SAVE_IN_PROGRESS } from "../protocol/errors.ts";
import type { Server } from "./server.ts";
import { nextTurn } from "./turn-end.ts";

/** After a failed save the next automatic attempt waits so long. */
const RETRY_AFTER_MS = 5000;

const STARTED: SaveReply = { status: "Background saving started" };
const SCHEDULED: SaveReply = { status: "Background saving scheduled" };

interface RunningSave {
  readonly dump: Dump;
  /** BGSAVE or a save point, or for replicas; else SAVE, SHUTDOWN or FLUSHALL. */
  readonly isBackground: boolean;
  /** No save, but a snapshot for replicas. */
  readonly isForReplicas: boolean;
  readonly begunMs: number;
  /** Resolves when it is fixed what the dump will hold, or that there will be none. */
  readonly cut: Promise<void>;
  /** True if it succeeded. Never rejects. */
  readonly done: Promise<boolean>;
}

/** Whether that is a BGSAVE that has not been stopped. */
function isUnderWay(running: RunningSave | undefined): boolean {
  return running?.isBackground === true && !running.dump.isAborted;
}

export class SaveState implements SaveAccess {
  /** Unix time of the last save that succeeded; Redis counts the start as one. */
  lastSaveMs: number;
  /** How the last BGSAVE ended; a SAVE that succeeds mends it. */
  lastSaveOk = true;
  lastDurationMs = -1;
  /** Saves begun since the start. */
  saves = 0;
  /** A BGSAVE is to begin as soon as nothing is in its way. */
  isScheduled = false;
  /** Of the last file in RDB's form that was loaded. */
  keysLoaded = 0;
  keysExpiredAtLoad = 0;
  private lastTryMs = Number.NEGATIVE_INFINITY;
  /** Changes that the last dump holds, of those that were ever made. */
  private changesSaved = 0;
  private running: RunningSave | undefined;
  private readonly server: Server;

  constructor(server: Server) {
    this.server = server;
    this.lastSaveMs = server.clock.nowMs;
  }

  /** Whether a dump is being made, by whatever command. */
  get isBusy(): boolean {
    return this.running !== undefined;
  }

  /** Whether one is made in the background: rdb_bgsave_in_progress. */
  get isInBackground(): boolean {
    return isUnderWay(this.running);
  }

  get changesSinceSave(): number {
    return this.server.propagation.changes - this.changesSaved;
  }

  /** Milliseconds that the BGSAVE under way has taken; -1 if there is none. */
  get savingForMs(): number {
    const { running } = this;
    return isUnderWay(running) ? this.server.clock.monotonicMs() - running!.begunMs : -1;
  }

  /** Keys written by the dump under way, and keys that it will hold; 0 if there is none. */
  get keysDone(): number {
    return this.running?.dump.keysDone ?? 0;
  }

  get keysTotal(): number {
    return this.running?.dump.keysTotal ?? 0;
  }

  get lastSaveSeconds(): number {
    return Math.floor(this.lastSaveMs / 1000);
  }

  /** Writes are refused, because dumps that were asked for cannot be made (stop-writes-on-bgsave-error). */
  get refusesWrites(): boolean {
    if (this.lastSaveOk) return false;
    const { values } = this.server.config;
    return values["stop-writes-on-bgsave-error"] && values.save.length > 0;
  }

  readonly onLoaded = (keys: number, expired: number): void => {
    this.keysLoaded = keys;
    this.keysExpiredAtLoad = expired;
  };

  /** All that was loaded counts as saved. */
  loaded(): void {
    this.changesSaved = this.server.propagation.changes;
  }

  bgsave(schedule: boolean, isExecuting: boolean): SaveReply | Promise<SaveReply> {
    const { running } = this;
    if (isUnderWay(running)) return { error: SAVE_IN_PROGRESS };
    if (isExecuting || (schedule && this.server.aof.isRewriting)) {
      this.isScheduled = true;
      return SCHEDULED;
    }
    if (running !== undefined) return running.done.then(() => this.bgsave(schedule, isExecuting));
    if (this.server.aof.isRewriting) return { error: ANOTHER_CHILD_ACTIVE };
    return this.begin(true).cut.then(() => STARTED);
  }

  save(): Promise<boolean> | undefined {
    return this.isInBackground ? undefined : this.saveInTurn();
  }

  /** FLUSHALL: stops a dump in the background, and makes an empty one if there are save points. */
  flushed(): Promise<unknown> | undefined {
    const { running } = this;
    // Replicas that wait for theirs can make use of it: that all is gone is what they are told next.
    if (isUnderWay(running) && !running!.isForReplicas) running!.dump.abort();
    const { config, isLoading } = this.server;
    if (isLoading || config.values.save.length === 0) return undefined;
    if (this.server.aof.isRewriting) {
      // Nobody should wait for the end of that.
      this.isScheduled = true;
      return undefined;
    }
    return this.saveInTurn();
  }

  /** Makes a snapshot for replicas, in a file of that name; resolves to whether it succeeded. Nothing else may be under
   * way. `onCut` is called at its instant. */
  saveForReplicas(name: string, filter: DumpFilter, onCut: () => void): Promise<boolean> {
    this.server.world.log.notice("Starting BGSAVE for SYNC with target: disk");
    const dump = new Dump({ ...this.dumpParts(false), name, filter });
    const done = this.runForReplicas(dump, onCut);
    this.running = {
      dump,
      isBackground: true,
      isForReplicas: true,
      begunMs: this.server.clock.monotonicMs(),
      cut: done.then(() => undefined),
      done,
    };
    return done;
  }

  /** Stops the snapshot for replicas, if one is being made. */
  stopForReplicas(): void {
    if (this.running?.isForReplicas === true) this.running.dump.abort();
  }

  private async runForReplicas(dump: Dump, onCut: () => void): Promise<boolean> {
    const { log } = this.server.world;
    let isOk = false;
    try {
      await dump.run(onCut);
      isOk = true;
      log.notice("Snapshot for replicas made");
    } catch (error) {
      if (dump.isAborted) log.warning("The snapshot for replicas under way was stopped.");
      else log.warning(`Write error making a snapshot for replicas: ${errorText(error)}`);
    }
    this.ended();
    return isOk;
  }

  /** Stops what is under way and resolves when it has ended; nothing begins by itself any more. */
  async stop(): Promise<void> {
    this.isScheduled = false;
    this.running?.dump.abort();
    await this.idle();
  }

  /** Resolves when no dump is being made. */
  async idle(): Promise<void> {
    while (this.running !== undefined) await this.running.done;
  }

  /** Begins a dump if a save point has been reached. To be called by the cron. */
  saveIfDue(): void {
    const { aof, clock, config, world } = this.server;
    if (this.isBusy || aof.isRewriting) return;
    const sinceSaveMs = clock.nowMs - this.lastSaveMs;
    const mayTry = this.lastSaveOk || clock.nowMs - this.lastTryMs > RETRY_AFTER_MS;
    if (!mayTry) return;
    const changes = this.changesSinceSave;
    for (const point of config.values.save) {
      if (changes < point.changes || sinceSaveMs <= point.seconds * 1000) continue;
      world.log.notice(`${point.changes} changes in ${point.seconds} seconds. Saving...`);
      this.begin(true);
      return;
    }
  }

  /** Begins a dump that was put off, if nothing is in its way any more. */
  startScheduled(): void {
    const { aof, clock } = this.server;
    if (!this.isScheduled || this.isBusy || aof.isRewriting) return;
    if (!this.lastSaveOk && clock.nowMs - this.lastTryMs <= RETRY_AFTER_MS) return;
    this.isScheduled = false;
    this.begin(true);
  }

  /** Makes a dump when nothing else is under way; true if it succeeded. */
  async saveInTurn(): Promise<boolean> {
    const { aof } = this.server;
    while (this.running !== undefined || aof.isRewriting) {
      await this.running?.done;
      if (!aof.isRewriting) continue;
      await aof.idle();
      await nextTurn();
    }
    return this.begin(false).done;
  }

  private begin(isBackground: boolean): RunningSave {
    const { clock, world } = this.server;
    this.saves++;
    if (isBackground) {
      this.lastTryMs = clock.nowMs;
      world.log.notice("Background saving started");
    }
    const dump = new Dump(this.dumpParts(isBackground));
    let onCut = () => {};
    const cut = new Promise<void>((resolve) => {
      onCut = resolve;
    });
    const done = this.run(dump, isBackground, onCut).finally(onCut);
    this.running = { dump, isBackground, isForReplicas: false, begunMs: clock.monotonicMs(), cut, done };
    return this.running;
  }

  private async run(dump: Dump, isBackground: boolean, onCut: () => void): Promise<boolean> {
    const { log } = this.server.world;
    let changes = 0;
    let isOk = false;
    try {
      await dump.run(() => {
        changes = this.server.propagation.changes;
        onCut();
      });
      isOk = true;
      log.notice("DB saved on disk");
      if (isBackground) log.notice("Background saving terminated with success");
      this.changesSaved = changes;
      this.lastSaveMs = this.server.clock.nowMs;
      this.lastSaveOk = true;
    } catch (error) {
      if (dump.isAborted) {
        log.warning("The save under way was stopped.");
      } else {
        log.warning(`Write error saving DB on disk: ${errorText(error)}. The old dump stays as it was.`);
        if (isBackground) {
          log.warning("Background saving error");
          this.lastSaveOk = false;
        }
      }
    }
    this.ended();
    return isOk;
  }

  private ended(): void {
    const running = this.running!;
    this.running = undefined;
    if (running.isBackground) this.lastDurationMs = this.server.clock.monotonicMs() - running.begunMs;
    this.server.aof.startScheduled();
  }

  private dumpParts(isBackground: boolean): DumpParts {
    const { clock, config, keyspace, passTurn, sleep, spiller, tier, world } = this.server;
    const { values } = config;
    const policy = values["maxmemory-policy"];
    const inline = new InlineVerifier(world.files, clock, passTurn);
    return {
      files: world.files,
      clock,
      keyspace,
      isMidway: () => this.server.dispatcher.scripts.runner.isBusy,
      nextTurn: passTurn,
      sleep,
      folder: values.dir,
      name: values.dbfilename,
      tier,
      spiller,
      verifier: world.createVerifier?.(inline) ?? inline,
      options: {
        rdbcompression: values.rdbcompression,
        rdbchecksum: values.rdbchecksum,
        incrementalFsync: values["rdb-save-incremental-fsync"],
        maxBytesPerSecond: () => values["save-max-bytes-per-second"],
        isBackground,
        withAccess: policy.endsWith("-lru") || policy.endsWith("-lfu"),
        keyDelay: () => values["rdb-key-save-delay"],
      },
    };
  }
}

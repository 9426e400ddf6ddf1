/**
 * One MIGRATE: keys of a database go to another server, as RESTORE commands in a pipeline, and are deleted here when
 * it has taken them. Only its client waits.
 *
 * From the beginning to the end nobody else changes the keys (held-keys.ts), so that a value is deleted only if it is
 * the one that was sent. Each is read when its turn comes and the target takes more: the memory that is needed is that
 * of some megabytes on their way, whatever the values have. Cold ones are fetched some at a time.
 *
 * What the target has acknowledged is deleted here, whatever happens further, also if the client has gone. If the
 * connection breaks before anything was acknowledged, all is tried once more with another: the target may have closed
 * one that had been kept. As in Redis, after any other failure a key may be in both servers, and never in none.
 */
import type { MigrationOrder, MigrationResult } from "../../commands/services.ts";
import type { Database } from "../../keyspace/database.ts";
import { entryBytes } from "../../keyspace/entry-size.ts";
import { EVENT } from "../../keyspace/key-events.ts";
import { NOT_RESIDENT, RESIDENT, UNREADABLE } from "../../keyspace/warmer.ts";
import {
  CHANGED_WHILE_MIGRATED,
  TARGET_NOT_READABLE,
  TARGET_NOT_WRITABLE,
  TARGET_UNREACHABLE,
  targetAnswered,
} from "../../protocol/migration-errors.ts";
import { coldKeyUnreadable } from "../../protocol/tier-errors.ts";
import { KeyReader } from "../key-reader.ts";
import type { Server } from "../server.ts";
import { nextTurn, sleep } from "../turn-end.ts";
import type { Hold } from "./held-keys.ts";
import { PartedRestore, type RestoreFacts, requestOf, restoreRequest } from "./restore-request.ts";
import { type Target, TargetFailure } from "./target.ts";
import type { Targets } from "./targets.ts";

/** Requests are sent when this many bytes of them have gathered. */
const GATHERED_BYTES = 64 * 1024;
/** When the target has taken values of this many bytes, they are deleted without waiting for the rest. */
const DELETED_AT_ONCE_BYTES = 16 * 1024 * 1024;
/** Cold keys fetched together: fewer if they turn out to be large. */
const MOST_AHEAD = 64;
const FETCHED_AT_ONCE_BYTES = 1024 * 1024;
/** So long others wait at a time. */
const SLICE_MS = 1;
/** Between two looks whether a script is done. */
const BUSY_SLEEP_MS = 5;

const FAILURES = {
  connecting: TARGET_UNREACHABLE,
  writing: TARGET_NOT_WRITABLE,
  reading: TARGET_NOT_READABLE,
} as const;

interface SentKey {
  readonly key: Buffer;
  readonly bytes: number;
}

/** The keys are still here, and the client is told why. */
class MigrationError extends Error {
  override name = "MigrationError";
}

export class Migration {
  private readonly server: Server;
  private readonly targets: Targets;
  private readonly hold: Hold;
  private readonly dbIndex: number;
  private readonly order: MigrationOrder;
  private readonly reader: KeyReader | undefined;
  /** Keys for which no reply has come; and those that the target has, and that are not deleted here. */
  private unanswered: SentKey[] = [];
  private acknowledged: SentKey[] = [];
  private acknowledgedBytes = 0;
  private replies = 0;
  /** The first error. */
  private error: string | undefined;
  private gathered: Buffer[] = [];
  private gatheredBytes = 0;
  private readonly hasDuplicates: boolean;
  private ahead = MOST_AHEAD;
  private sliceBegunMs = 0;

  constructor(server: Server, targets: Targets, hold: Hold, dbIndex: number, order: MigrationOrder) {
    this.server = server;
    this.targets = targets;
    this.hold = hold;
    this.dbIndex = dbIndex;
    this.order = order;
    this.reader = server.warmer && new KeyReader(server.warmer);
    this.hasDuplicates = new Set(order.keys.map((key) => key.toString("latin1"))).size < order.keys.length;
  }

  /** Does it all; never rejects but for mistakes of our own. */
  async run(): Promise<MigrationResult> {
    try {
      return await this.tryTwice();
    } catch (error) {
      if (error instanceof TargetFailure) this.error ??= FAILURES[error.step];
      else if (error instanceof MigrationError) this.error ??= error.message;
      else throw error;
      await this.deleteAcknowledged();
      return { error: this.error };
    } finally {
      this.reader?.release();
    }
  }

  private async tryTwice(): Promise<MigrationResult> {
    try {
      return await this.attempt();
    } catch (error) {
      const isWorthwhile = error instanceof TargetFailure && error.step !== "connecting" && !error.isTimeout;
      if (!isWorthwhile || this.replies > 0) throw error;
    }
    this.unanswered = [];
    this.gathered = [];
    this.gatheredBytes = 0;
    return await this.attempt();
  }

  private async attempt(): Promise<MigrationResult> {
    let target: Target | undefined;
    try {
      for (let i = 0; i < this.order.keys.length; i++) {
        if ((await this.lookUp(i)) === 0) continue;
        if (target === undefined) {
          target = await this.targets.take(this.order);
          if (!(await this.greet(target))) return { error: this.error! };
          // Others had their turn.
          if ((await this.lookUp(i)) === 0) continue;
        }
        await this.send(target, i);
      }
      if (target === undefined) return { status: "NOKEY" };
      this.flush(target);
      await this.collect(target);
    } finally {
      if (target !== undefined) this.targets.giveBack(this.order, target);
    }
    await this.deleteAcknowledged();
    if (this.error !== undefined) return { error: this.error };
    target.selected = this.order.destination;
    return { status: "OK" };
  }

  private get database(): Database {
    return this.server.keyspace.databases[this.dbIndex];
  }

  /** Resolves when the data may be looked at: at once, unless a script runs for long, or it is all being replaced. */
  private async quiet(): Promise<void> {
    const { dispatcher } = this.server;
    while (dispatcher.scripts.runner.isBusy || this.server.isStopping) await sleep(BUSY_SLEEP_MS);
  }

  /** The entry of a key, fetched if it is cold; 0 if there is none. */
  private async lookUp(i: number): Promise<number> {
    const { keyspace, clock, warmer } = this.server;
    if (clock.monotonicMs() - this.sliceBegunMs > SLICE_MS) {
      await nextTurn();
      this.sliceBegunMs = clock.monotonicMs();
    }
    const key = this.order.keys[i];
    await this.quiet();
    while (this.residencyOf(key) === NOT_RESIDENT) {
      await this.fetch(i);
      await this.quiet();
    }
    if (this.residencyOf(key) === UNREADABLE)
      throw new MigrationError(coldKeyUnreadable(warmer!.failure!.message));
    keyspace.refreshClock();
    return this.database.lookupRead(key, 0, key.length);
  }

  /** Has the key read, and some of those behind it. */
  private async fetch(i: number): Promise<void> {
    const { keyspace } = this.server;
    const reader = this.reader!;
    reader.release();
    const database = this.database;
    const keys = await reader.fetch(database, this.order.keys.slice(i, i + this.ahead));
    let bytes = 0;
    for (const key of keys) {
      const address = database.find(key, 0, key.length);
      if (address !== 0) bytes += entryBytes(keyspace.memory, address, 1);
    }
    if (bytes > FETCHED_AT_ONCE_BYTES) this.ahead = 1;
    else this.ahead = Math.min(2 * this.ahead, MOST_AHEAD);
  }

  /** Authenticates and selects the database; false if the target does not agree. */
  private async greet(target: Target): Promise<boolean> {
    const { destination, password, user } = this.order;
    const isSelecting = target.selected !== destination;
    target.selected = undefined;
    if (password !== undefined)
      target.send(user === undefined ? requestOf("AUTH", password) : requestOf("AUTH", user, password));
    if (isSelecting) target.send(requestOf("SELECT", String(destination)));
    for (let left = (password === undefined ? 0 : 1) + (isSelecting ? 1 : 0); left > 0; left--) {
      const line = await target.line();
      if (line.startsWith("-")) this.error ??= targetAnswered(line.slice(1));
    }
    return this.error === undefined;
  }

  /** Sends a key that exists, or will have sent it with others. */
  private async send(target: Target, i: number): Promise<void> {
    const { config, keyspace } = this.server;
    const key = this.order.keys[i];
    const address = this.database.find(key, 0, key.length);
    const facts = this.factsOf(key, address);
    if (facts === undefined) return;
    this.hold.begin(key);
    const parted = PartedRestore.of(keyspace, address, facts);
    if (parted !== undefined) {
      if (!(await this.sendParts(target, key, parted))) {
        if ((await this.lookUp(i)) !== 0) await this.send(target, i);
        return;
      }
    } else {
      const request = restoreRequest(keyspace, address, facts, config.values.rdbcompression);
      this.gathered.push(request);
      this.gatheredBytes += request.length;
      this.unanswered.push({ key, bytes: request.length });
      if (this.gatheredBytes >= GATHERED_BYTES) this.flush(target);
    }
    for (let line = target.takeLine(); line !== undefined; line = target.takeLine()) this.take(line);
    if (this.acknowledgedBytes >= DELETED_AT_ONCE_BYTES) await this.deleteAcknowledged();
    if (target.isFull) await target.room();
  }

  /** Undefined if the key's time has come by now. */
  private factsOf(key: Buffer, address: number): RestoreFacts | undefined {
    const { keyspace } = this.server;
    const expireMs = keyspace.entries.expireMs(address);
    if (expireMs === 0) return { key, timeToLiveMs: 0, replaces: this.order.replaces };
    if (expireMs < keyspace.nowMs) return undefined;
    return { key, timeToLiveMs: Math.max(1, expireMs - keyspace.nowMs), replaces: this.order.replaces };
  }

  private flush(target: Target): void {
    if (this.gatheredBytes > 0) target.send(Buffer.concat(this.gathered));
    this.gathered = [];
    this.gatheredBytes = 0;
  }

  /** Sends a large value; false if a script changed it before anything of it was sent. */
  private async sendParts(target: Target, key: Buffer, request: PartedRestore): Promise<boolean> {
    const { hold, reader } = this;
    const { clock, warmer } = this.server;
    this.flush(target);
    if (reader !== undefined) warmer!.hold(this.database, key, reader);
    hold.beforeChange = () => request.finish();
    try {
      for (let isMeasured = false; !isMeasured && !request.isSpoilt; ) {
        isMeasured = request.measure();
        if (clock.monotonicMs() - this.sliceBegunMs <= SLICE_MS) continue;
        await nextTurn();
        this.sliceBegunMs = clock.monotonicMs();
      }
      if (request.isSpoilt) return false;
      let bytes = 0;
      for (let part = request.next(); part !== undefined; part = request.next()) {
        bytes += part.length;
        target.send(part);
        if (target.isFull) await target.room();
      }
      this.unanswered.push({ key, bytes });
      return true;
    } finally {
      hold.beforeChange = undefined;
      reader?.release();
    }
  }

  /** Takes the replies that are still to come. */
  private async collect(target: Target): Promise<void> {
    while (this.unanswered.length > 0) this.take(await target.line());
  }

  /** A reply to RESTORE. */
  private take(line: string): void {
    this.replies++;
    const sent = this.unanswered.shift();
    if (sent === undefined) throw new MigrationError(TARGET_NOT_READABLE);
    if (line.startsWith("-")) {
      this.error ??= targetAnswered(line.slice(1));
    } else if (!this.order.copies) {
      this.acknowledged.push(sent);
      this.acknowledgedBytes += sent.bytes;
    }
  }

  /** Deletes what the target has taken. What has become cold meanwhile must be in memory for that. */
  private async deleteAcknowledged(): Promise<void> {
    const keys = this.acknowledged.map(({ key }) => key);
    this.acknowledged = [];
    this.acknowledgedBytes = 0;
    await this.quiet();
    const isCold = (key: Buffer) => this.residencyOf(key) !== RESIDENT;
    const atOnce = keys.some(isCold) ? MOST_AHEAD : keys.length;
    for (let i = 0; i < keys.length; i += atOnce) {
      const some = keys.slice(i, i + atOnce);
      while (some.some((key) => this.residencyOf(key) === NOT_RESIDENT)) {
        this.reader!.release();
        await this.reader!.fetch(this.database, some);
        await this.quiet();
      }
      this.deleteNow(some);
    }
  }

  private deleteNow(keys: readonly Buffer[]): void {
    const { database, hold } = this;
    const { keyspace, propagation } = this.server;
    const deleted: Buffer[] = [];
    for (const key of keys) {
      if (this.residencyOf(key) === UNREADABLE)
        this.error ??= coldKeyUnreadable(this.server.warmer!.failure!.message);
      const address = database.peek(key, 0, key.length);
      if (address === 0) continue;
      if (hold.wasChanged(key)) {
        this.error ??= CHANGED_WHILE_MIGRATED;
        continue;
      }
      database.delete(address);
      keyspace.watchers?.changed(database, key);
      keyspace.events?.happened(EVENT.generic, "del", database.index, key, 0, key.length);
      deleted.push(key);
    }
    if (deleted.length > 0) propagation.handedOver(database, deleted);
    this.server.scheduleTurnEnd();
    // One that is named twice is still to come.
    if (!this.hasDuplicates) hold.release(keys);
  }

  private residencyOf(key: Buffer): number {
    return this.server.warmer?.residency(this.database, key, 0, key.length) ?? RESIDENT;
  }
}

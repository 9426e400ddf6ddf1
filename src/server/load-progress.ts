/**
 * How far the loading of data has come, for INFO and the log. Meanwhile the event loop has its turn every
 * `loading-process-events-interval-bytes`, and often enough in any case, so that clients are told that data is being
 * loaded.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { LoadObserver } from "../persistence/rdb-loading/rdb-load.ts";
import type { Config } from "./config/config.ts";
import { nextTurn, sleep } from "./turn-end.ts";

/** The log is told this often. */
const LOG_EVERY_MS = 5000;
/** The event loop has its turn after that time, however few bytes were loaded in it. */
const TURN_EVERY_MS = 25;

export class LoadProgress implements LoadObserver {
  startedMs = 0;
  /** Of all files that are to be loaded. */
  totalBytes = 0;
  /** Memory that the data took where the RDB file was written; 0 if it does not say. */
  usedMemoryBytes = 0;
  private bytesBefore = 0;
  private offset = 0;
  private turnAtBytes = 0;
  private turnAtMs = 0;
  private logAtMs = 0;
  private delayedKeys = 0;
  private readonly world: { readonly clock: Clock; readonly log: Log };
  private readonly config: Config;

  constructor(world: { readonly clock: Clock; readonly log: Log }, config: Config) {
    this.world = world;
    this.config = config;
  }

  get loadedBytes(): number {
    return this.bytesBefore + this.offset;
  }

  /** Seconds that are left, going by those that have passed; Redis's guess in the first one is one second. */
  secondsLeft(nowMs: number): number {
    const elapsed = Math.floor((nowMs - this.startedMs) / 1000);
    if (elapsed === 0) return 1;
    return Math.floor((elapsed * Math.max(0, this.totalBytes - this.loadedBytes)) / (this.loadedBytes + 1));
  }

  /** Loading begins. */
  begin(totalBytes: number): void {
    const { clock } = this.world;
    this.startedMs = clock.nowMs;
    this.totalBytes = totalBytes;
    this.logAtMs = clock.monotonicMs() + LOG_EVERY_MS;
  }

  usedMemory(bytes: number): void {
    this.usedMemoryBytes = bytes;
  }

  reached(offset: number, keys: number): Promise<void> | undefined {
    this.offset = offset;
    const delayMs = this.delayMs(keys);
    if (delayMs > 0) return sleep(delayMs);
    const nowMs = this.world.clock.monotonicMs();
    const loaded = this.loadedBytes;
    if (loaded < this.turnAtBytes && nowMs < this.turnAtMs) return undefined;
    this.turnAtBytes = loaded + this.config.values["loading-process-events-interval-bytes"];
    this.turnAtMs = nowMs + TURN_EVERY_MS;
    if (nowMs >= this.logAtMs) this.tell();
    return nextTurn();
  }

  fileEnded(bytes: number): void {
    this.bytesBefore += bytes;
    this.offset = 0;
    this.delayedKeys = 0;
  }

  private tell(): void {
    const { clock, log } = this.world;
    this.logAtMs = clock.monotonicMs() + LOG_EVERY_MS;
    const { loadedBytes, totalBytes } = this;
    const percent = ((loadedBytes * 100) / Math.max(1, totalBytes)).toFixed(2);
    const left = this.secondsLeft(clock.nowMs);
    log.notice(`Loading: ${loadedBytes} of ${totalBytes} bytes (${percent} %), about ${left} seconds left`);
  }

  /** What `key-load-delay` asks for: microseconds after each key, or if negative one after so many keys. */
  private delayMs(keys: number): number {
    const delay = this.config.values["key-load-delay"];
    const due = keys - this.delayedKeys;
    if (delay === 0 || due <= 0) return 0;
    this.delayedKeys = keys;
    return (delay > 0 ? due * delay : due / -delay) / 1000;
  }
}

/**
 * Clients that come when the server has just begun to load its data. Redis hears nobody before it has read
 * `loading-process-events-interval-bytes`, so who starts a server with little data and connects at once is never told
 * LOADING. Here the first commands wait as long, but for two seconds at most (a few commands of the log may take long),
 * and where there is more to load, for half a second.
 */
import type { Clock } from "../base/clock.ts";
import type { Connection } from "./connection.ts";
import type { LoadProgress } from "./load-progress.ts";
import { sleep } from "./turn-end.ts";

const MOST_MS = 2000;
const MOST_MS_WITH_MUCH = 500;
/** It is looked this often whether they may go on. */
const LOOK_EVERY_MS = 5;

export interface EarlyClientsParts {
  readonly clock: Clock;
  readonly progress: Pick<LoadProgress, "loadedBytes" | "totalBytes">;
  readonly isLoading: () => boolean;
  /** Bytes that Redis reads before it hears clients. */
  readonly unheardBytes: () => number;
  /** Lets a client go on, at the end of the turn. */
  readonly resume: (connection: Connection) => void;
}

export class EarlyClients {
  private readonly parts: EarlyClientsParts;
  private readonly begunMs: number;
  private waiting: Connection[] = [];

  constructor(parts: EarlyClientsParts) {
    this.parts = parts;
    this.begunMs = parts.clock.monotonicMs();
  }

  /** Whether the client's command, which needs data, has to wait instead of being refused; then it is parked. */
  postpones(connection: Connection): boolean {
    if (this.isOver) return false;
    connection.parkAgain();
    this.waiting.push(connection);
    if (this.waiting.length === 1) void this.releaseWhenOver();
    return true;
  }

  private get isOver(): boolean {
    const { clock, isLoading, progress, unheardBytes } = this.parts;
    if (!isLoading() || progress.loadedBytes >= unheardBytes()) return true;
    const mostMs = progress.totalBytes >= unheardBytes() ? MOST_MS_WITH_MUCH : MOST_MS;
    return clock.monotonicMs() - this.begunMs >= mostMs;
  }

  private async releaseWhenOver(): Promise<void> {
    while (!this.isOver) await sleep(LOOK_EVERY_MS);
    for (const connection of this.waiting.splice(0)) this.parts.resume(connection);
  }
}

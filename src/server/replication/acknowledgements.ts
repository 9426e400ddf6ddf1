/**
 * Clients that wait until replicas have what they wrote (WAIT, WAITAOF), each until enough of them say so, or its time
 * is over.
 */
import { MAX_TIMER_MS } from "../../base/clock.ts";
import type { Client } from "../../commands/client.ts";
import type { AwaitedReplicas } from "../../commands/replication-access.ts";

interface Waiter {
  readonly client: Client;
  readonly wanted: AwaitedReplicas;
  readonly timer: NodeJS.Timeout | undefined;
  readonly resolve: () => void;
}

/** How many replicas have acknowledged that much. */
export type CountAcknowledged = (offset: number, onDisk: boolean) => number;

export class Acknowledgements {
  private waiters: Waiter[] = [];
  private readonly count: CountAcknowledged;

  constructor(count: CountAcknowledged) {
    this.count = count;
  }

  /** Resolves when there are enough, or after `timeoutMs` (0: never). */
  wait(client: Client, wanted: AwaitedReplicas, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      // Who waits for longer waits for ever, which is about as long.
      const isTimed = timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS;
      const timer = isTimed ? setTimeout(() => this.timeOut(waiter), timeoutMs) : undefined;
      timer?.unref();
      const waiter: Waiter = { client, wanted, timer, resolve };
      this.waiters.push(waiter);
    });
  }

  /** A replica has acknowledged more. */
  settle(): void {
    if (this.waiters.length === 0) return;
    this.end(({ wanted }) => this.count(wanted.offset, wanted.onDisk) >= wanted.count);
  }

  /** The client is gone, or waits no longer. */
  forget(client: Client): void {
    if (this.waiters.length > 0) this.end((waiter) => waiter.client === client);
  }

  private timeOut(waiter: Waiter): void {
    this.end((each) => each === waiter);
  }

  private end(isOver: (waiter: Waiter) => boolean): void {
    const ended = this.waiters.filter(isOver);
    if (ended.length === 0) return;
    this.waiters = this.waiters.filter((waiter) => !ended.includes(waiter));
    for (const { resolve, timer } of ended) {
      clearTimeout(timer);
      resolve();
    }
  }
}

/** Promises that settle when the append-only file is synced up to a position. */
interface Waiter {
  readonly position: number;
  resolve(): void;
  reject(error: unknown): void;
}

export class PositionWaiters {
  /** The highest position that anybody waits for; 0 if nobody does. */
  highest = 0;
  private waiting: Waiter[] = [];

  add(position: number): Promise<void> {
    this.highest = Math.max(this.highest, position);
    return new Promise((resolve, reject) => {
      this.waiting.push({ position, resolve, reject });
    });
  }

  /** Everything up to `position` is synced. */
  reach(position: number): void {
    if (this.waiting.length === 0) return;
    const reached = this.waiting.filter((waiter) => waiter.position <= position);
    this.waiting = this.waiting.filter((waiter) => waiter.position > position);
    if (this.waiting.length === 0) this.highest = 0;
    for (const waiter of reached) waiter.resolve();
  }

  rejectAll(error: unknown): void {
    const rejected = this.waiting;
    this.waiting = [];
    this.highest = 0;
    for (const waiter of rejected) waiter.reject(error);
  }
}

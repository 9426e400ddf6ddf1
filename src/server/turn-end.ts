/**
 * The end of a turn of the event loop: what the connections served in it asked for together is done once for all of
 * them (reading cold keys as one batch, writing the append-only file as one block). Redis calls this place
 * beforeSleep.
 */
export class TurnEnd {
  private isScheduled = false;
  private readonly action: () => void;

  constructor(action: () => void) {
    this.action = action;
  }

  /** Has the action run once all readable sockets of this turn were served. */
  readonly schedule = (): void => {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(this.run);
  };

  /** Resolves in the next turn, when what its connections asked for is done: what takes a while then does not hold up
   * their replies. */
  readonly pass = (): Promise<void> =>
    new Promise((resolve) => {
      setImmediate(() => {
        this.run();
        resolve();
      });
    });

  private readonly run = (): void => {
    if (!this.isScheduled) return;
    this.isScheduled = false;
    this.action();
  };
}

/** Resolves after that number of milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Has cold keys read for the server itself, where no client's command waits for them (TIER, MIGRATE).
 */
import type { Database } from "../keyspace/database.ts";
import type { Fetch, Waiter, Warmer } from "../keyspace/warmer.ts";

export class KeyReader implements Waiter {
  fetches = new Set<Fetch>();
  pendingFetches = 0;
  goOn: () => void = () => {};
  private readonly warmer: Warmer;

  constructor(warmer: Warmer) {
    this.warmer = warmer;
  }

  /**
   * Reads those of the keys that may be cold; resolves to these when each is in memory, known to be absent, or could
   * not be read. Until `release` they stay.
   */
  async fetch(database: Database, keys: readonly Buffer[]): Promise<Buffer[]> {
    const { warmer } = this;
    const wanted = keys.filter((key) => {
      if (database.find(key, 0, key.length) !== 0 || !database.coldKeys.mayHave(database.hash)) return false;
      warmer.want(database, key, 0, key.length, this);
      return true;
    });
    if (this.pendingFetches > 0) {
      const done = new Promise<void>((resolve) => {
        this.goOn = resolve;
      });
      warmer.issue();
      await done;
    }
    return wanted;
  }

  /** What was read may leave memory again. */
  release(): void {
    this.warmer.release(this.fetches);
  }
}

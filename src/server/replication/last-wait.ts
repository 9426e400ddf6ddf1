/**
 * The wait for replicas before the server ends (shutdown-timeout): nobody writes, and those that lag behind are given
 * time to take what they lack. Who has not come far enough then is named in the log.
 */
import type { Server } from "../server.ts";

/** Longer than any wait: the pause ends with it. */
const PAUSE_MS = 2 ** 40;

export class LastWait {
  private readonly server: Server;
  /** Present while it lasts. */
  private end: ((isAborted: boolean) => void) | undefined;
  private hasPaused = false;

  constructor(server: Server) {
    this.server = server;
  }

  /** Resolves to false if it was aborted; then clients may write again. */
  async run(): Promise<boolean> {
    const { config, pause, replication, world } = this.server;
    const seconds = config.values["shutdown-timeout"];
    if (seconds > 0 && replication.lagging.length > 0) {
      world.log.notice("Waiting for replicas before shutting down.");
      // Before the pause, during which nothing is added to the stream.
      replication.requestAcknowledgements();
      replication.flush();
      pause.begin("write", PAUSE_MS, false);
      this.hasPaused = true;
      const isAborted = await this.wait(seconds * 1000);
      if (isAborted) {
        this.release();
        world.log.notice("Shutdown manually aborted.");
        return false;
      }
    }
    this.report();
    return true;
  }

  /** Says whether there was something to abort. */
  abort(): boolean {
    const { end } = this;
    end?.(true);
    return end !== undefined;
  }

  /** The server does not end: clients may write again. */
  release(): void {
    if (this.hasPaused) this.server.pause.end();
    this.hasPaused = false;
  }

  private async wait(timeoutMs: number): Promise<boolean> {
    const { replication } = this.server;
    let timer: NodeJS.Timeout | undefined;
    const isAborted = await new Promise<boolean>((resolve) => {
      this.end = resolve;
      timer = setTimeout(resolve, timeoutMs, false);
      replication.onProgress = () => {
        if (replication.lagging.length === 0) resolve(false);
      };
    });
    clearTimeout(timer);
    this.end = undefined;
    replication.onProgress = () => {};
    return isAborted;
  }

  private report(): void {
    const { replication, world } = this.server;
    const { count, lagging, offset } = replication;
    for (const replica of lagging) {
      const behind = offset - replica.acknowledged;
      const lag = replica.state === "online" ? replication.lagSeconds(replica) : 0;
      world.log.warning(
        `Lagging replica ${replica.name} reported offset ${behind} behind master, lag=${lag}, state=${replica.state}.`,
      );
    }
    if (count === 0) return;
    world.log.notice(`${count - lagging.length} of ${count} replicas are in sync when shutting down.`);
  }
}

/**
 * Ending the server: SHUTDOWN, SIGTERM and SIGINT. Replicas get time to take what they lack, while nothing is written
 * (replication/last-wait.ts). Everything acknowledged is made durable first; if that is not possible, the server goes
 * on (unless told to end all the same), because a process that lives can still save its data.
 */
import { join } from "node:path";
import type { ShutdownOptions } from "../commands/services.ts";
import { errorText } from "../persistence/aof/error-text.ts";
import { LastWait } from "./replication/last-wait.ts";
import type { Server } from "./server.ts";
import { nextTurn } from "./turn-end.ts";
import { noteEnd } from "./unexpected-ends.ts";

/** npm passes on the SIGINT that the terminal has sent to both: signals so close to each other are one Control-C. */
const SAME_PRESS_MS = 500;
/** Flags of a shutdown that say whether it saves. */
const SAVE_FLAGS = ["save", "nosave"] as const;

export class Shutdown {
  /** Called at the very end; ends the process. */
  onEnded: (exitCode: number) => void = () => {};
  /** Stops accepting connections. */
  onBegin: () => void = () => {};
  private readonly server: Server;
  private running: Promise<string> | undefined;
  /** What the present shutdown was asked to do. */
  private options: ShutdownOptions | undefined;
  /** Nothing of it has been done yet. */
  private isWaitingForScript = false;
  /** When a signal first asked for the present shutdown. */
  private signalledMs: number | undefined;
  /** For replicas; of the present shutdown, or the one before. */
  private lastWait: LastWait | undefined;

  constructor(server: Server) {
    this.server = server;
  }

  /** Resolves only if the shutdown failed, to the reason. */
  run(options: ShutdownOptions): Promise<string> {
    // The way out of a script that does not end, also when a signal has been waiting for its end.
    if (this.isWaitingForScript && options.save === "nosave") {
      this.options = options;
      this.server.dispatcher.scripts.runner.drop();
    }
    this.running ??= this.end(options).finally(() => {
      this.running = undefined;
      this.signalledMs = undefined;
    });
    return this.running;
  }

  /**
   * Ends the server as `shutdown-on-sigint` or `shutdown-on-sigterm` says. With a second SIGINT, as of a Control-C
   * pressed twice, the process ends at once, as in Redis: what was acknowledged is then as safe as after a crash.
   */
  signalled(signal: "SIGINT" | "SIGTERM"): void {
    const { clock, config, world } = this.server;
    const nowMs = clock.monotonicMs();
    if (signal === "SIGINT" && nowMs - (this.signalledMs ?? nowMs) > SAME_PRESS_MS) {
      world.log.warning("You insist... exiting now.");
      this.onEnded(1);
      return;
    }
    world.log.warning(`Received ${signal} scheduling shutdown...`);
    this.signalledMs ??= nowMs;
    const flags = config.values[signal === "SIGINT" ? "shutdown-on-sigint" : "shutdown-on-sigterm"];
    void this.run({
      save: SAVE_FLAGS.find((flag) => flags.includes(flag)) ?? "default",
      now: flags.includes("now"),
      force: flags.includes("force"),
    });
  }

  /** Ends the wait for replicas, and with it the shutdown; false if there is none. */
  abort(): boolean {
    return this.lastWait?.abort() === true;
  }

  private async end(asked: ShutdownOptions): Promise<string> {
    const { log } = this.server.world;
    if (this.server.isLoading) {
      log.warning("Received shutdown signal during loading, exiting now.");
      this.onBegin();
      this.onEnded(0);
      return new Promise(() => {});
    }
    const options = await this.waitForScript(asked);
    if (!options.now && !(await this.waitForReplicas())) return "The shutdown was aborted";
    this.server.isStopping = true;
    try {
      await this.saveAll(options);
    } catch (error) {
      log.warning(`Error trying to end: ${errorText(error)}`);
      if (!options.force) {
        log.warning("Errors trying to shut down the server. Check the logs for more information.");
        this.goOn();
        return errorText(error);
      }
    }
    this.server.releaseReplies();
    this.server.replication.flush();
    this.onBegin();
    for (const connection of this.server.clients) connection.close();
    const { config, lock, tier, tierFolder, world } = this.server;
    await (tier ?? lock)?.close().catch(() => undefined);
    await noteEnd(world.files, join(config.values.dir, tierFolder));
    log.warning("tsredis is now ready to exit, bye bye...");
    this.onEnded(0);
    // The process ends, so this never resolves.
    return new Promise(() => {});
  }

  /** A script that has written cannot be left in the middle. Resolves to what was asked for last. */
  private async waitForScript(asked: ShutdownOptions): Promise<ShutdownOptions> {
    const { debugging, runner } = this.server.dispatcher.scripts;
    this.options = asked;
    if (asked.save === "nosave") runner.drop();
    debugging.endAll();
    this.isWaitingForScript = true;
    while (runner.isBusy) await nextTurn();
    this.isWaitingForScript = false;
    return this.options;
  }

  /** False if it was aborted. */
  private waitForReplicas(): Promise<boolean> {
    this.lastWait = new LastWait(this.server);
    return this.lastWait.run();
  }

  /** The server stays: what arrived meanwhile is executed. */
  private goOn(): void {
    this.lastWait?.release();
    this.server.spiller?.resume();
    this.server.goOn();
  }

  private async saveAll(options: ShutdownOptions): Promise<void> {
    const { aof, config, cron, saves, spiller, world } = this.server;
    if (saves.isInBackground) world.log.warning("There is a background save under way. It is stopped.");
    await saves.stop();
    if (aof.isRewriting) {
      world.log.warning("There is a rewrite of the append only file under way. It is finished first.");
      await aof.idle();
    }
    const isSaving = options.save === "save" || (options.save === "default" && config.values.save.length > 0);
    if (isSaving) {
      world.log.notice("Saving the final RDB snapshot before exiting.");
      if (!(await saves.saveInTurn())) {
        const consequence = options.force ? "Exit anyway." : "can't exit.";
        world.log.warning(`Error trying to save the DB, ${consequence}`);
        if (!options.force) throw new Error("The DB could not be saved");
      }
    }
    // All that was written since would be lost.
    await aof.look();
    if (aof.lostText !== undefined && !options.force) throw new Error(`The append-only file ${aof.lostText}`);
    if (aof.files !== undefined) {
      world.log.notice("Calling fsync() on the AOF file.");
      await aof.files.writer.close();
      // Replies that waited for this are sent before the connections close.
      this.server.releaseReplies();
      await nextTurn();
    }
    cron.stop();
    await spiller?.hold();
  }
}

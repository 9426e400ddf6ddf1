/**
 * What must happen even if no client does anything, `hz` times a second: expiry, memory figures, retries of the
 * append-only file, automatic rewrites and saves, idle clients. Redis calls it serverCron.
 */
import type { Server } from "./server.ts";

/** Share of the time between two calls that active expiry may take at effort 1, as in Redis. */
const EXPIRY_SHARE = 0.25;
/** And never longer than this at a time: other clients wait meanwhile. */
const EXPIRY_MAX_MS = 5;
/** Entries of flushed databases freed per call. */
const FREE_PER_CALL = 20_000;
/** Reply buffers give memory back, idle connections to other servers are closed, and deleted cold keys are written,
 * this often. */
const SLOW_EVERY_MS = 1000;

export class Cron {
  private readonly server: Server;
  private timer: NodeJS.Timeout | undefined;
  private slowAtMs = 0;
  /** False while DEBUG or a test has switched active expiry off. */
  activeExpiry = true;
  /** False while DEBUG has it off that reply buffers give memory back. */
  shrinksReplyBuffer = true;
  /** DEBUG PAUSE-CRON. */
  isPaused = false;

  constructor(server: Server) {
    this.server = server;
  }

  start(): void {
    if (this.timer === undefined) this.schedule();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** One call; tests make it themselves. */
  run(): void {
    const {
      aof,
      budget,
      clients,
      config,
      dispatcher,
      expiry,
      keyspace,
      observation,
      saves,
      spiller,
      tier,
      warmer,
    } = this.server;
    const { values } = config;
    keyspace.refreshClock();
    if (dispatcher.scripts.runner.isBusy) {
      aof.files?.writer.cron();
      this.closeIdleClients();
      this.server.outputLimits.checkAll();
      this.server.endTurn();
      return;
    }
    aof.files?.writer.cron();
    this.server.pause.endIfOver();
    if (this.activeExpiry && keyspace.expiring && !keyspace.isStill) {
      const begunMs = observation.events.begin();
      expiry.hotCycle(Math.min(EXPIRY_MAX_MS, (1000 / values.hz) * EXPIRY_SHARE));
      observation.events.end("expire-cycle", begunMs);
      if (tier !== undefined && warmer !== undefined) void expiry.coldCycle(tier, warmer);
    }
    keyspace.freeRetired(FREE_PER_CALL);
    this.server.tracking.cron();
    const { bytes, replicaBytes } = clients.measure();
    const streamBytes = this.server.replication.backlogBytes;
    budget.measureOverhead(bytes + replicaBytes + streamBytes + dispatcher.scripts.memoryBytes);
    // Before other snapshots: replicas wait for theirs.
    this.server.replication.cron();
    aof.startScheduled();
    saves.saveIfDue();
    aof.rewriteIfGrown(values["auto-aof-rewrite-min-size"], values["auto-aof-rewrite-percentage"]);
    saves.startScheduled();
    this.closeIdleClients();
    if (this.server.clientEviction.isOn) this.server.clientEviction.recount();
    this.server.outputLimits.checkAll();
    const nowMs = this.server.clock.monotonicMs();
    this.server.statistics.sample(this.server.dispatcher.calls.total, spiller?.spilledBytes ?? 0, nowMs);
    this.server.statistics.overLimit.sample(budget.isOver, nowMs);
    this.server.eventLoop.sample(nowMs);
    if (nowMs >= this.slowAtMs) {
      this.slowAtMs = nowMs + SLOW_EVERY_MS;
      aof.lookForFile();
      if (this.shrinksReplyBuffer) this.server.dispatcher.reply.shrink();
      this.server.migrations.targets.closeIdle();
      spiller?.run(true);
    }
    this.server.endTurn();
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      if (!this.isPaused) this.run();
      this.server.scrubber.tick();
      this.schedule();
    }, 1000 / this.server.config.values.hz);
  }

  private closeIdleClients(): void {
    const { clients, clock, config, world } = this.server;
    const { timeout } = config.values;
    if (timeout === 0) return;
    for (const connection of clients) {
      const isWaiting = connection.parked && connection.debugSession === undefined;
      if (isWaiting || connection.isSubscribed || connection.isMonitor) continue;
      if (connection.isReplica) continue;
      if (clock.nowMs - connection.lastActiveMs <= timeout * 1000) continue;
      world.log.verbose("Closing idle client");
      connection.close();
    }
  }
}

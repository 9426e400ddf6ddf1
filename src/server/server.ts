/**
 * The server: everything put together, and its clockwork. Knows all other folders; nothing knows it but main.
 *
 * It can run on any file system, store, clock and source of randomness, and without a socket: that is how crashes are
 * tested (test/crash).
 */
import type { Clock } from "../base/clock.ts";
import type { Files } from "../base/files.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { KeyValueStore, OpenStore } from "../cold/key-value-store.ts";
import type { ColdTier } from "../cold/tier.ts";
import { commandSpecs } from "../commands/all.ts";
import { CommandTable } from "../commands/table.ts";
import { Eviction } from "../keyspace/eviction.ts";
import { ActiveExpiry } from "../keyspace/expiry.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import { Spiller } from "../keyspace/spiller.ts";
import { TierWalk } from "../keyspace/tier-walk.ts";
import { Warmer } from "../keyspace/warmer.ts";
import type { AofDirectory } from "../persistence/aof/directory.ts";
import type { CheckpointParts } from "../persistence/checkpoint.ts";
import type { DumpVerifier, InlineVerifier } from "../persistence/dump-verifier.ts";
import type { PartThreads } from "../persistence/rdb-loading/load-helpers.ts";
import type { OpenAofVerifier } from "../persistence/recovery.ts";
import type { DecoderLimits } from "../protocol/request-decoder.ts";
import { Acl } from "./acl/acl.ts";
import { isLocalAddress, refusalOf } from "./admission.ts";
import { AofState } from "./aof-state.ts";
import { rewriteLog } from "./appendonly.ts";
import { ClientEviction } from "./client-eviction.ts";
import { ClientPause } from "./client-pause.ts";
import { ClientRegistry } from "./client-registry.ts";
import type { Config } from "./config/config.ts";
import { applyConfig } from "./config-hooks.ts";
import { Connection, type ConnectionHost } from "./connection.ts";
import { Cron } from "./cron.ts";
import { Dispatcher } from "./dispatcher.ts";
import { EarlyClients } from "./early-clients.ts";
import { EventLoopFigures } from "./event-loop.ts";
import { KeyNotifications } from "./key-notifications.ts";
import { LoadProgress } from "./load-progress.ts";
import { LogPresence } from "./log-presence.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { Migrations } from "./migration/migrations.ts";
import { Observation } from "./observation/observation.ts";
import { OutputLimits } from "./output-limits.ts";
import { Propagation } from "./propagation.ts";
import { Replication } from "./replication/replication.ts";
import { ReplyGate } from "./reply-gate.ts";
import { SaveState } from "./save-state.ts";
import { Scrubber } from "./scrubber.ts";
import { Services } from "./services.ts";
import { Statistics } from "./statistics.ts";
import { InvalidationSender } from "./tracking/invalidation-sender.ts";
import { Tracking } from "./tracking/tracking.ts";
import type { Transport, TransportEvents } from "./transport/transport.ts";
import { sleep, TurnEnd } from "./turn-end.ts";
import { WebRequests } from "./web-requests.ts";

/** The outside world. */
export interface World {
  readonly files: Files;
  readonly openStore: OpenStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Who reads dumps back before they count, small ones perhaps by what is given; without, all are read by that. */
  readonly createVerifier?: (small: InlineVerifier) => DumpVerifier;
  /** Who verifies a large append-only file while it is loaded; without, the thread that loads it. */
  readonly openAofVerifier?: OpenAofVerifier;
  /** Resolves after so many milliseconds; without, a timer tells when that is. */
  readonly sleep?: (milliseconds: number) => Promise<void>;
  /** Threads that help to load large RDB files. */
  readonly partThreads?: PartThreads;
}

/** Levels of redis.log. */
/** Of commands that take a start as long as reading a record, changing it in memory and writing it again. (Rather too
 * few: it takes as long as loading 4 KB of a base file. But then rewrites would never end.) */
const OUTDATED_RECORD_BYTES = 512;
const SCRIPT_LOG_LEVELS = ["debug", "verbose", "notice", "warning"] as const;

export class Server implements ConnectionHost {
  readonly world: World;
  readonly config: Config;
  readonly clock: Clock;
  readonly keyspace: Keyspace;
  readonly tier: ColdTier | undefined;
  readonly tierFolder: string;
  readonly warmer: Warmer | undefined;
  readonly spiller: Spiller | undefined;
  readonly table: CommandTable;
  readonly observation: Observation;
  readonly budget: MemoryBudget;
  readonly eviction: Eviction;
  readonly expiry: ActiveExpiry;
  readonly gate = new ReplyGate();
  readonly propagation = new Propagation();
  readonly aof: AofState;
  readonly saves: SaveState;
  readonly clients = new ClientRegistry();
  readonly statistics = new Statistics();
  readonly eventLoop = new EventLoopFigures();
  readonly outputLimits: OutputLimits;
  readonly replication: Replication;
  readonly walk: TierWalk;
  readonly acl: Acl;
  readonly services: Services;
  readonly dispatcher: Dispatcher;
  readonly notifications: KeyNotifications;
  readonly tracking: Tracking;
  readonly pause: ClientPause;
  private readonly earlyClients: EarlyClients;
  readonly migrations: Migrations;
  readonly clientEviction: ClientEviction;
  readonly cron: Cron;
  readonly scrubber = new Scrubber(this);
  readonly decoderLimits: DecoderLimits;
  readonly startedMs: number;
  /** Data is being loaded: clients are told so. */
  isLoading = true;
  readonly progress: LoadProgress;
  /** The server is ending, or all data is being replaced: no command is executed. */
  isStopping = false;
  /** Listens as `port` and `bind` say now, or, if that is not possible, rejects and listens as before. */
  listen: () => Promise<void> = async () => {};
  /** Without a tier, what keeps other servers off the data directory. */
  lock: KeyValueStore | undefined;
  private readonly turnEnd = new TurnEnd(() => this.endTurn());
  /** See TurnEnd.pass: for work that is done in slices between the turns. */
  readonly passTurn: () => Promise<void> = this.turnEnd.pass;
  readonly sleep: (milliseconds: number) => Promise<void>;

  /** @param tierFolder name of the tier's folder in the data directory */
  constructor(
    world: World,
    config: Config,
    keyspace: Keyspace,
    tier: ColdTier | undefined,
    tierFolder: string,
  ) {
    this.world = world;
    this.sleep = world.sleep ?? sleep;
    this.tierFolder = tierFolder;
    this.config = config;
    this.table = new CommandTable(commandSpecs, config.renamings);
    this.clock = world.clock;
    this.keyspace = keyspace;
    this.tier = tier;
    this.startedMs = world.clock.nowMs;
    this.observation = new Observation(world.clock, this.table);
    this.budget = new MemoryBudget(keyspace, tier, config.values["cold-tier-spill-all"]);
    this.eviction = new Eviction(keyspace);
    this.expiry = new ActiveExpiry(keyspace);
    this.outputLimits = new OutputLimits(this);
    this.walk = new TierWalk(keyspace, tier);
    this.decoderLimits = {
      maxBulkLength: config.values["proto-max-bulk-len"],
      queryBufferLimit: config.values["client-query-buffer-limit"],
    };
    if (tier !== undefined) {
      this.warmer = new Warmer(keyspace, tier);
      this.spiller = this.createSpiller(tier, this.warmer);
    }
    this.aof = new AofState({
      clock: world.clock,
      log: world.log,
      rewriteWith: (files) => rewriteLog(this, files),
      isSaving: () => this.saves.isBusy,
      presence: new LogPresence(world.files, world.log),
      tierWorkBytes: () =>
        tier === undefined ? 0 : tier.writtenBytes + keyspace.outdatedRecords * OUTDATED_RECORD_BYTES,
    });
    this.saves = new SaveState(this);
    this.replication = new Replication(this);
    this.progress = new LoadProgress(world, config);
    this.acl = this.createAcl();
    config.onChange("requirepass", () => this.acl.applyRequirepass());
    this.services = new Services(this);
    this.tracking = this.createTracking();
    this.clientEviction = new ClientEviction(this.clients, world.log, this.turnEnd.schedule);
    this.pause = new ClientPause({
      keyspace,
      mayScriptWrite: (command, request) => this.dispatcher.scripts.mayWrite(command, request),
      resume: (connection) => this.dispatcher.resume(connection),
      scheduleTurnEnd: this.turnEnd.schedule,
    });
    this.earlyClients = this.createEarlyClients();
    this.migrations = new Migrations(this);
    this.dispatcher = this.createDispatcher();
    this.notifications = new KeyNotifications(keyspace, this.dispatcher.pubsub);
    this.dispatcher.reply.onError = (text) => this.statistics.countError(text);
    this.observation.attach(this.dispatcher, config, this.warmer, this.turnEnd.schedule);
    this.propagation.context = this.dispatcher;
    keyspace.functions = this.dispatcher.scripts.functions;
    this.followRemovals(keyspace);
    this.cron = new Cron(this);
    applyConfig(this);
  }

  /** What the keyspace deletes of its own accord goes to the append-only file and to replicas. */
  private followRemovals(keyspace: Keyspace): void {
    keyspace.onKeyRemoved = (database, key) => {
      keyspace.watchers?.changed(database, key);
      this.propagation.removed(database, key);
      this.turnEnd.schedule();
    };
    keyspace.onFieldsExpired = (database, key, fields) => {
      this.propagation.fieldsExpired(database, key, fields);
      this.turnEnd.schedule();
    };
  }

  /** Takes a new connection; undefined refuses it. */
  accept(transport: Transport): TransportEvents | undefined {
    const { values } = this.config;
    const isLocalOnly = values["protected-mode"] && this.acl.isOpen;
    const refusal = refusalOf(values.maxclients, isLocalOnly, this.clients.size, transport.remoteAddress);
    if (refusal !== undefined) {
      this.clients.rejected++;
      const reply = Buffer.from(`-${refusal}\r\n`);
      transport.send(reply, 0, reply.length);
      return undefined;
    }
    this.clients.totalReceived++;
    const connection = new Connection(this.clients.nextId(), transport, this);
    this.acl.begin(connection);
    this.clients.add(connection);
    return connection;
  }

  run(connection: Connection): void {
    if (!this.isStopping) this.dispatcher.run(connection);
  }

  /** Executes commands again after `isStopping`: those that arrived meanwhile, too. */
  goOn(): void {
    this.isStopping = false;
    this.cron.start();
    for (const connection of this.clients) {
      if (!connection.parked) connection.goOn();
    }
  }

  closed(connection: Connection): void {
    this.clients.remove(connection);
    this.clientEviction.forget(connection);
    this.observation.remove(connection);
    this.tracking.forget(connection);
    this.dispatcher.forget(connection);
    this.replication.forget(connection);
    this.budget.clientGone(connection.isReplica ? connection.ownBytes : connection.memoryBytes);
  }

  drained(connection: Connection): void {
    this.replication.drained(connection);
  }

  /** A client becomes a replica: from now on it gets only what replication sends. */
  becameReplica(connection: Connection): void {
    this.tracking.forget(connection);
    this.dispatcher.pubsub.forgetClient(connection);
  }

  scheduleTurnEnd(): void {
    this.turnEnd.schedule();
  }

  /** What the commands of one turn asked for together. */
  endTurn(): void {
    if (this.dispatcher.scripts.runner.isBusy) {
      // Nothing may touch the data; what the script has done so far is not written. Others are told to wait.
      this.writeAndReply();
      return;
    }
    if (this.warmer?.hasWanted) this.warmer.issue();
    if (this.spiller === undefined && this.budget.isOver) this.evict();
    // Keys that expired, which no command told.
    if (this.dispatcher.waiting.hasReady) this.dispatcher.waiting.serveReady();
    this.tracking.endTurn();
    this.writeAndReply();
    this.clientEviction.run();
    if (this.spiller !== undefined) this.spill(this.spiller);
    this.dispatcher.gates.admit();
    this.dispatcher.resumeClients();
  }

  /** Chooses and packs what leaves memory, if it must. */
  private spill(spiller: Spiller): void {
    const { events } = this.observation;
    const begunMs = events.begin();
    spiller.run();
    events.end("spill-cycle", begunMs);
  }

  /** Hands what was appended to the disk, and sends the replies that need not wait for it. */
  private writeAndReply(): void {
    const { events } = this.observation;
    const begunMs = events.begin();
    this.aof.files?.writer.kick();
    events.end("aof-write", begunMs);
    this.observation.flushMonitors();
    this.releaseReplies();
    if (this.replication.isActive) this.replication.flush();
  }

  /** Sends all replies that may leave. Not in the middle of a command. */
  releaseReplies(): void {
    const { aof, gate } = this;
    this.dispatcher.outbox.flush();
    if (gate.heldPieces === 0) return;
    gate.release(aof.gatePosition);
    if (aof.failureText !== undefined) gate.releaseReaders(aof.gatePosition);
  }

  /** What a rewrite into `directory` works with. */
  checkpointParts(directory: AofDirectory): CheckpointParts {
    const { values } = this.config;
    return {
      files: this.world.files,
      clock: this.clock,
      log: this.world.log,
      keyspace: this.keyspace,
      directory,
      tier: this.tier,
      tierFolder: this.tierFolder,
      spiller: this.spiller,
      asCommands: !values["aof-use-rdb-preamble"],
      withTime: values["aof-timestamp-enabled"],
      incrementalFsync: values["aof-rewrite-incremental-fsync"],
      checksum: values.rdbchecksum,
      withAccess: this.tier !== undefined,
      isMidway: () => this.dispatcher.scripts.runner.isBusy,
      nextTurn: this.passTurn,
      sleep: this.sleep,
    };
  }

  /** Without a cold tier: makes room for memory that no write asks for, such as buffers of readers. */
  private evict(): void {
    if (this.isLoading || this.isStopping || this.keyspace.isStill) return;
    // Part of it with the next turn: the loop must not be held.
    if (this.freeMemory() && this.budget.isOver) this.scheduleTurnEnd();
  }

  /** Evicts by the policy; says whether enough is free, or will be. */
  private freeMemory(): boolean {
    const { budget, config, dispatcher, eviction, keyspace, tracking } = this;
    // While clients are paused, nothing goes; and who may write then, as an exception, may.
    if (keyspace.isStill) return true;
    const policy = config.values["maxmemory-policy"];
    const samples = config.values["maxmemory-samples"];
    const { events } = this.observation;
    const begunMs = events.begin();
    const isDone = eviction.freeMemory(policy, samples, budget.limitBytes, () => budget.chargedBytes);
    events.end("eviction-cycle", begunMs);
    // A client that caches a key has to hear of its end before a reply that was made after that.
    if (tracking.hasPending && dispatcher.current?.isExecuting !== true) tracking.deliver();
    return isDone;
  }

  private createTracking(): Tracking {
    const { clients, config, keyspace, propagation } = this;
    return new Tracking({
      keyspace,
      sender: new InvalidationSender(clients, () => this.dispatcher.pushes),
      clientById: (id) => clients.byId(id),
      currentClient: () => this.dispatcher.current,
      changer: () => this.dispatcher.client,
      scriptCall: () => this.dispatcher.scripts.runner.caller,
      table: this.table,
      countEffects: () => propagation.commandEffects,
      maxKeys: () => config.values["tracking-table-max-keys"],
      scheduleTurnEnd: this.turnEnd.schedule,
    });
  }

  private createSpiller(tier: ColdTier, warmer: Warmer): Spiller {
    const { budget, config, keyspace, world } = this;
    return new Spiller({
      keyspace,
      tier,
      warmer,
      log: world.log,
      budget,
      samplesPerVictim: () => config.values["maxmemory-samples"],
      logBytes: () => this.aof.leavingBytes,
      onBatch: () => {
        if (this.dispatcher.scripts.runner.isBusy) return;
        this.spiller!.run();
        this.dispatcher.gates.admit();
      },
    });
  }

  private createEarlyClients(): EarlyClients {
    const { config, progress, world } = this;
    return new EarlyClients({
      clock: world.clock,
      progress,
      isLoading: () => this.isLoading,
      unheardBytes: () => config.values["loading-process-events-interval-bytes"],
      resume: (connection) => this.dispatcher.resume(connection),
    });
  }

  private createAcl(): Acl {
    const { config, world } = this;
    return new Acl({
      table: this.table,
      settings: config.values,
      resolve: (path) => config.resolve(path),
      files: world.files,
      clock: world.clock,
      random: world.random,
      log: world.log,
      clients: this.clients,
      present: () => this.dispatcher.client,
    });
  }

  private createDispatcher(): Dispatcher {
    return new Dispatcher({
      keyspace: this.keyspace,
      table: this.table,
      acl: this.acl,
      budget: this.budget,
      freeMemory: () => this.freeMemory(),
      gate: this.gate,
      outputLimits: this.outputLimits,
      effects: this.propagation,
      services: this.services,
      slowLog: this.observation.slowLog,
      events: this.observation.events,
      aof: this.aof,
      saves: this.saves,
      replication: this.replication,
      tracking: this.tracking,
      pause: this.pause,
      heldKeys: this.migrations.heldKeys,
      warmer: this.warmer,
      spiller: this.spiller,
      scheduleTurnEnd: this.turnEnd.schedule,
      flushNow: () => this.writeAndReply(),
      isLoading: () => this.isLoading,
      earlyClients: this.earlyClients,
      walk: this.walk,
      webRequests: new WebRequests(this.clock, this.world.log),
      maxmemoryBytes: () => this.budget.limit,
      busyThresholdMs: () => this.config.values["busy-reply-threshold"],
      log: (level, text) => this.world.log[SCRIPT_LOG_LEVELS[level]](text),
      isDebugAllowed: ({ address }) => this.services.debugging.isAllowed(isLocalAddress(address)),
      onQueryBufferLimit: (connection) => {
        this.clients.queryBufferLimitDisconnections++;
        this.world.log.warning(
          `Closing client that reached max query buffer length: id=${connection.id} addr=${connection.address}`,
        );
      },
      onReplyTooLarge: (connection) => {
        this.clients.outputBufferLimitDisconnections++;
        this.world.log.warning(
          `Client id=${connection.id} addr=${connection.address} closed: the reply to ${connection.lastCommand} is too large.`,
        );
      },
    });
  }
}

/**
 * Executes requests: finds the command, passes it through the gates in Redis's order, warms its cold keys, runs its
 * handler, and hands the reply on. One request at a time; between the last warmed key and the append of the effects
 * there is no await, so every command is atomic.
 */
import type { CommandContext, Continuation, KeyWait } from "../commands/context.ts";
import type { ServerServices } from "../commands/services.ts";
import type { CompiledCommand } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import { type Fetch, RESIDENT, UNREADABLE } from "../keyspace/warmer.ts";
import { DONE, type Outcome, SUSPENDED } from "../protocol/outcome.ts";
import { ReplyWriter } from "../protocol/reply-writer.ts";
import { Request } from "../protocol/request.ts";
import { RequestBatch } from "../protocol/request-batch.ts";
import { NEED_MORE, QUERY_BUFFER_LIMIT } from "../protocol/request-decoder.ts";
import { coldKeyUnreadable } from "../protocol/tier-errors.ts";
import { CommandChecks } from "./command-checks.ts";
import { type Connection, isMuted } from "./connection.ts";
import type { DispatcherParts } from "./dispatcher-parts.ts";
import { runHandler } from "./handler-run.ts";
import { KeyResidency } from "./key-residency.ts";
import { Calls } from "./observation/calls.ts";
import { Outbox } from "./outbox.ts";
import { Prefetch } from "./prefetch.ts";
import { PubSub } from "./pubsub.ts";
import { Pushes } from "./pushes.ts";
import { Scripts } from "./scripts.ts";
import { SnapshotGate } from "./snapshot-gate.ts";
import { Suspension } from "./suspension.ts";
import type { Transaction } from "./transaction.ts";
import { type GroupedEffects, isExec, type TransactionHost, Transactions } from "./transactions.ts";
import { type Answerer, WaitingClients } from "./waiting-clients.ts";
import { type Nature, WAIT, WriteGates } from "./write-gates.ts";

/** Requests executed for one connection before others get their turn. */
const REQUESTS_PER_RUN = 128;
/** With this much to send, the rest of a pipeline comes after it. */
const LARGE_REPLY_BYTES = 1024 * 1024;

export class Dispatcher implements CommandContext, Answerer, TransactionHost {
  request = new Request();
  readonly reply = new ReplyWriter();
  readonly outbox: Outbox;
  readonly pushes = new Pushes(this);
  readonly pubsub = new PubSub(this);
  client!: Connection;
  /** Whose run is just executed. (`client` is also who is served because of it.) */
  current: Connection | undefined;
  db!: Database;
  readonly keyspace: Keyspace;
  readonly effects: GroupedEffects;
  readonly server: ServerServices;
  readonly gates: WriteGates;
  readonly checks: CommandChecks;
  private readonly snapshotGate: SnapshotGate;
  private readonly parts: DispatcherParts;
  private readonly batch = new RequestBatch();
  private readonly prefetch: Prefetch;
  /** Absent when the cold tier is off. */
  private readonly residency: KeyResidency | undefined;
  /** The next command of this run waited for cold keys, and has them now; they stay in memory until it is done. */
  private hasKeysReady = false;
  private held = new Set<Fetch>();
  readonly transactions: Transactions;
  readonly scripts: Scripts;
  readonly waiting: WaitingClients;
  private readonly resumable: Connection[] = [];
  /** The command whose handler runs. */
  command: CompiledCommand | undefined;
  readonly calls: Calls;
  private readonly suspension = new Suspension(this);

  constructor(parts: DispatcherParts) {
    this.parts = parts;
    this.checks = new CommandChecks(parts);
    this.gates = new WriteGates(parts);
    this.snapshotGate = new SnapshotGate(parts.keyspace);
    this.outbox = new Outbox({
      reply: this.reply,
      aof: parts.aof,
      gate: parts.gate,
      limits: parts.outputLimits,
      scheduleFlush: parts.scheduleTurnEnd,
      flushNow: parts.flushNow,
    });
    this.keyspace = parts.keyspace;
    this.prefetch = new Prefetch(parts.keyspace);
    this.residency = parts.warmer && new KeyResidency(parts.keyspace, parts.warmer, parts.table);
    this.waiting = new WaitingClients(parts.keyspace, parts.warmer, this);
    this.effects = parts.effects;
    this.server = parts.services;
    this.calls = new Calls({ ...parts, clock: parts.keyspace.clock, reply: this.reply });
    this.transactions = new Transactions(this, parts);
    this.scripts = new Scripts(this, { ...parts, clock: parts.keyspace.clock, pubsub: this.pubsub });
  }

  /** Executes what the connection's decoder has, until it is empty or the connection parks or closes. */
  run(connection: Connection): void {
    const held = connection.fetches;
    this.held = held;
    const holdsSome = held.size > 0;
    if (holdsSome) connection.fetches = new Set();
    this.hasKeysReady = holdsSome;
    const { batch } = this;
    const { decoder } = connection;
    this.client = connection;
    this.current = connection;
    this.reply.resp = connection.resp;
    let left = REQUESTS_PER_RUN;
    while (!connection.isClosing && left > 0) {
      const result = batch.fill(decoder);
      if (batch.count === 0) {
        if (result !== NEED_MORE) this.refuse(connection, result);
        break;
      }
      left -= batch.count;
      if (!this.executeBatch(connection)) break;
    }
    if (left <= 0 && !connection.parked && !connection.isClosing) this.yieldTo(connection);
    const { replication } = this.parts;
    if (replication.isActive) replication.endRun(connection, this.outbox.hasUnqueued);
    this.outbox.add(connection);
    this.current = undefined;
    if (connection.isClosing || connection.hasEnded) connection.closeIfDone();
    // Not what `held` holds by now: if it was empty it is still the connection's set, and a command may have parked.
    if (!holdsSome) return;
    this.parts.warmer!.release(held);
    if (this.gates.waiting > 0) this.parts.scheduleTurnEnd();
  }

  /** Executes the requests of the batch. False if the connection parks before the last of them is done, or closes. */
  private executeBatch(connection: Connection): boolean {
    const { batch, prefetch, reply } = this;
    const { tracking } = this.parts;
    const isPrefetched = batch.count > 1 && prefetch.load(batch, this.keyspace.databases[connection.dbIndex]);
    this.calls.beginBatch(connection, batch.count, batch.bytes);
    try {
      for (let i = 0; i < batch.count; i++) {
        if (isPrefetched) prefetch.begin(batch, i);
        this.request = batch.select(connection.decoder, i);
        const replyStart = reply.end;
        const wasMuted = isMuted(connection);
        const outcome = this.execute(connection);
        this.hasKeysReady = false;
        if (outcome === SUSPENDED) return false;
        if (reply.hasOverflowed) this.dropReply(connection, replyStart);
        // Of a transaction that mutes its client, the replies of before stay.
        if (connection.replyMode !== "on") this.muteReply(connection, wasMuted ? replyStart : reply.end);
        if (tracking.hasPending || connection.tracking !== undefined) tracking.commandDone(this);
        if (this.waiting.hasReady && !this.scripts.runner.isBusy) this.serveWaiting(connection);
        if (connection.isClosing) return false;
        if (this.outbox.bytes >= LARGE_REPLY_BYTES) this.outbox.add(connection);
      }
    } finally {
      if (isPrefetched) prefetch.end();
      this.calls.endBatch();
    }
    return true;
  }

  suspend<T>(work: Promise<T>, finish: Continuation<T>): Outcome {
    return this.suspension.begin(work, finish);
  }

  /** The connection is gone: nothing may wait for it. */
  forget(connection: Connection): void {
    this.waiting.forget(connection);
    connection.debugSession?.clientGone();
    this.transactions.end(connection);
    this.pubsub.forgetClient(connection);
    this.parts.warmer?.cancel(connection);
    this.gates.forget(connection);
    this.parts.pause.forget(connection);
  }

  private execute(connection: Connection): Outcome {
    const { request } = this;
    const { pause, table } = this.parts;
    const command = connection.isReplay ? table.findLogged(request) : table.findExact(request);
    if (command === undefined) {
      connection.lastCommand = "";
      if (!connection.isReplay && this.parts.webRequests.closes(connection, request)) return DONE;
      return this.reject(undefined, this.checks.unknown(request));
    }
    // CLIENT LIST and ACL LOG show those that are refused, too. The garbage collector is told of each store.
    if (connection.lastCommand !== command.fullName) connection.lastCommand = command.fullName;
    const refusal = this.checks.refusalOf(command, request, connection);
    if (refusal !== undefined)
      return this.checks.postpones(refusal, connection) ? SUSPENDED : this.reject(command, refusal);
    this.db = this.keyspace.databases[connection.dbIndex];
    if (this.scripts.runner.refuses(command)) return this.refuseBusy(command, connection);
    if (pause.isOn && pause.postpones(command, request, connection)) return SUSPENDED;
    const { transaction } = connection;
    if (transaction !== undefined) {
      const outcome = this.executeInTransaction(transaction, command, connection);
      if (outcome !== undefined) return outcome;
    } else if (command.isWrite) {
      const refused = this.refuseWrite(command, command, connection);
      if (refused !== undefined) return refused;
    } else if (command.runsScripts && this.gates.mustScriptWait(connection, this.hasKeysReady)) {
      return SUSPENDED;
    }
    if (command.needsKeysHot && this.residency !== undefined && this.parts.warmer!.hasRecords) {
      const warmed = this.warmKeys(this.residency, command, connection);
      if (warmed !== undefined) return warmed;
    }
    const { heldKeys } = this.parts;
    if (this.keyspace.snapshots.active && this.snapshotGate.mustWait(command, request, connection))
      return this.parkHolding(connection);
    if (heldKeys.isActive && heldKeys.mustWait(command, request, connection))
      return this.parkHolding(connection);
    return this.invoke(command, connection);
  }

  /** A script runs for long, or waits for the disk. Who waited for something when it began waits on. */
  private refuseBusy(command: CompiledCommand, connection: Connection): Outcome {
    if (!this.hasKeysReady && this.scripts.tellsBusy) return this.reject(command, this.scripts.busyError!);
    connection.parkAgain();
    this.resumable.push(connection);
    return SUSPENDED;
  }

  /** Parks the connection until others are done with its keys, which stay in memory. */
  private parkHolding(connection: Connection): Outcome {
    if (this.hasKeysReady) this.parts.warmer!.goOnHolding(this.held, connection);
    connection.parkAgain();
    return SUSPENDED;
  }

  /** A command between MULTI and EXEC, or EXEC. Undefined lets it through to be executed. */
  private executeInTransaction(
    transaction: Transaction,
    command: CompiledCommand,
    connection: Connection,
  ): Outcome | undefined {
    if (command.isQueued) {
      // What is queued takes memory, whatever it will do.
      const refused = this.refuseWrite(command, { isWrite: command.isWrite, denyOom: true }, connection);
      if (refused !== undefined) return refused;
      return this.transactions.queue(transaction, command);
    }
    if (!isExec(command)) return undefined;
    const refused = this.refuseWrite(command, transaction, connection);
    if (refused !== undefined) return refused;
    const { residency } = this;
    if (residency === undefined || !this.parts.warmer!.hasRecords) return undefined;
    if (transaction.hasErrors || connection.hasLostWatch) return undefined;
    // Once only: what is missing after that is read on the spot.
    const isMissing = !this.hasKeysReady && residency.ofAll(transaction, connection) !== RESIDENT;
    if (transaction.hasWalks) {
      const reading = this.transactions.readForWalks(residency.walksOf(transaction, connection), isMissing);
      if (reading !== undefined) return this.parkUntil(reading, connection);
    }
    if (!isMissing) return undefined;
    residency.wantAll(transaction, connection);
    return this.parkForKeys(residency, connection);
  }

  /** Has the connection execute its command again once `work` is done, which never rejects. */
  private parkUntil(work: Promise<void>, connection: Connection): Outcome {
    connection.parkAgain();
    void work.then(() => connection.goOn());
    return SUSPENDED;
  }

  executeQueued(command: CompiledCommand, request: Request): Outcome {
    const { client, residency, reply } = this;
    this.request = request;
    this.db = this.keyspace.databases[client.dbIndex];
    const replyStart = reply.end;
    let outcome: Outcome = DONE;
    if (
      command.needsKeysHot &&
      residency !== undefined &&
      this.parts.warmer!.hasRecords &&
      residency.of(command, request, client) === UNREADABLE
    ) {
      this.refuseUnreadable(client);
      this.calls.refused(command);
    } else {
      outcome = this.invoke(command, client);
    }
    if (client.replyMode === "off") reply.end = replyStart;
    return outcome;
  }

  resumeQueued(command: CompiledCommand, request: Request, rest: () => Outcome): Outcome {
    const { calls, client, reply } = this;
    this.command = command;
    this.request = request;
    this.db = this.keyspace.databases[client.dbIndex];
    const replyStart = reply.end;
    const resumedMs = this.keyspace.clock.monotonicMs();
    const outcome = rest();
    if (outcome === DONE) calls.endBlocked(command, client, resumedMs);
    if (client.replyMode === "off") reply.end = replyStart;
    return outcome;
  }

  private invoke(command: CompiledCommand, connection: Connection): Outcome {
    const { calls, reply, request } = this;
    this.keyspace.touching = !connection.noTouch;
    this.command = command;
    reply.begin(command.isWrite, connection.isExecuting);
    const begunMs = calls.begin(command, request, connection);
    const { mayHaveEffects } = command;
    if (mayHaveEffects) this.effects.beginCommand();
    const outcome = runHandler(command, this);
    if (mayHaveEffects) this.effects.endCommand();
    reply.finish();
    calls.end(command, request, connection, begunMs, outcome);
    if (connection.tracking !== undefined && command.isTracked) {
      this.parts.tracking.remember(connection, command, this.request);
    }
    if (this.suspension.work !== undefined) this.suspension.wait(connection, command);
    if (mayHaveEffects) this.afterEffects(connection, command.isWrite);
    return outcome;
  }

  /** The reply was too large: the client cannot be answered, and what follows would be taken for the answer. */
  private dropReply(connection: Connection, replyStart: number): void {
    this.reply.hasOverflowed = false;
    this.takeBack(replyStart);
    if (connection.isReplay) return;
    connection.closeAfterReply();
    this.parts.onReplyTooLarge(connection);
  }

  /** Bookkeeping after a command that may have changed something. What a reading command changes (PFCOUNT keeps what
   * it counted) is no write of the client's: he must not wait for a disk that takes none. */
  afterEffects(connection: Connection, isWrite: boolean): void {
    if (this.keyspace.watchers !== undefined) this.keyspace.watchers.settle();
    const { aof, replication } = this.parts;
    if (replication.isActive) replication.wrote(connection);
    if (!aof.enabled || connection.lastWritePosition === aof.appended) return;
    if (isWrite) connection.lastWritePosition = aof.appended;
    this.parts.scheduleTurnEnd();
  }

  private reject(command: CompiledCommand | undefined, text: string): Outcome {
    if (command !== undefined) {
      command.rejectedCalls++;
      // Whoever watches saw MULTI, and is to see that it is over.
      if (isExec(command)) this.calls.monitors?.show(command, this.request, this.client);
    }
    return this.reply.error(this.transactions.refusal(command, text));
  }

  /** Undefined lets the command through the gates for writes. */
  private refuseWrite(command: CompiledCommand, nature: Nature, connection: Connection): Outcome | undefined {
    // Nothing is spilled while walks of a transaction are prepared: it would wait for itself.
    const isReady = this.hasKeysReady || connection.walks !== undefined;
    const refusal = this.gates.check(nature, connection, isReady);
    if (refusal === undefined) return undefined;
    return refusal === WAIT ? SUSPENDED : this.reject(command, refusal);
  }

  /** Undefined if all keys of the request are in memory or known to be absent; else the connection is parked (or
   * answered, if a key cannot be read). */
  private warmKeys(
    residency: KeyResidency,
    command: CompiledCommand,
    connection: Connection,
  ): Outcome | undefined {
    const state = residency.of(command, this.request, connection);
    if (state === RESIDENT) return undefined;
    if (state === UNREADABLE) {
      command.rejectedCalls++;
      return this.refuseUnreadable(connection);
    }
    residency.want(command, this.request, connection);
    return this.parkForKeys(residency, connection);
  }

  private refuseUnreadable(connection: Connection): Outcome {
    const { failure } = this.parts.warmer!;
    connection.replayFailure ??= failure;
    return this.reply.error(coldKeyUnreadable(failure!.message));
  }

  private parkForKeys(residency: KeyResidency, connection: Connection): Outcome {
    // It needs what it has as well: if that were forgotten meanwhile, it would never have all.
    if (this.hasKeysReady) this.parts.warmer!.goOnHolding(this.held, connection);
    residency.lookAhead(connection);
    connection.parkAgain();
    this.parts.scheduleTurnEnd();
    return SUSPENDED;
  }

  fetchKeys(keys: Iterable<Buffer>): Outcome | undefined {
    const { residency, client } = this;
    if (residency === undefined || !this.parts.warmer!.hasRecords) return undefined;
    const state = residency.wantFound(keys, client);
    if (state === RESIDENT) return undefined;
    if (state === UNREADABLE) return this.refuseUnreadable(client);
    return this.parkForKeys(residency, client);
  }

  /**
   * Runs a later part of a command: as its client, with its request, and queues what it answers. What is just executed
   * goes on as before.
   */
  answer(
    connection: Connection,
    command: CompiledCommand,
    request: Request,
    action: (ctx: CommandContext) => Outcome,
  ): Outcome {
    const { client, command: presentCommand, reply, request: present, db } = this;
    this.client = connection;
    this.command = command;
    this.request = request;
    this.db = this.keyspace.databases[connection.dbIndex];
    reply.resp = connection.resp;
    const replyStart = reply.end;
    const wasMuted = isMuted(connection);
    reply.begin(true, false);
    this.calls.resume();
    const resumedMs = this.keyspace.clock.monotonicMs();
    this.effects.beginCommand();
    const outcome = action(this);
    this.effects.endCommand();
    reply.finish();
    if (reply.hasOverflowed) this.dropReply(connection, replyStart);
    if (outcome === DONE) this.calls.endBlocked(command, connection, resumedMs);
    if (outcome === DONE && connection.replyMode !== "on")
      this.muteReply(connection, wasMuted ? replyStart : reply.end);
    if (command.isWrite) this.afterEffects(connection, true);
    this.outbox.add(connection);
    const { tracking } = this.parts;
    if (tracking.hasPending && outcome === DONE) tracking.deliver(connection);
    this.client = client;
    this.command = presentCommand;
    this.request = present;
    this.db = db;
    if (client !== undefined) reply.resp = client.resp;
    return outcome;
  }

  waitForKeys(wait: KeyWait): Outcome {
    const connection = this.client;
    if (connection.isReplay || connection.isExecuting) return wait.cannotWait?.(this) ?? wait.timeOut(this);
    connection.park();
    this.waiting.add(connection, this.command!, this.request, wait);
    return SUSPENDED;
  }

  /** Lets a connection go on whose command has been answered while another one's was executed. */
  resume(connection: Connection): void {
    this.resumable.push(connection);
    this.parts.scheduleTurnEnd();
  }

  /** Lets connections go on whose commands waited for keys. */
  resumeClients(): void {
    // Called at the end of each turn: to empty even an empty list goes through V8's runtime.
    if (this.resumable.length === 0) return;
    for (const connection of this.resumable.splice(0)) connection.goOn();
  }

  /** Serves clients that wait for what the last command brought. */
  private serveWaiting(connection: Connection): void {
    // Each piece of the output must hold one connection's replies only.
    this.outbox.add(connection);
    // What was brought may have expired, if that took long.
    this.keyspace.refreshClock();
    this.waiting.serveReady();
    if (this.parts.tracking.hasPending) this.parts.tracking.deliver();
  }

  /** Takes back what was written since `end` was `replyStart`, as far as it has not been cut for a push. */
  private takeBack(replyStart: number): void {
    this.reply.end = Math.max(replyStart, this.outbox.cutEnd);
  }

  /** CLIENT REPLY OFF and SKIP: takes the reply back. */
  private muteReply(connection: Connection, replyStart: number): void {
    const mode = connection.replyMode;
    this.takeBack(replyStart);
    if (mode === "skip") connection.replyMode = "on";
    else if (mode === "skip-next") connection.replyMode = "skip";
  }

  /** Lets others have their turn and goes on in the next. */
  private yieldTo(connection: Connection): void {
    connection.park();
    setImmediate(() => connection.goOn());
  }

  private refuse(connection: Connection, result: number): void {
    if (result === QUERY_BUFFER_LIMIT) {
      this.parts.onQueryBufferLimit(connection);
      connection.close();
      return;
    }
    if (connection.replyMode === "on") this.reply.error(`ERR ${connection.decoder.error}`);
    connection.closeAfterReply();
  }
}

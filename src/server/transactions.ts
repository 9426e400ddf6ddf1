/**
 * MULTI, EXEC, DISCARD, WATCH and UNWATCH: queues commands, and executes them in one piece.
 *
 * Within EXEC nothing else touches the data, and no command of it may wait. What it needs of the disk was fetched
 * before (dispatcher.ts); what cannot be known before, is read on the spot. Its effects are one group of the
 * append-only file.
 * Usually it runs in one synchronous stretch. If a script in it runs for long, EXEC is suspended with the script
 * (script-runner.ts): what it has answered so far is withheld, and it goes on where it was.
 */
import type { Effects, TransactionControl } from "../commands/context.ts";
import type { CompiledCommand } from "../commands/table.ts";
import { exec } from "../commands/transactions/transactions.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Spiller } from "../keyspace/spiller.ts";
import type { TierWalk } from "../keyspace/tier-walk.ts";
import type { Warmer } from "../keyspace/warmer.ts";
import { noPermissionAnyMore, TRANSACTION_HAD_ERRORS, transactionDiscarded } from "../protocol/errors.ts";
import { DONE, type Outcome, SUSPENDED } from "../protocol/outcome.ts";
import { MAX_BUFFER_BYTES, type ReplyWriter } from "../protocol/reply-writer.ts";
import { Request } from "../protocol/request.ts";
import type { Acl } from "./acl/acl.ts";
import { ALLOWED, DENIED_COMMAND, DENIED_KEY } from "./acl/permission-check.ts";
import { type Connection, isMuted } from "./connection.ts";
import type { Monitors } from "./observation/monitors.ts";
import type { Outbox } from "./outbox.ts";
import { type PlacedWish, PreparedWalks } from "./prepared-walks.ts";
import { Transaction } from "./transaction.ts";
import { WatchedKeys } from "./watched-keys.ts";

/** Effects that can be made one group: it takes place as a whole or not at all, whatever happens. */
export interface GroupedEffects extends Effects {
  beginGroup(): void;
  endGroup(): void;
  /** Takes all effects of the open group back: the process ends. */
  dropGroup(): void;
  /** Whether effects from now on do not go to the append-only file, or to replicas (redis.set_repl). */
  setMuted(isLogMuted: boolean, isStreamMuted: boolean): void;
  /** With true, effects from now on are neither propagated nor counted, those of expiry included. */
  setPrivate(isPrivate: boolean): void;
  /** What one command, or the rest of one, does is a group for replicas. */
  beginCommand(): void;
  endCommand(): void;
  /** Effects that commands have had so far. */
  readonly commandEffects: number;
}

/** The dispatcher, as far as transactions need it. */
export interface TransactionHost {
  readonly client: Connection;
  /** The command whose handler runs. */
  readonly command: CompiledCommand | undefined;
  readonly request: Request;
  readonly reply: ReplyWriter;
  readonly outbox: Outbox;
  readonly keyspace: Keyspace;
  readonly effects: GroupedEffects;
  readonly calls: { readonly monitors: Monitors | undefined };
  /** Executes a command that was queued, as the present client. Only scripts can be suspended. */
  executeQueued(command: CompiledCommand, request: Request): Outcome;
  /** Executes the rest of a queued command that was suspended. */
  resumeQueued(command: CompiledCommand, request: Request, rest: () => Outcome): Outcome;
  /** Runs a later part of a command, as its client. */
  answer(connection: Connection, command: CompiledCommand, request: Request, action: () => Outcome): Outcome;
  /** Bookkeeping after what may have changed something. */
  afterEffects(connection: Connection, isWrite: boolean): void;
}

export interface TransactionParts {
  readonly acl: Acl;
  /** Both absent when the cold tier is off. */
  readonly warmer: Warmer | undefined;
  readonly spiller: Spiller | undefined;
  readonly walk: TierWalk;
  readonly aof: { readonly appended: number };
}

/** EXEC that was suspended within a script. */
interface SuspendedExec {
  readonly client: Connection;
  readonly command: CompiledCommand;
  readonly request: Request;
  readonly transaction: Transaction;
  /** The command of the transaction that is the script. */
  place: number;
  /** It has answered more than a reply can be. */
  isTooLarge: boolean;
}

export class Transactions implements TransactionControl {
  readonly watched: WatchedKeys;
  private readonly host: TransactionHost;
  private readonly parts: TransactionParts;
  /** One that is done, for the next. */
  private spare: Transaction | undefined;
  /** Of the EXEC that runs, or ran last: the position of the append-only file before it. */
  position = 0;
  private suspended: SuspendedExec | undefined;

  constructor(host: TransactionHost, parts: TransactionParts) {
    this.host = host;
    this.parts = parts;
    this.watched = new WatchedKeys(host.keyspace, parts.warmer, () => host.effects.commandEffects);
  }

  begin(): void {
    this.host.client.transaction = this.spare ?? new Transaction();
    this.spare = undefined;
  }

  discard(): void {
    this.end(this.host.client);
  }

  watch(argument: number): void {
    const { client, keyspace, request } = this.host;
    // Nobody asks a log whether its transactions succeed.
    if (client.isReplay) return;
    this.watched.add(client, keyspace.databases[client.dbIndex], request.bytes(argument));
  }

  unwatch(): void {
    const { client } = this.host;
    this.watched.removeAll(client);
    client.hasLostWatch = false;
  }

  /** Answers QUEUED. A transaction that will fail anyhow takes no more memory. */
  queue(transaction: Transaction, command: CompiledCommand): Outcome {
    const { client, request, reply } = this.host;
    if (!transaction.hasErrors && !client.hasLostWatch) transaction.add(command, request);
    return reply.simple("QUEUED");
  }

  /** The error that the present client gets for a command that was refused with `text`, and what follows from it. */
  refusal(command: CompiledCommand | undefined, text: string): string {
    const { client } = this.host;
    if (command !== undefined && isExec(command)) {
      this.end(client);
      return transactionDiscarded(text);
    }
    if (client.transaction !== undefined) client.transaction.hasErrors = true;
    return text;
  }

  /**
   * Reads what walks of the present client's transaction need of the disk. Undefined if they need nothing.
   * @param willWait whether EXEC has to wait for something else: then keys may become cold meanwhile
   */
  readForWalks(wishes: readonly PlacedWish[], willWait: boolean): Promise<void> | undefined {
    const { client } = this.host;
    const { walk, spiller } = this.parts;
    const missing = wishes.filter((wish) => client.walks?.has(wish) !== true);
    if (missing.length === 0 || spiller === undefined) return undefined;
    if (!willWait && missing.every(({ database }) => database.coldSize === 0)) return undefined;
    client.walks ??= new PreparedWalks(walk, spiller);
    return client.walks.read(missing);
  }

  execute(): Outcome {
    const { host } = this;
    const { client, effects, reply } = host;
    const transaction = client.transaction!;
    const { hasErrors } = transaction;
    const isStale = client.hasLostWatch || this.watched.hasExpired(client);
    if (hasErrors || isStale) {
      this.end(client);
      return hasErrors ? reply.error(TRANSACTION_HAD_ERRORS) : reply.nullArray();
    }
    this.watched.removeAll(client);
    this.position = this.parts.aof.appended;
    reply.array(transaction.commands.length);
    effects.beginGroup();
    return this.goOn(transaction, undefined);
  }

  /** Has the suspended EXEC go on; first comes `rest`, which is that of the script. */
  resume(rest: () => Outcome): Outcome {
    const { client, command, request, transaction } = this.suspended!;
    return this.host.answer(client, command, request, () => this.goOn(transaction, rest));
  }

  /** What the suspended EXEC has done is dropped: the process ends. */
  drop(): void {
    const { suspended } = this;
    this.suspended = undefined;
    if (suspended !== undefined) this.end(suspended.client);
  }

  /** Executes a transaction from the beginning, or from where it was suspended. */
  private goOn(transaction: Transaction, rest: (() => Outcome) | undefined): Outcome {
    const { host } = this;
    const { client, effects } = host;
    const { commands, requests } = transaction;
    const { command, request } = this.suspended ?? host;
    const wasMuted = isMuted(client);
    let outcome: Outcome = DONE;
    let i = this.suspended?.place ?? 0;
    client.isExecuting = true;
    this.parts.walk.prepared = client.walks?.names;
    try {
      if (rest !== undefined) outcome = host.resumeQueued(commands[i], requests[i++], rest);
      for (; outcome === DONE && i < commands.length; i++)
        outcome = this.executeOne(commands[i], requests[i]);
    } finally {
      client.isExecuting = false;
      this.parts.walk.prepared = undefined;
      if (outcome === DONE) {
        effects.endGroup();
        this.finish(client);
      }
    }
    if (outcome === SUSPENDED) {
      this.suspended ??= {
        client,
        command: command!,
        request: Request.of(request.bytes(0)),
        transaction,
        place: 0,
        isTooLarge: false,
      };
      this.suspended.place = i - 1;
      this.withhold(this.suspended, wasMuted);
      return SUSPENDED;
    }
    host.afterEffects(client, transaction.isWrite);
    transaction.clear();
    this.spare = transaction;
    return DONE;
  }

  private executeOne(command: CompiledCommand, request: Request): Outcome {
    const { client, reply } = this.host;
    const lost = client.isRestricted ? this.lostPermission(command, request) : undefined;
    return lost === undefined
      ? this.host.executeQueued(command, request)
      : reply.error(noPermissionAnyMore(lost));
  }

  /** What the present client was allowed to do when the command was queued, and is not any more. */
  private lostPermission(command: CompiledCommand, request: Request): string | undefined {
    const result = this.parts.acl.judge(this.host.client, command, request, "multi");
    if (result === ALLOWED) return undefined;
    if (result === DENIED_COMMAND) return "no permission to execute the command or subcommand";
    if (result === DENIED_KEY) return "no permission to touch the specified keys";
    return "no permission to access one of the channels used as arguments";
  }

  /** Takes what the present client was answered since EXEC began, or went on, out of its output: it is sent when all is
   * done, since it may tell of what is not yet in the append-only file. */
  private withhold(suspended: SuspendedExec, wasMuted: boolean): void {
    const { client, outbox, reply } = this.host;
    suspended.isTooLarge ||= reply.hasOverflowed;
    reply.hasOverflowed = false;
    outbox.withhold(client, wasMuted || suspended.isTooLarge);
    suspended.isTooLarge ||= client.heldBytes > MAX_BUFFER_BYTES;
  }

  /** EXEC is done. */
  private finish(client: Connection): void {
    const { suspended } = this;
    this.suspended = undefined;
    this.end(client);
    if (suspended === undefined) return;
    const { calls, outbox, reply } = this.host;
    reply.hasOverflowed ||= suspended.isTooLarge;
    outbox.release(client, reply.hasOverflowed);
    if (client.tracking !== undefined) client.tracking.isCachingGiven = false;
    calls.monitors?.show(suspended.command, suspended.request, client);
  }

  /** Ends the transaction of a client, if it is in one, and all its watches. One that is suspended goes on, whatever
   * becomes of its client. */
  end(client: Connection): void {
    if (this.suspended?.client === client) return;
    client.transaction = undefined;
    client.hasLostWatch = false;
    client.walks?.release();
    client.walks = undefined;
    this.watched.removeAll(client);
  }
}

export function isExec(command: CompiledCommand): boolean {
  return command.spec === exec;
}

/**
 * MULTI, EXEC, DISCARD, WATCH and UNWATCH: queues commands, and executes them in one piece.
 *
 * Within EXEC nothing else happens: it runs in one synchronous stretch, so no command of it may wait. What it needs of
 * the disk was fetched before (dispatcher.ts); what cannot be known before, is read on the spot. Its effects are one
 * group of the append-only file.
 */
import type { Effects, TransactionControl } from "../commands/context.ts";
import type { CompiledCommand } from "../commands/table.ts";
import { exec } from "../commands/transactions/transactions.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Spiller } from "../keyspace/spiller.ts";
import type { TierWalk } from "../keyspace/tier-walk.ts";
import type { Warmer } from "../keyspace/warmer.ts";
import { noPermissionAnyMore, TRANSACTION_HAD_ERRORS, transactionDiscarded } from "../protocol/errors.ts";
import { DONE, type Outcome } from "../protocol/outcome.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";
import type { Acl } from "./acl/acl.ts";
import { ALLOWED, DENIED_COMMAND, DENIED_KEY } from "./acl/permission-check.ts";
import type { Connection } from "./connection.ts";
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
  readonly request: Request;
  readonly reply: ReplyWriter;
  readonly keyspace: Keyspace;
  readonly effects: GroupedEffects;
  /** Executes a command that was queued, as the present client. */
  executeQueued(command: CompiledCommand, request: Request): void;
  /** Bookkeeping after what may have changed something. */
  afterEffects(connection: Connection, isWrite: boolean): void;
}

export interface TransactionParts {
  readonly acl: Acl;
  /** Both absent when the cold tier is off. */
  readonly warmer: Warmer | undefined;
  readonly spiller: Spiller | undefined;
  readonly walk: TierWalk;
}

export class Transactions implements TransactionControl {
  readonly watched: WatchedKeys;
  private readonly host: TransactionHost;
  private readonly parts: TransactionParts;
  /** One that is done, for the next. */
  private spare: Transaction | undefined;

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
    const { commands, hasErrors, isWrite, requests } = transaction;
    const isStale = client.hasLostWatch || this.watched.hasExpired(client);
    if (hasErrors || isStale) {
      this.end(client);
      return hasErrors ? reply.error(TRANSACTION_HAD_ERRORS) : reply.nullArray();
    }
    this.watched.removeAll(client);
    reply.array(commands.length);
    effects.beginGroup();
    client.isExecuting = true;
    this.parts.walk.prepared = client.walks?.names;
    try {
      for (let i = 0; i < commands.length; i++) {
        const lost = client.isRestricted ? this.lostPermission(commands[i], requests[i]) : undefined;
        if (lost === undefined) host.executeQueued(commands[i], requests[i]);
        else reply.error(noPermissionAnyMore(lost));
      }
    } finally {
      client.isExecuting = false;
      this.parts.walk.prepared = undefined;
      effects.endGroup();
      this.end(client);
    }
    host.afterEffects(client, isWrite);
    transaction.clear();
    this.spare = transaction;
    return DONE;
  }

  /** What the present client was allowed to do when the command was queued, and is not any more. */
  private lostPermission(command: CompiledCommand, request: Request): string | undefined {
    const result = this.parts.acl.judge(this.host.client, command, request, "multi");
    if (result === ALLOWED) return undefined;
    if (result === DENIED_COMMAND) return "no permission to execute the command or subcommand";
    if (result === DENIED_KEY) return "no permission to touch the specified keys";
    return "no permission to access one of the channels used as arguments";
  }

  /** Ends the transaction of a client, if it is in one, and all its watches. */
  end(client: Connection): void {
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

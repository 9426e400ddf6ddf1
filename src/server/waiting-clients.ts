/**
 * Clients that wait for keys (BLPOP, BZPOPMIN, XREAD with BLOCK). Each waits in the queue of every key it named, and is
 * served when one of them comes to hold what it needs: the first come first, after the command that brought the key is
 * done, keys in the order in which they came.
 *
 * Keys are told apart by the number of their database, as clients see it: after SWAPDB they wait for what is now
 * there. Queues hold only names; what a key holds is looked up when its clients are served, since it may be gone
 * again.
 */

import { MAX_TIMER_MS } from "../base/clock.ts";
import type { CommandContext, KeyWait } from "../commands/context.ts";
import { keysOfRequest } from "../commands/key-positions.ts";
import type { CompiledCommand } from "../commands/table.ts";
import { nameOf } from "../keyspace/key-name.ts";
import type { Keyspace, KeyWaiters } from "../keyspace/keyspace.ts";
import { UNREADABLE, type Warmer } from "../keyspace/warmer.ts";
import { UNBLOCKED } from "../protocol/errors.ts";
import { DONE, type Outcome } from "../protocol/outcome.ts";
import { Request } from "../protocol/request.ts";
import { coldKeyUnreadable } from "../protocol/tier-errors.ts";
import type { CommandChecks } from "./command-checks.ts";
import type { Connection } from "./connection.ts";

/** What waiting clients need of the dispatcher. */
export interface Answerer {
  readonly checks: Pick<CommandChecks, "denialOf">;
  /** Runs `action` as a part of a command of `connection`, and queues what it answers. */
  answer(
    connection: Connection,
    command: CompiledCommand,
    request: Request,
    action: (ctx: CommandContext) => Outcome,
  ): Outcome;
  /** Lets the connection go on with its next command, once no other one is just executed. */
  resume(connection: Connection): void;
}

interface WaitingClient {
  readonly connection: Connection;
  /** The client's own copy: what it came from is overwritten by then. */
  readonly request: Request;
  readonly command: CompiledCommand;
  readonly wait: KeyWait;
  /** Names of its queues, and which argument each stands for. */
  readonly places: ReadonlyMap<string, number>;
  timer: NodeJS.Timeout | undefined;
}

interface ReadyKey {
  readonly dbIndex: number;
  readonly key: Buffer;
}

export class WaitingClients implements KeyWaiters {
  private readonly keyspace: Keyspace;
  private readonly warmer: Warmer | undefined;
  private readonly answerer: Answerer;
  private readonly clients = new Map<Connection, WaitingClient>();
  /** Who waits for a key, in the order of their coming. */
  private readonly queues = new Map<string, Set<WaitingClient>>();
  /** Keys that may have become what somebody waits for, in the order in which they did. */
  private ready = new Map<string, ReadyKey>();

  constructor(keyspace: Keyspace, warmer: Warmer | undefined, answerer: Answerer) {
    this.keyspace = keyspace;
    this.warmer = warmer;
    this.answerer = answerer;
  }

  /** How many do not wait for ever. */
  get withTimeout(): number {
    let count = 0;
    for (const client of this.clients.values()) if (client.timer !== undefined) count++;
    return count;
  }

  /** Keys that somebody waits for; and those of which somebody wants to hear that they are gone. */
  get keys(): { readonly all: number; readonly untilGone: number } {
    let untilGone = 0;
    for (const queue of this.queues.values()) if (wakesOnLoss(queue)) untilGone++;
    return { all: this.queues.size, untilGone };
  }

  get hasReady(): boolean {
    return this.ready.size > 0 && !this.keyspace.isStill;
  }

  /** Makes a client wait. */
  add(connection: Connection, command: CompiledCommand, request: Request, wait: KeyWait): void {
    const places = new Map<string, number>();
    for (let i = wait.first; i <= wait.last; i++) {
      const name = nameOf(connection.dbIndex, request.bytes(i));
      if (!places.has(name)) places.set(name, i);
    }
    const own = Request.of(...Array.from({ length: request.argc }, (_, i) => request.bytes(i)));
    const client: WaitingClient = { connection, request: own, command, wait, places, timer: undefined };
    for (const name of places.keys()) {
      const queue = this.queues.get(name);
      if (queue === undefined) this.queues.set(name, new Set([client]));
      else queue.add(client);
    }
    this.clients.set(connection, client);
    this.keyspace.waiters = this;
    connection.unblock = (asError) => {
      connection.unblock = undefined;
      // Not now: the reply of the client that asks for it is just being made.
      setImmediate(() =>
        this.end(client, (ctx) => (asError ? ctx.reply.error(UNBLOCKED) : wait.timeOut(ctx))),
      );
    };
    if (wait.timeoutMs > 0) this.startTimer(client, wait.timeoutMs);
  }

  /** The connection is gone. */
  forget(connection: Connection): void {
    const client = this.clients.get(connection);
    if (client !== undefined) this.remove(client);
  }

  keyReady(dbIndex: number, key: Buffer): void {
    const name = nameOf(dbIndex, key);
    if (this.queues.has(name) && !this.ready.has(name))
      this.ready.set(name, { dbIndex, key: Buffer.from(key) });
  }

  databaseReplaced(dbIndex: number): void {
    this.allReady(dbIndex, false);
  }

  /** Other keys come later, if at all, and take their places in the order then. */
  databaseEmptied(dbIndex: number): void {
    this.allReady(dbIndex, true);
  }

  /** All keys of a database that somebody waits for; or only those whose loss somebody wants to hear of. */
  private allReady(dbIndex: number, onlyLost: boolean): void {
    const prefix = `${dbIndex}:`;
    for (const [name, queue] of this.queues) {
      if (!name.startsWith(prefix) || (onlyLost && !wakesOnLoss(queue))) continue;
      this.keyReady(dbIndex, Buffer.from(name.slice(prefix.length), "latin1"));
    }
  }

  /** Serves the clients of all keys that are ready, those too that become so meanwhile (BLMOVE from key to key). */
  serveReady(): void {
    while (this.ready.size > 0) {
      const { ready } = this;
      this.ready = new Map();
      for (const [name, key] of ready) this.serveKey(name, key);
    }
  }

  private serveKey(name: string, key: ReadyKey): void {
    const queue = this.queues.get(name);
    if (queue === undefined) return;
    for (const client of queue) {
      const { wait } = client;
      const isWanted = this.typeOf(key) === wait.type;
      if (!isWanted && wait.wakesOnLoss !== true) continue;
      if (this.hasLostPermission(client) || !this.hasKeys(client)) continue;
      const position = client.places.get(name)!;
      const outcome = this.answer(client, (ctx) => wait.serve(ctx, position));
      if (outcome === DONE) this.finish(client);
    }
  }

  /** Whether the client's user may no longer do what it waits for: then it stops waiting, as in Redis 7.2. */
  private hasLostPermission(client: WaitingClient): boolean {
    const { command, connection, request } = client;
    if (!connection.isRestricted) return false;
    const denial = this.answerer.checks.denialOf(command, request, connection);
    if (denial !== undefined) this.end(client, ({ reply }) => reply.error(denial));
    return denial !== undefined;
  }

  /** The entry type of what the key holds now; -1 if it does not exist. */
  private typeOf({ dbIndex, key }: ReadyKey): number {
    const database = this.keyspace.databases[dbIndex];
    this.warmer?.fetchNow(database, key, 0, key.length);
    const address = database.peek(key, 0, key.length);
    return address === 0 ? -1 : this.keyspace.entries.type(address);
  }

  /** Has all keys of the request in memory: one that it writes to may have become cold while it waited. If one cannot
   * be read, the wait ends with that error. */
  private hasKeys(client: WaitingClient): boolean {
    const { warmer } = this;
    if (warmer === undefined || !warmer.hasRecords) return true;
    const { connection, request, command } = client;
    const database = this.keyspace.databases[connection.dbIndex];
    for (const { position } of keysOfRequest(command.spec, request, 0) ?? []) {
      const { buf, start, len } = request;
      if (warmer.fetchNow(database, buf, start[position], len[position]) !== UNREADABLE) continue;
      this.end(client, ({ reply }) => reply.error(coldKeyUnreadable(warmer.failure!.message)));
      return false;
    }
    return true;
  }

  private startTimer(client: WaitingClient, restMs: number): void {
    const stepMs = Math.min(restMs, MAX_TIMER_MS);
    client.timer = setTimeout(() => {
      if (restMs > stepMs) {
        this.startTimer(client, restMs - stepMs);
        return;
      }
      // As in Redis, a call that has waited in vain is in no histogram, nor in the slow log.
      client.connection.blockedCall = undefined;
      this.end(client, (ctx) => client.wait.timeOut(ctx));
    }, stepMs);
  }

  /** Ends the wait with an answer. */
  private end(client: WaitingClient, answer: (ctx: CommandContext) => Outcome): void {
    // It may have been served, or have gone, meanwhile.
    if (this.clients.get(client.connection) !== client) return;
    this.answer(client, answer);
    this.finish(client);
  }

  private answer(client: WaitingClient, action: (ctx: CommandContext) => Outcome): Outcome {
    return this.answerer.answer(client.connection, client.command, client.request, action);
  }

  private finish(client: WaitingClient): void {
    this.remove(client);
    this.answerer.resume(client.connection);
  }

  private remove(client: WaitingClient): void {
    clearTimeout(client.timer);
    client.connection.unblock = undefined;
    this.clients.delete(client.connection);
    for (const name of client.places.keys()) {
      const queue = this.queues.get(name)!;
      queue.delete(client);
      if (queue.size === 0) this.queues.delete(name);
    }
    if (this.clients.size === 0) this.keyspace.waiters = undefined;
  }
}

/** Whether one of them wants to hear that the key is gone. */
function wakesOnLoss(queue: Iterable<WaitingClient>): boolean {
  for (const { wait } of queue) if (wait.wakesOnLoss === true) return true;
  return false;
}

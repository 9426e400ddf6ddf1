/**
 * Client-side caching (CLIENT TRACKING): remembers which client has read which key, and tells it when the key changes,
 * so that it forgets what it has kept of it.
 *
 * That a key is about to change the keyspace says; whether it did, is known when the command is done (see
 * keyspace/key-watchers.ts). Messages leave when the command is over that caused them, those to the client itself last
 * and behind its reply: within a transaction or script, behind the reply of the whole. In broadcast mode they leave at
 * the end of the turn.
 *
 * While no client tracks keys, nothing here is called but what runs ten times a second, or when a connection closes.
 */
import type { Client } from "../../commands/client.ts";
import { keysOfRequest } from "../../commands/key-positions.ts";
import type { TrackingAccess, TrackingOptions } from "../../commands/services.ts";
import type { CommandTable, CompiledCommand } from "../../commands/table.ts";
import type { Database } from "../../keyspace/database.ts";
import type { KeyWatchers } from "../../keyspace/key-watchers.ts";
import type { Keyspace } from "../../keyspace/keyspace.ts";
import type { Request } from "../../protocol/request.ts";
import type { Connection } from "../connection.ts";
import { Broadcast } from "./broadcast.ts";
import type { InvalidationSender } from "./invalidation-sender.ts";
import { TrackingTable } from "./tracking-table.ts";

/** How many keys are forgotten at a time when the table is too large; each time that was not enough, as many more. */
const KEYS_PER_EFFORT = 100;
/** Keys of a table that was forgotten as a whole, freed at a time. */
const FREED_AT_ONCE = 20_000;

export interface TrackingParts {
  readonly keyspace: Keyspace;
  readonly sender: InvalidationSender;
  readonly clientById: (id: number) => Connection | undefined;
  /** Whose command is executed; undefined outside of one. */
  readonly currentClient: () => Connection | undefined;
  /** On whose behalf data is changed: the same, or the client that is served because of its command. */
  readonly changer: () => Connection | undefined;
  /** The command that runs the present script, and its request. */
  readonly scriptCall: () => { readonly command: CompiledCommand; readonly request: Request } | undefined;
  readonly table: CommandTable;
  /** Effects that commands have had so far. */
  readonly countEffects: () => number;
  /** tracking-table-max-keys; 0 is no limit. */
  readonly maxKeys: () => number;
  readonly scheduleTurnEnd: () => void;
}

/** A message that waits for the end of the command: about a key, or all keys (undefined). */
interface Invalidation {
  readonly client: Connection;
  readonly key: string | undefined;
}

export class Tracking implements KeyWatchers, TrackingAccess {
  /** Clients that track keys. */
  clients = 0;
  /** Some message waits for the end of the command. */
  hasPending = false;
  readonly table: TrackingTable;
  readonly broadcast = new Broadcast();
  private readonly parts: TrackingParts;
  /** Keys that the present command is about to change. */
  private readonly changes = new Set<string>();
  /** Of `countEffects`, when the last command was done. */
  private effectsBefore = 0;
  private readonly toOthers: Invalidation[] = [];
  private toCurrent: Invalidation[] = [];
  /** FLUSHALL empties one database after the other, and is one event. */
  private hasFlushed = false;
  private failedEfforts = 0;
  /** Told of changes: since the first client began to track keys. */
  private isWatching = false;

  constructor(parts: TrackingParts) {
    this.parts = parts;
    this.table = new TrackingTable(parts.keyspace);
  }

  enable(client: Client, options: TrackingOptions): void {
    const connection = this.parts.clientById(client.id);
    if (connection === undefined) return;
    const present = connection.tracking;
    const given = options.isBroadcast && options.prefixes.length === 0 ? [""] : options.prefixes;
    const prefixes = [...new Set([...(present?.prefixes ?? []), ...given])].sort();
    connection.tracking = {
      ...options,
      prefixes,
      isCachingGiven: present?.isCachingGiven === true,
      isRedirectBroken: false,
    };
    for (const prefix of given) this.broadcast.add(connection, prefix);
    if (present === undefined) this.clients++;
    if (this.isWatching) return;
    this.isWatching = true;
    this.effectsBefore = this.parts.countEffects();
    this.parts.keyspace.watch(this);
  }

  /** As in Redis, the table keeps what the client has read: it may switch tracking on again. */
  disable(client: Client): void {
    const connection = this.parts.clientById(client.id);
    if (connection !== undefined) this.end(connection);
  }

  /** The client is gone. */
  forget(connection: Connection): void {
    this.end(connection);
    if (this.toCurrent.length > 0)
      this.toCurrent = this.toCurrent.filter(({ client }) => client !== connection);
    if (this.clients > 0 || !this.isWatching) return;
    // What it has read, and those that tracked keys before it, is of no use to anybody.
    this.isWatching = false;
    this.table.clear();
    this.changes.clear();
    this.parts.keyspace.unwatch(this);
  }

  private end(connection: Connection): void {
    const present = connection.tracking;
    if (present === undefined) return;
    for (const prefix of present.prefixes) this.broadcast.remove(connection, prefix);
    connection.tracking = undefined;
    this.clients--;
  }

  /** A client's command is over: sends what waits for that. */
  commandDone({ client, request }: { readonly client: Connection; readonly request: Request }): void {
    if (this.hasPending) this.deliver();
    const { tracking, transaction } = client;
    if (tracking?.isCachingGiven !== true || transaction !== undefined) return;
    // CLIENT CACHING was meant for this command, or for this transaction, whatever came of it.
    if (this.parts.table.findExact(request)?.fullName.startsWith("client") === true) return;
    tracking.isCachingGiven = false;
  }

  /** Remembers the keys that a reading command of a tracking client has asked for. As in Redis, a script that reads
   * anything counts as having read all keys it declared, and none else. */
  remember(connection: Connection, command: CompiledCommand, request: Request): void {
    const { isBroadcast, isCachingGiven, optIn, optOut } = connection.tracking!;
    if (isBroadcast || (optIn && !isCachingGiven) || (optOut && isCachingGiven)) return;
    if (command.spec.flags.includes("pubsub")) return;
    const asked = (connection.isInScript ? this.parts.scriptCall() : undefined) ?? { command, request };
    const { buf, start, len } = asked.request;
    for (const { position } of keysOfRequest(asked.command.spec, asked.request, 0) ?? []) {
      this.table.add(buf, start[position], len[position], connection.id);
    }
    const maxKeys = this.parts.maxKeys();
    if (maxKeys > 0 && this.table.size > maxKeys) this.limitTable();
  }

  changing(_database: Database, address: number): void {
    const { keyspace } = this.parts;
    // What is loaded is no change.
    if (!keyspace.expiring) return;
    const key = keyspace.entries.key(address);
    if (this.concernsSomebody(key)) this.changes.add(key.toString("latin1"));
  }

  changed(_database: Database, key: Buffer): void {
    if (!this.concernsSomebody(key)) return;
    const name = key.toString("latin1");
    this.changes.delete(name);
    this.invalidate(name, undefined);
  }

  settle(): void {
    const effects = this.parts.countEffects();
    const hadEffects = effects !== this.effectsBefore;
    this.effectsBefore = effects;
    this.hasFlushed = false;
    if (this.changes.size === 0) return;
    const names = [...this.changes];
    this.changes.clear();
    if (!hadEffects) return;
    const changer = this.parts.changer();
    for (const name of names) this.invalidate(name, changer);
  }

  emptying(): void {
    if (this.hasFlushed) return;
    this.hasFlushed = true;
    this.table.clear();
    for (const client of this.parts.sender.trackingClients()) this.queue({ client, key: undefined });
  }

  /** Clients are not told, as in Redis. */
  swapping(): void {}

  /** Sends what waits: a command is over. A client that is parked, and is not the one `answered` just now, has not got
   * the reply yet that comes first. */
  deliver(answered?: Connection): void {
    for (const message of this.toOthers.splice(0)) this.send(message);
    for (const message of this.toCurrent.splice(0)) {
      if (message.client.parked && message.client !== answered) this.toCurrent.push(message);
      else this.send(message);
    }
    this.hasPending = this.toCurrent.length > 0;
  }

  /** The end of the turn: tells those in broadcast mode what has changed in it, and all what no command changed. */
  endTurn(): void {
    if (this.hasPending) this.deliver();
    this.broadcast.send((client, keys) => this.parts.sender.send(client, keys));
  }

  /** What must happen now and then even if nobody does anything. */
  cron(): void {
    this.table.freeStep(FREED_AT_ONCE);
    if (this.clients > 0) this.limitTable();
  }

  /** Forgets some keys if the table has too many; clients that have read them must assume that they changed. */
  limitTable(): void {
    const { table } = this;
    const maxKeys = this.parts.maxKeys();
    if (maxKeys === 0) return;
    for (let effort = KEYS_PER_EFFORT * (this.failedEfforts + 1); effort > 0; effort--) {
      if (table.size <= maxKeys) break;
      this.invalidateReaders(table.randomKey(), false);
    }
    if (table.size <= maxKeys) this.failedEfforts = 0;
    else this.failedEfforts++;
  }

  private concernsSomebody(key: Buffer): boolean {
    return this.broadcast.size > 0 || this.table.has(key);
  }

  private invalidate(name: string, changer: Connection | undefined): void {
    if (this.broadcast.size > 0) {
      // Redis knows a script's changes as those of nobody.
      this.broadcast.note(name, changer?.isInScript === true ? undefined : changer);
      if (this.broadcast.hasChanges) this.parts.scheduleTurnEnd();
    }
    this.invalidateReaders(Buffer.from(name, "latin1"), true);
  }

  /** @param hasChanged otherwise the key is merely no longer tracked, which whoever changed it must know, too */
  private invalidateReaders(key: Buffer, hasChanged: boolean): void {
    const ids = this.table.take(key);
    if (ids.length === 0) return;
    const name = key.toString("latin1");
    const current = this.parts.currentClient();
    for (const id of ids) {
      const client = this.parts.clientById(id);
      const tracking = client?.tracking;
      if (client === undefined || tracking === undefined || tracking.isBroadcast) continue;
      if (hasChanged && tracking.noLoop && client === current) continue;
      this.queue({ client, key: name });
    }
  }

  private send({ client, key }: Invalidation): void {
    this.parts.sender.send(client, key === undefined ? undefined : [key]);
  }

  private queue(message: Invalidation): void {
    const isToCurrent = message.client === this.parts.currentClient();
    (isToCurrent ? this.toCurrent : this.toOthers).push(message);
    if (this.hasPending) return;
    this.hasPending = true;
    this.parts.scheduleTurnEnd();
  }
}

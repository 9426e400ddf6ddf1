/**
 * Where the keys of requests are, and asking for those that are cold: the side of the dispatcher that faces the cold
 * tier. A connection that must wait for keys holds on to all keys of its command until that has run.
 */
import { KeyPlaces } from "../commands/key-positions.ts";
import type { CommandTable, CompiledCommand } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import { NOT_RESIDENT, RESIDENT, UNREADABLE, type Warmer } from "../keyspace/warmer.ts";
import type { Request } from "../protocol/request.ts";
import { REQUEST } from "../protocol/request-decoder.ts";
import type { Connection } from "./connection.ts";
import { FollowedDatabases } from "./followed-databases.ts";
import type { PlacedWish } from "./prepared-walks.ts";
import type { Transaction } from "./transaction.ts";

/** How far a pipeline is looked ahead for cold keys when a command parks. */
const LOOK_AHEAD_REQUESTS = 512;
const LOOK_AHEAD_KEYS = 1024;
/** Keys that a command found itself, read together. */
const FOUND_KEYS_AT_ONCE = 65_536;

export class KeyResidency {
  private readonly warmer: Warmer;
  private readonly table: CommandTable;
  private readonly places = new KeyPlaces();
  /** Whose keys are looked for, and in which database. */
  private connection!: Connection;
  private readonly databases: FollowedDatabases;

  constructor(keyspace: Keyspace, warmer: Warmer, table: CommandTable) {
    this.warmer = warmer;
    this.table = table;
    this.databases = new FollowedDatabases(keyspace);
  }

  /** Where the keys of a request are: RESIDENT if all are in memory or known to be absent. */
  of(command: CompiledCommand, request: Request, connection: Connection): number {
    this.turnTo(connection);
    return this.look(command, request, false);
  }

  /** Asks for the cold keys of a request. */
  want(command: CompiledCommand, request: Request, connection: Connection): void {
    this.turnTo(connection);
    this.look(command, request, true);
  }

  /** As `of`, for all commands of a transaction, as far as their keys are known before it is executed. A key that
   * cannot be read is for its command to report. */
  ofAll(transaction: Transaction, connection: Connection): number {
    return this.lookAtAll(transaction, connection, false);
  }

  wantAll(transaction: Transaction, connection: Connection): void {
    this.lookAtAll(transaction, connection, true);
  }

  /** The walks over keys of a transaction. */
  walksOf({ commands, requests }: Transaction, connection: Connection): PlacedWish[] {
    const wishes: PlacedWish[] = [];
    this.turnTo(connection);
    for (const [i, command] of commands.entries()) {
      const wish = command.spec.walkOf?.(requests[i]);
      if (wish !== undefined) wishes.push({ database: this.databases.present, wish });
      this.databases.follow(command, requests[i]);
    }
    return wishes;
  }

  /** As `of`, for keys that the command has found in values; asks for those that are cold. */
  wantFound(keys: Iterable<Buffer>, connection: Connection): number {
    this.turnTo(connection);
    const db = this.databases.present;
    let result = RESIDENT;
    let wanted = 0;
    for (const key of keys) {
      const state = this.ofKey(db, key, 0, key.length, true);
      if (state === UNREADABLE) return UNREADABLE;
      if (state === RESIDENT) continue;
      result = state;
      if (++wanted === FOUND_KEYS_AT_ONCE) break;
    }
    // Nobody waits. What was kept would stay in memory until the connection waits the next time, if it is for memory
    // for ever.
    if (result === RESIDENT) this.warmer.release(connection.fetches);
    return result;
  }

  /** Asks for the cold keys of the requests behind the present one, as far as they have arrived whole. */
  lookAhead(connection: Connection): void {
    const { decoder } = connection;
    decoder.mark();
    for (let i = 0; i < LOOK_AHEAD_REQUESTS && connection.fetches.size < LOOK_AHEAD_KEYS; i++) {
      if (decoder.next() !== REQUEST) break;
      const { request } = decoder;
      const command = this.table.find(request);
      // Behind a SELECT, SWAPDB or FLUSH the keys mean others.
      if (command === undefined || command.spec.group === "connection" || command.spec.group === "server")
        break;
      if (command.needsKeysHot && command.accepts(request.argc)) this.want(command, request, connection);
    }
    decoder.rewind();
  }

  private turnTo(connection: Connection): void {
    this.connection = connection;
    this.databases.begin(connection.dbIndex);
  }

  private lookAtAll({ commands, requests }: Transaction, connection: Connection, wanting: boolean): number {
    this.turnTo(connection);
    let result = RESIDENT;
    for (const [i, command] of commands.entries()) {
      const request = requests[i];
      if (!command.needsKeysHot) this.databases.follow(command, request);
      else if (this.look(command, request, wanting) === NOT_RESIDENT) result = NOT_RESIDENT;
      if (result !== RESIDENT && !wanting) break;
    }
    return result;
  }

  private look(command: CompiledCommand, request: Request, wanting: boolean): number {
    const { places, databases } = this;
    const db = databases.present;
    let result = RESIDENT;
    for (const spec of command.spec.keys) {
      if (spec.kind === "unknown") return this.lookAtFound(command, request, wanting);
      if (!places.find(spec, request, 0)) continue;
      for (let i = places.first; i <= places.last; i += places.step) {
        const state = this.ofArgument(db, request, i, wanting);
        if (state === RESIDENT) continue;
        if (state === UNREADABLE || !wanting) return state;
        result = state;
      }
    }
    const foreign = command.spec.foreignKey?.(request);
    const other = foreign === undefined ? undefined : databases.at(foreign.dbIndex);
    if (other === undefined) return result;
    const state = this.ofArgument(other, request, foreign!.position, wanting);
    return state === RESIDENT ? result : state;
  }

  /** For a command whose keys no rule finds. */
  private lookAtFound(command: CompiledCommand, request: Request, wanting: boolean): number {
    const db = this.databases.present;
    let result = RESIDENT;
    for (const { position } of command.spec.keysOf!(request, 0)) {
      const state = this.ofArgument(db, request, position, wanting);
      if (state === RESIDENT) continue;
      if (state === UNREADABLE || !wanting) return state;
      result = state;
    }
    return result;
  }

  private ofArgument(db: Database, request: Request, i: number, wanting: boolean): number {
    return this.ofKey(db, request.buf, request.start[i], request.len[i], wanting);
  }

  /** Where a key is; with `wanting` it is asked for if it is cold. */
  private ofKey(db: Database, buf: Buffer, start: number, length: number, wanting: boolean): number {
    const { connection, warmer } = this;
    // Nobody waits for anything but the end of the replay, and reading at once is the quickest way there. And while a
    // transaction is executed nobody else may come in between.
    if (connection.isReplay || connection.isExecuting) return warmer.fetchNow(db, buf, start, length);
    const state = warmer.residency(db, buf, start, length);
    if (!wanting) return state;
    if (state === NOT_RESIDENT) warmer.want(db, buf, start, length, connection);
    else warmer.keep(db, buf, start, length, connection);
    return state;
  }
}

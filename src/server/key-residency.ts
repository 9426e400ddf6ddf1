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

/** How far a pipeline is looked ahead for cold keys when a command parks. */
const LOOK_AHEAD_REQUESTS = 512;
const LOOK_AHEAD_KEYS = 1024;
/** Keys that a command found itself, read together. */
const FOUND_KEYS_AT_ONCE = 65_536;

export class KeyResidency {
  private readonly keyspace: Keyspace;
  private readonly warmer: Warmer;
  private readonly table: CommandTable;
  private readonly places = new KeyPlaces();

  constructor(keyspace: Keyspace, warmer: Warmer, table: CommandTable) {
    this.keyspace = keyspace;
    this.warmer = warmer;
    this.table = table;
  }

  /** Where the keys of a request are: RESIDENT if all are in memory or known to be absent. */
  of(command: CompiledCommand, request: Request, connection: Connection): number {
    return this.look(command, request, connection, false);
  }

  /** Asks for the cold keys of a request. */
  want(command: CompiledCommand, request: Request, connection: Connection): void {
    this.look(command, request, connection, true);
  }

  /** As `of`, for keys that the command has found in values; asks for those that are cold. */
  wantFound(keys: Iterable<Buffer>, connection: Connection): number {
    const db = this.keyspace.databases[connection.dbIndex];
    let result = RESIDENT;
    let wanted = 0;
    for (const key of keys) {
      const state = this.ofKey(db, key, 0, key.length, connection, true);
      if (state === UNREADABLE) return UNREADABLE;
      if (state === RESIDENT) continue;
      result = state;
      if (++wanted === FOUND_KEYS_AT_ONCE) break;
    }
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
      if (command.hasKeys && command.accepts(request.argc)) this.want(command, request, connection);
    }
    decoder.rewind();
  }

  private look(command: CompiledCommand, request: Request, connection: Connection, wanting: boolean): number {
    const { places, keyspace } = this;
    const db = keyspace.databases[connection.dbIndex];
    let result = RESIDENT;
    for (const spec of command.spec.keys) {
      if (spec.kind === "unknown") return this.lookAtFound(command, request, connection, wanting);
      if (!places.find(spec, request, 0)) continue;
      for (let i = places.first; i <= places.last; i += places.step) {
        const state = this.ofArgument(db, request, i, connection, wanting);
        if (state === RESIDENT) continue;
        if (state === UNREADABLE || !wanting) return state;
        result = state;
      }
    }
    const foreign = command.spec.foreignKey?.(request);
    const other = foreign === undefined ? undefined : keyspace.databases[foreign.dbIndex];
    if (other === undefined) return result;
    const state = this.ofArgument(other, request, foreign!.position, connection, wanting);
    return state === RESIDENT ? result : state;
  }

  /** For a command whose keys no rule finds. */
  private lookAtFound(
    command: CompiledCommand,
    request: Request,
    connection: Connection,
    wanting: boolean,
  ): number {
    const db = this.keyspace.databases[connection.dbIndex];
    let result = RESIDENT;
    for (const { position } of command.spec.keysOf!(request, 0)) {
      const state = this.ofArgument(db, request, position, connection, wanting);
      if (state === RESIDENT) continue;
      if (state === UNREADABLE || !wanting) return state;
      result = state;
    }
    return result;
  }

  private ofArgument(
    db: Database,
    request: Request,
    i: number,
    connection: Connection,
    wanting: boolean,
  ): number {
    return this.ofKey(db, request.buf, request.start[i], request.len[i], connection, wanting);
  }

  /** Where a key is; with `wanting` it is asked for if it is cold. */
  private ofKey(
    db: Database,
    buf: Buffer,
    start: number,
    length: number,
    connection: Connection,
    wanting: boolean,
  ): number {
    const { warmer } = this;
    // Nobody waits for anything but the end of the replay, and reading at once is the quickest way there.
    if (connection.isReplay) return warmer.fetchNow(db, buf, start, length);
    const state = warmer.residency(db, buf, start, length);
    if (!wanting) return state;
    if (state === NOT_RESIDENT) warmer.want(db, buf, start, length, connection);
    else warmer.keep(db, buf, start, length, connection);
    return state;
  }
}

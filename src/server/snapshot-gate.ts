/**
 * A gate before writes while a snapshot is under way: who is about to change a large value that is not yet written
 * waits until it is, and it is next. Otherwise all of it would have to be written on the spot, and all would wait.
 * EXEC waits for what its commands will change, a script for the keys that it declares. Small values are written on the
 * spot, and so is what a script changes undeclared; a value that is only deleted or replaced needs none of this
 * (keyspace/snapshot.ts).
 */
import { KeyPlaces } from "../commands/key-positions.ts";
import type { CompiledCommand } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Request } from "../protocol/request.ts";
import type { Connection } from "./connection.ts";
import { FollowedDatabases } from "./followed-databases.ts";
import type { Transaction } from "./transaction.ts";
import { isExec } from "./transactions.ts";

export class SnapshotGate {
  private readonly keyspace: Keyspace;
  private readonly places = new KeyPlaces();
  private readonly databases: FollowedDatabases;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.databases = new FollowedDatabases(keyspace);
  }

  /** Whether the command, whose keys are in memory, must wait; then its connection goes on when it need no more. */
  mustWait(command: CompiledCommand, request: Request, connection: Connection): boolean {
    if (connection.isReplay) return false;
    const { databases } = this;
    const { transaction } = connection;
    databases.begin(connection.dbIndex);
    if (transaction === undefined || !isExec(command)) return this.mustAwait(command, request, connection);
    return !connection.hasLostWatch && this.mustAwaitAny(transaction, connection);
  }

  private mustAwaitAny({ commands, hasErrors, requests }: Transaction, connection: Connection): boolean {
    if (hasErrors) return false;
    for (const [i, command] of commands.entries()) {
      if (this.mustAwait(command, requests[i], connection)) return true;
      this.databases.follow(command, requests[i]);
    }
    return false;
  }

  private mustAwait(command: CompiledCommand, request: Request, connection: Connection): boolean {
    if (!command.hasKeys || !(command.isWrite || command.runsScripts)) return false;
    const { places } = this;
    const { snapshots } = this.keyspace;
    const db = this.databases.present;
    const { keys } = command.spec;
    for (const spec of keys) {
      // What is replaced is not changed: SORT with STORE, whose keys nothing but itself finds.
      if (spec.kind === "unknown" || !places.find(spec, request, 0)) continue;
      // XREADGROUP changes a key that it says it only reads.
      if (keys.length > 1 && spec.flags.includes("RO")) continue;
      for (let i = places.first; i <= places.last; i += places.step) {
        const address = db.find(request.buf, request.start[i], request.len[i]);
        if (address === 0 || !this.isInTheWay(db, address)) continue;
        snapshots.hasten(db, address, () => connection.goOn());
        return true;
      }
    }
    return false;
  }

  private isInTheWay(db: Database, address: number): boolean {
    return !db.isTombstone(address) && this.keyspace.snapshots.isAwaitedLarge(address);
  }
}

/**
 * A gate before writes while a snapshot is under way: who is about to change a large value that is not yet written
 * waits until there is an image of it (types/data-type.ts), and it is next. Otherwise that would be made on the spot,
 * and all would wait; nobody waits for one that takes but a step. EXEC waits for what its commands will change, a
 * script for the keys that it declares. Small values are written on the spot, and of what a script changes undeclared
 * the image is made there; a value that is only deleted or replaced needs none of this (keyspace/snapshot.ts).
 */
import { KeyPlaces } from "../commands/key-positions.ts";
import type { CompiledCommand } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import { imageBlocks } from "../keyspace/entry-size.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Request } from "../protocol/request.ts";
import { BLOCKS_PER_STEP } from "../types/packed-parts.ts";
import type { Connection } from "./connection.ts";
import { PlannedCommands } from "./planned-commands.ts";

export class SnapshotGate {
  private readonly keyspace: Keyspace;
  private readonly places = new KeyPlaces();
  private readonly planned: PlannedCommands;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.planned = new PlannedCommands(keyspace);
  }

  /** Whether the command, whose keys are in memory, must wait; then its connection goes on when it need no more. */
  mustWait(command: CompiledCommand, request: Request, connection: Connection): boolean {
    if (connection.isReplay) return false;
    return this.planned.some(command, request, connection, (each, itsRequest, { present }) =>
      this.mustAwait(each, itsRequest, present, connection),
    );
  }

  private mustAwait(
    command: CompiledCommand,
    request: Request,
    db: Database,
    connection: Connection,
  ): boolean {
    if (!command.hasKeys || !(command.isWrite || command.runsScripts)) return false;
    const { places } = this;
    const { snapshots } = this.keyspace;
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
    const { memory, snapshots } = this.keyspace;
    if (db.isTombstone(address) || !snapshots.isAwaitedLarge(address)) return false;
    return imageBlocks(memory, address) > BLOCKS_PER_STEP;
  }
}

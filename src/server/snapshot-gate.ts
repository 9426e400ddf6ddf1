/**
 * A gate before writes while a snapshot is under way: who is about to change a large value that is not yet written
 * waits until it is, and it is next. Otherwise all of it would have to be written on the spot, and all would wait.
 * Small values, and what a transaction changes, are written on the spot.
 */
import { KeyPlaces } from "../commands/key-positions.ts";
import type { CompiledCommand } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import { entryBytes } from "../keyspace/entry-size.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Request } from "../protocol/request.ts";
import { isRooted } from "../types/rooted.ts";

/** Values of so many elements take some milliseconds to be written; a string, which is only copied, may be longer. */
const LARGE_BYTES = 256 * 1024;
const LARGE_STRING_BYTES = 4 * 1024 * 1024;
/** Elements looked at to estimate the size of a value. */
const SAMPLES = 5;

export class SnapshotGate {
  private readonly keyspace: Keyspace;
  private readonly places = new KeyPlaces();

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /** Whether the command, whose keys are in memory, must wait; then `goOn` is called when it need not any more. */
  mustWait(command: CompiledCommand, request: Request, db: Database, goOn: () => void): boolean {
    const { places } = this;
    for (const spec of command.spec.keys) {
      if (spec.kind === "unknown" || !places.find(spec, request, 0)) continue;
      for (let i = places.first; i <= places.last; i += places.step) {
        const address = db.find(request.buf, request.start[i], request.len[i]);
        if (address === 0 || !this.isLarge(db, address)) continue;
        this.keyspace.snapshots.hasten(db, address, goOn);
        return true;
      }
    }
    return false;
  }

  private isLarge(db: Database, address: number): boolean {
    const { entries, memory, snapshots } = this.keyspace;
    if (!snapshots.isAwaited(address) || db.isTombstone(address)) return false;
    if (!isRooted(entries.head(address))) return entries.valueLength(address) >= LARGE_STRING_BYTES;
    return entryBytes(memory, address, SAMPLES) >= LARGE_BYTES;
  }
}

/**
 * Walks over keys in scripts (SCAN, KEYS, RANDOMKEY). The script is suspended until the names of cold keys have been
 * read; until it ends, no record changes (prepared-walks.ts). Of SCAN many steps are read at once, since a script that
 * walks over a database asks for one after the other.
 */
import type { CompiledCommand } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import type { Spiller } from "../keyspace/spiller.ts";
import type { TierWalk } from "../keyspace/tier-walk.ts";
import type { Request } from "../protocol/request.ts";
import { type PlacedWish, PreparedWalks } from "./prepared-walks.ts";

/** Keys of a SCAN that are read at once, about. */
const SCANNED_AT_ONCE = 10_000;

export class ScriptWalks {
  private readonly walk: TierWalk;
  /** Absent when the cold tier is off. */
  private readonly spiller: Spiller | undefined;
  private prepared: PreparedWalks | undefined;
  private wish: PlacedWish | undefined;
  /** What was prepared for the EXEC that the script is in. */
  private outer: TierWalk["prepared"];

  constructor(walk: TierWalk, spiller: Spiller | undefined) {
    this.walk = walk;
    this.spiller = spiller;
  }

  /** Whether names have to be read before the script can go on. */
  get isWaiting(): boolean {
    return this.wish !== undefined;
  }

  /** Whether a command of the script must wait for names; then it is known what to read. */
  mustWait(command: CompiledCommand, request: Request, database: Database): boolean {
    if (this.spiller === undefined || database.coldSize === 0) return false;
    const wish = command.spec.walkOf?.(request);
    if (wish === undefined || this.walk.isPrepared(database, wish)) return false;
    const count = Math.max(wish.count, SCANNED_AT_ONCE);
    this.wish = { database, wish: wish.kind === "scan" ? { ...wish, count } : wish };
    return true;
  }

  /** Reads what the script waits for; never rejects. */
  async read(): Promise<void> {
    const wish = this.wish!;
    this.prepared ??= new PreparedWalks(this.walk, this.spiller!);
    if (wish.wish.kind === "scan") this.prepared.forgetScans();
    await this.prepared.read([wish]);
    this.wish = undefined;
  }

  /** Commands of the script are executed from now on; until `leave`. */
  enter(): void {
    this.outer = this.walk.prepared;
    if (this.prepared !== undefined) this.walk.prepared = [...(this.outer ?? []), ...this.prepared.names];
  }

  leave(): void {
    this.walk.prepared = this.outer;
    this.outer = undefined;
  }

  /** The script is over: values may go to the disk again. */
  end(): void {
    this.wish = undefined;
    this.prepared?.release();
    this.prepared = undefined;
  }
}

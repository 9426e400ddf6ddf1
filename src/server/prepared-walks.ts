/**
 * Walks over keys within a transaction (SCAN, KEYS, RANDOMKEY). While EXEC runs nothing can be awaited, and the disk
 * cannot be walked over otherwise. So the names of cold keys are read before, and until EXEC is done no record changes:
 * then a name stands for a key exactly if the key has no entry in memory at the time of its command.
 */
import type { Database } from "../keyspace/database.ts";
import type { Spiller } from "../keyspace/spiller.ts";
import type { ColdNames, TierWalk, WalkWish } from "../keyspace/tier-walk.ts";

/** A walk, and where. */
export interface PlacedWish {
  readonly database: Database;
  readonly wish: WalkWish;
}

export class PreparedWalks {
  readonly names: ColdNames[] = [];
  private readonly walk: TierWalk;
  private readonly spiller: Spiller;
  private readonly paused: Promise<void>;
  private isReleased = false;

  /** From now until `release` nothing is spilled. */
  constructor(walk: TierWalk, spiller: Spiller) {
    this.walk = walk;
    this.spiller = spiller;
    this.paused = spiller.pause();
  }

  has({ database, wish }: PlacedWish): boolean {
    return this.names.some(
      (names) =>
        names.database === database &&
        names.wish.kind === wish.kind &&
        names.wish.cursor === wish.cursor &&
        names.wish.typeName === wish.typeName,
    );
  }

  /** Of SCAN nothing more is needed of what was read so far. */
  forgetScans(): void {
    const others = this.names.filter(({ wish }) => wish.kind !== "scan");
    this.names.splice(0, this.names.length, ...others);
  }

  /** Reads what the walks need; never rejects. */
  async read(wishes: readonly PlacedWish[]): Promise<void> {
    await this.paused;
    for (const placed of wishes) {
      if (!this.isReleased && !this.has(placed))
        this.names.push(await this.walk.readNames(placed.database, placed.wish));
    }
  }

  /** Lets values go to the disk again. */
  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    this.spiller.unpause();
  }
}

/**
 * The gates that a command passes before it may write: is there memory, does the disk take what it appends. Owns the
 * connections that wait for memory.
 */
import type { CompiledCommand } from "../commands/table.ts";
import type { Spiller } from "../keyspace/spiller.ts";
import { appendOnlyFileFailed, OUT_OF_MEMORY, SAVE_FAILED } from "../protocol/errors.ts";
import { NO_GOOD_REPLICAS } from "../protocol/replication-errors.ts";
import type { Connection } from "./connection.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/** What the gates go by; a transaction has it, too. */
export type Nature = Pick<CompiledCommand, "isWrite" | "denyOom">;

/** The command waits: its connection is parked, and executes it again later. */
export const WAIT = Symbol("wait");

/** The append-only file as the gates see it. */
export interface GateAof {
  readonly enabled: boolean;
  readonly failureText: string | undefined;
  /** The disk is so far behind that more writes would take too much memory: they wait. */
  readonly isBehind: boolean;
}

/** Dumps as the gates see them. */
export interface GateSaves {
  /** They fail, and writes are to be refused for that. */
  readonly refusesWrites: boolean;
}

export interface WriteGatesParts {
  readonly budget: MemoryBudget;
  /** Without a cold tier: evicts by the policy; says whether enough is free, or will be. */
  readonly freeMemory: () => boolean;
  readonly aof: GateAof;
  readonly saves: GateSaves;
  /** Writes are refused while there are fewer good replicas than they need. */
  readonly replication: { readonly lacksGood: boolean };
  /** Absent when the cold tier is off. */
  readonly spiller: Spiller | undefined;
  readonly scheduleTurnEnd: () => void;
}

export class WriteGates {
  /** Commands that had to wait for memory since the start. */
  waits = 0;
  private readonly parts: WriteGatesParts;
  /** Connections whose write waits for memory, oldest first. */
  private readonly waiters: Connection[] = [];

  constructor(parts: WriteGatesParts) {
    this.parts = parts;
  }

  /** How many connections wait. */
  get waiting(): number {
    return this.waiters.length;
  }

  /**
   * Whether a command may be executed now: undefined lets it through, a text is the error it gets.
   * @param hasKeysReady its keys were fetched for it just now
   */
  check(nature: Nature, connection: Connection, hasKeysReady: boolean): string | typeof WAIT | undefined {
    const { aof, budget, replication, saves } = this.parts;
    // One comparison for the usual case; what the last write of all brought beyond it, cron finds.
    if (budget.chargedBytes > budget.spillFromBytes) {
      this.parts.scheduleTurnEnd();
      const refusal = this.checkMemory(nature, connection, hasKeysReady);
      if (refusal !== undefined) return refusal;
    }
    if (!nature.isWrite || connection.isReplay) return undefined;
    if (saves.refusesWrites) return SAVE_FAILED;
    if (aof.enabled && aof.failureText !== undefined) return appendOnlyFileFailed(aof.failureText);
    if (replication.lacksGood) return NO_GOOD_REPLICAS;
    if (!aof.enabled) return undefined;
    return aof.isBehind ? this.park(connection) : undefined;
  }

  /** Whether a script that writes must wait for memory, or for the disk; then its connection is parked. */
  mustScriptWait(connection: Connection, hasKeysReady: boolean): boolean {
    const { aof, budget } = this.parts;
    if (budget.chargedBytes > budget.spillFromBytes) {
      this.parts.scheduleTurnEnd();
      if (!hasKeysReady && this.mustWaitForMemory) {
        this.park(connection);
        return true;
      }
    }
    if (!aof.enabled || connection.isReplay || aof.failureText !== undefined || !aof.isBehind) return false;
    this.park(connection);
    return true;
  }

  /** Why a script that begins now must not write; undefined if it may. */
  diskFailure(connection: Connection): string | undefined {
    const { aof } = this.parts;
    return aof.enabled && !connection.isReplay ? aof.failureText : undefined;
  }

  /** Whether a script that begins now must not write, because there are too few good replicas. */
  lacksReplicas(connection: Connection): boolean {
    return this.parts.replication.lacksGood && !connection.isReplay;
  }

  /** Whether a script that begins now must not do what needs memory. */
  isOutOfMemory(connection: Connection): boolean {
    const { budget, freeMemory, spiller } = this.parts;
    if (!budget.isOver || connection.isReplay) return false;
    return spiller === undefined ? !freeMemory() : !this.mustWaitForMemory;
  }

  /** Lets connections go on whose writes waited for memory, as far as there is some. */
  admit(): void {
    const { aof, spiller } = this.parts;
    while (this.waiters.length > 0 && !this.mustWaitForMemory && !aof.isBehind) this.waiters.shift()!.goOn();
    // That nothing could leave memory is so for those who waited. What is written next may find other data there, and
    // has it looked at again.
    if (spiller !== undefined) spiller.stuck = false;
  }

  /** The connection is gone. */
  forget(connection: Connection): void {
    const place = this.waiters.indexOf(connection);
    if (place >= 0) this.waiters.splice(place, 1);
  }

  /** Memory is over its limit, and the tier is about to free some. */
  private get mustWaitForMemory(): boolean {
    const { spiller } = this.parts;
    return spiller !== undefined && spiller.isMakingRoom;
  }

  /** Memory is nearly full: waits for the tier, evicts, or refuses. */
  private checkMemory(
    { denyOom }: Nature,
    connection: Connection,
    hasKeysReady: boolean,
  ): string | typeof WAIT | undefined {
    const { budget, freeMemory, spiller } = this.parts;
    // What a log says has happened: it may have to wait for memory, but it is never refused.
    // And a command whose keys were just fetched does not wait: they would leave memory, and be fetched, for ever.
    const mayWait = denyOom && !hasKeysReady && this.mustWaitForMemory;
    if (connection.isReplay) return mayWait ? this.park(connection) : undefined;
    if (budget.isOver && denyOom && !(hasKeysReady && spiller !== undefined)) {
      if (spiller !== undefined) return this.mustWaitForMemory ? this.park(connection) : OUT_OF_MEMORY;
      if (!freeMemory()) return OUT_OF_MEMORY;
    }
    return undefined;
  }

  private park(connection: Connection): typeof WAIT {
    connection.decoder.rewindToCurrent();
    connection.parkForMemory();
    this.waiters.push(connection);
    this.waits++;
    this.parts.scheduleTurnEnd();
    return WAIT;
  }
}

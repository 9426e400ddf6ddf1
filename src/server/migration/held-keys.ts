/**
 * Keys that are being handed over to another server (MIGRATE). Redis serves nobody meanwhile; here, who would change
 * such a key waits until that is over: a client by its command or by EXEC, a script by the keys that it declares. So
 * does who would empty or exchange databases. Reading goes on.
 *
 * What cannot wait (a script that changes keys which it has not declared, expiry) is noticed: see `Hold.wasChanged`.
 */

import { keysOfRequest } from "../../commands/key-positions.ts";
import type { CompiledCommand } from "../../commands/table.ts";
import type { Database } from "../../keyspace/database.ts";
import { isNameIn, nameOf } from "../../keyspace/key-name.ts";
import type { KeyWatchers } from "../../keyspace/key-watchers.ts";
import type { Keyspace } from "../../keyspace/keyspace.ts";
import type { Request } from "../../protocol/request.ts";
import type { Connection } from "../connection.ts";
import type { FollowedDatabases } from "../followed-databases.ts";
import { PlannedCommands } from "../planned-commands.ts";

/** Commands that change keys without naming them. */
const OF_ALL_KEYS: ReadonlySet<string> = new Set(["flushall", "flushdb", "swapdb"]);

/** The keys of one MIGRATE. */
export interface Hold {
  /** The key's value has been read: from now on a change of it counts. */
  begin(key: Buffer): void;
  /** Whether the key has changed since. */
  wasChanged(key: Buffer): boolean;
  /** Called before the key that was begun last changes, while its value is still being read. */
  beforeChange: (() => void) | undefined;
  /** Lets go of some keys: clients that wait for them go on. */
  release(keys: readonly Buffer[]): void;
}

class OwnHold implements Hold {
  readonly changed = new Set<string>();
  beforeChange: (() => void) | undefined;
  /** The key whose value is being read. */
  reading: string | undefined;
  private readonly all: HeldKeys;
  private readonly dbIndex: number;

  constructor(all: HeldKeys, dbIndex: number) {
    this.all = all;
    this.dbIndex = dbIndex;
  }

  begin(key: Buffer): void {
    this.reading = nameOf(this.dbIndex, key);
    this.changed.delete(this.reading);
  }

  wasChanged(key: Buffer): boolean {
    return this.changed.has(nameOf(this.dbIndex, key));
  }

  release(keys: readonly Buffer[]): void {
    for (const key of keys) this.all.release(nameOf(this.dbIndex, key), this);
    this.all.resumeWaiting();
  }
}

export class HeldKeys implements KeyWatchers {
  /** Whether there are any: asked before every command. */
  isActive = false;
  private readonly keyspace: Keyspace;
  /** How many effects commands have had so far. */
  private readonly countEffects: () => number;
  private readonly planned: PlannedCommands;
  /** By database number and key. */
  private readonly holds = new Map<string, OwnHold>();
  private waiting: Connection[] = [];
  /** Held keys that the present command is about to change. */
  private readonly pending = new Set<string>();
  /** Of `countEffects`, when the last command was done. */
  private effectsBefore = 0;

  constructor(keyspace: Keyspace, countEffects: () => number) {
    this.keyspace = keyspace;
    this.countEffects = countEffects;
    this.planned = new PlannedCommands(keyspace);
  }

  /** Holds keys of a database, which nobody else holds; there may be none (KEYS with nothing behind it). */
  hold(dbIndex: number, keys: readonly Buffer[]): Hold {
    const hold = new OwnHold(this, dbIndex);
    for (const key of keys) this.holds.set(nameOf(dbIndex, key), hold);
    // Without a key there would be nothing whose release ends it.
    if (!this.isActive && this.holds.size > 0) {
      this.isActive = true;
      this.keyspace.watch(this);
      this.effectsBefore = this.countEffects();
    }
    return hold;
  }

  /** Ends a hold on one key, if it is still this one. */
  release(name: string, hold: Hold): void {
    if (this.holds.get(name) !== hold) return;
    this.holds.delete(name);
    this.pending.delete(name);
    if (this.holds.size > 0) return;
    this.isActive = false;
    this.keyspace.unwatch(this);
  }

  /** Whoever waited tries again. */
  resumeWaiting(): void {
    for (const connection of this.waiting.splice(0)) connection.goOn();
  }

  /** Whether the command must wait; then its connection goes on when it need no more. */
  mustWait(command: CompiledCommand, request: Request, connection: Connection): boolean {
    if (connection.isReplay) return false;
    const mustWait = this.planned.some(command, request, connection, (each, itsRequest, databases) =>
      this.changesAny(each, itsRequest, databases),
    );
    if (mustWait) this.waiting.push(connection);
    return mustWait;
  }

  private changesAny(command: CompiledCommand, request: Request, databases: FollowedDatabases): boolean {
    const { spec } = command;
    if (!command.mayHaveEffects && !command.runsScripts) return false;
    if (OF_ALL_KEYS.has(spec.name)) return true;
    const { index } = databases.present;
    const keys = keysOfRequest(spec, request, 0) ?? [];
    for (const { position, flags } of keys) {
      // XREADGROUP changes a key that it says it only reads.
      if (keys.length > 1 && flags.includes("RO")) continue;
      if (this.holds.has(nameOf(index, request.bytes(position)))) return true;
    }
    const foreign = spec.foreignKey?.(request);
    return foreign !== undefined && this.holds.has(nameOf(foreign.dbIndex, request.bytes(foreign.position)));
  }

  changing(database: Database, address: number): void {
    const name = nameOf(database.index, this.keyspace.entries.key(address));
    const hold = this.holds.get(name);
    if (hold === undefined) return;
    if (hold.reading === name) hold.beforeChange?.();
    this.pending.add(name);
  }

  changed(database: Database, key: Buffer): void {
    const name = nameOf(database.index, key);
    this.pending.delete(name);
    this.holds.get(name)?.changed.add(name);
  }

  settle(): void {
    const effects = this.countEffects();
    const hadEffects = effects !== this.effectsBefore;
    this.effectsBefore = effects;
    if (this.pending.size === 0) return;
    for (const name of this.pending) if (hadEffects) this.holds.get(name)?.changed.add(name);
    this.pending.clear();
  }

  /** Only a script comes here. A key that is gone need not be deleted; one that takes its place is a change. */
  emptying(database: Database): void {
    for (const [name, hold] of this.holds) {
      if (hold.reading === name && isNameIn(database.index, name)) hold.beforeChange?.();
    }
  }

  swapping(first: Database, second: Database): void {
    for (const [name, hold] of this.holds) {
      if (isNameIn(first.index, name) || isNameIn(second.index, name)) hold.changed.add(name);
    }
  }
}

/**
 * Which database each command of a transaction will find, told before it is executed: SELECT and SWAPDB among its
 * commands decide for those behind them.
 */
import type { CompiledCommand } from "../commands/table.ts";
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Request } from "../protocol/request.ts";

export class FollowedDatabases {
  private readonly keyspace: Keyspace;
  private databases: readonly Database[];
  private index = 0;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.databases = keyspace.databases;
  }

  /** Turns to the present databases, and the one that is selected. */
  begin(index: number): void {
    this.databases = this.keyspace.databases;
    this.index = index;
  }

  /** The one that the next command finds. */
  get present(): Database {
    return this.databases[this.index];
  }

  /** The one that it finds under a number. */
  at(index: number): Database | undefined {
    return this.databases[index];
  }

  /** The command has been executed. */
  follow({ spec }: CompiledCommand, request: Request): void {
    if (spec.name === "select") {
      const index = Number(request.text(1));
      if (this.databases[index] !== undefined) this.index = index;
    } else if (spec.name === "swapdb") {
      const first = Number(request.text(1));
      const second = Number(request.text(2));
      const databases = [...this.databases];
      if (databases[first] === undefined || databases[second] === undefined) return;
      [databases[first], databases[second]] = [databases[second], databases[first]];
      this.databases = databases;
    }
  }
}

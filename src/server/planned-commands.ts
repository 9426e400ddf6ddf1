/**
 * The commands that are about to be executed: a command, or of EXEC those that were queued, each with the databases as
 * it will find them. For gates that look at what will be done before it is.
 */
import type { CompiledCommand } from "../commands/table.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Request } from "../protocol/request.ts";
import type { Connection } from "./connection.ts";
import { FollowedDatabases } from "./followed-databases.ts";
import type { Transaction } from "./transaction.ts";
import { isExec } from "./transactions.ts";

/** Looks at one of them. */
export type CommandTest = (
  command: CompiledCommand,
  request: Request,
  databases: FollowedDatabases,
) => boolean;

export class PlannedCommands {
  private readonly databases: FollowedDatabases;

  constructor(keyspace: Keyspace) {
    this.databases = new FollowedDatabases(keyspace);
  }

  /** Whether `test` is true of some command that will be executed. */
  some(command: CompiledCommand, request: Request, connection: Connection, test: CommandTest): boolean {
    const { databases } = this;
    const { transaction } = connection;
    databases.begin(connection.dbIndex);
    if (transaction === undefined || !isExec(command)) return test(command, request, databases);
    return !connection.hasLostWatch && this.someOf(transaction, test);
  }

  private someOf({ commands, hasErrors, requests }: Transaction, test: CommandTest): boolean {
    if (hasErrors) return false;
    for (const [i, command] of commands.entries()) {
      if (test(command, requests[i], this.databases)) return true;
      this.databases.follow(command, requests[i]);
    }
    return false;
  }
}

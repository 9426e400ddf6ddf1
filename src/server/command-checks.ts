/**
 * What a request has to pass before anything else, in Redis's order: there is such a command, it takes so many
 * arguments, and this client may have it now. What may make it wait instead (memory, disk, cold keys) comes later, and
 * is the dispatcher's.
 */
import type { CommandTable, CompiledCommand } from "../commands/table.ts";
import {
  DEBUG_NOT_ALLOWED,
  LOADING,
  MONITOR_HAS_NO_KEYSPACE,
  NOT_AUTHENTICATED,
  NOT_IN_TRANSACTION,
  SAVE_FAILED,
  unknownCommand,
  unknownSubcommand,
  wrongArity,
} from "../protocol/errors.ts";
import type { Request } from "../protocol/request.ts";
import type { Connection } from "./connection.ts";

export interface CommandCheckParts {
  readonly table: CommandTable;
  readonly isLoading: () => boolean;
  /** Whether the client may use DEBUG. */
  readonly isDebugAllowed: (connection: Connection) => boolean;
  /** `refusesWrites`: dumps fail, and nobody may write because of that. */
  readonly saves: { readonly refusesWrites: boolean };
}

export class CommandChecks {
  private readonly parts: CommandCheckParts;

  constructor(parts: CommandCheckParts) {
    this.parts = parts;
  }

  /** The error for a request that names no command, or no subcommand of one. */
  unknown(request: Request): string {
    return this.parts.table.find(request) === undefined
      ? unknownCommand(request)
      : unknownSubcommand(request);
  }

  /** The error for a command that this client may not have, or not now; undefined lets it through. */
  refusalOf(command: CompiledCommand, request: Request, connection: Connection): string | undefined {
    const { parts } = this;
    if (!command.accepts(request.argc) || command.run === undefined) return wrongArity(command.fullName);
    if (command.isProtected && !parts.isDebugAllowed(connection)) return DEBUG_NOT_ALLOWED;
    if (!connection.authenticated && command.needsAuth) return NOT_AUTHENTICATED;
    if (command.noMulti && connection.transaction !== undefined) return NOT_IN_TRANSACTION;
    if (!command.allowedWhileLoading && parts.isLoading() && !connection.isReplay) return LOADING;
    // As in Redis: whoever watches the server is to notice.
    if (command.isPing && parts.saves.refusesWrites) return SAVE_FAILED;
    if (connection.isMonitor && command.isForKeys) return MONITOR_HAS_NO_KEYSPACE;
    return undefined;
  }
}

/**
 * What a request has to pass before anything else, in Redis's order: there is such a command, it takes so many
 * arguments, and this client may have it now. What may make it wait instead (memory, disk, cold keys) comes later, and
 * is the dispatcher's.
 */
import type { CommandTable, CompiledCommand } from "../commands/table.ts";
import {
  DEBUG_NOT_ALLOWED,
  LOADING,
  NO_PERMISSION_FOR_CHANNEL,
  NO_PERMISSION_FOR_KEY,
  NOT_AUTHENTICATED,
  NOT_IN_TRANSACTION,
  noPermissionFor,
  notForSubscribers,
  SAVE_FAILED,
  unknownCommand,
  unknownSubcommand,
  wrongArity,
} from "../protocol/errors.ts";
import { REPLICA_HAS_NO_KEYSPACE } from "../protocol/replication-errors.ts";
import type { Request } from "../protocol/request.ts";
import type { Acl } from "./acl/acl.ts";
import { ALLOWED, DENIED_COMMAND, DENIED_KEY } from "./acl/permission-check.ts";
import type { Connection } from "./connection.ts";
import type { EarlyClients } from "./early-clients.ts";

export interface CommandCheckParts {
  readonly table: CommandTable;
  readonly isLoading: () => boolean;
  readonly earlyClients: EarlyClients;
  /** Whether the client may use DEBUG. */
  readonly isDebugAllowed: (connection: Connection) => boolean;
  /** Who may execute what. */
  readonly acl: Acl;
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
    if (connection.isRestricted || command.noMulti) {
      const refusal = this.permissionRefusal(command, request, connection);
      if (refusal !== undefined) return refusal;
    }
    if (connection.isSubscribed && connection.resp === 2 && !command.isForSubscribers) {
      return notForSubscribers(command.fullName);
    }
    if (!command.allowedWhileLoading && parts.isLoading() && !connection.isReplay) return LOADING;
    // As in Redis, so that those who monitor the server notice.
    if (command.isPing && parts.saves.refusesWrites) return SAVE_FAILED;
    if ((connection.isMonitor || connection.isReplica) && command.isForKeys) return REPLICA_HAS_NO_KEYSPACE;
    return undefined;
  }

  /** Whether a command that would be refused with `refusal` waits instead, until it can be said for certain; then its
   * client is parked. */
  postpones(refusal: string, connection: Connection): boolean {
    return refusal === LOADING && this.parts.earlyClients.postpones(connection);
  }

  private permissionRefusal(
    command: CompiledCommand,
    request: Request,
    connection: Connection,
  ): string | undefined {
    if (connection.mustAuthenticate && command.needsAuth) return NOT_AUTHENTICATED;
    if (command.noMulti && connection.transaction !== undefined) return NOT_IN_TRANSACTION;
    return connection.isRestricted ? this.denialOf(command, request, connection) : undefined;
  }

  /** The error for a command that the client's user has no permission for. */
  denialOf(command: CompiledCommand, request: Request, connection: Connection): string | undefined {
    const result = this.parts.acl.judge(connection, command, request);
    if (result === ALLOWED) return undefined;
    if (result === DENIED_COMMAND) return noPermissionFor(command.fullName);
    return result === DENIED_KEY ? NO_PERMISSION_FOR_KEY : NO_PERMISSION_FOR_CHANNEL;
  }
}

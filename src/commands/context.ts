/**
 * What a handler gets: the request, where to answer, the client, the database, and the services of the server. One
 * object per server, its fields set before each command: nothing is allocated for a command.
 */
import type { Database } from "../keyspace/database.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Outcome } from "../protocol/outcome.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";
import type { Client } from "./client.ts";
import type { ServerServices } from "./services.ts";

/** What a command changed, as the commands that repeat the change: to the append-only file. */
export interface Effects {
  /** The command exactly as received. */
  verbatim(): void;
  /** Another command in its place (relative times made absolute, random choices fixed). Numbers are integers. */
  command(...args: (string | Buffer | number)[]): void;
}

/** Continues a suspended command when what it waited for is there; answers through ctx.reply. */
export type Continuation<T> = (ctx: CommandContext, value: T) => Outcome;

export interface CommandContext {
  readonly request: Request;
  readonly reply: ReplyWriter;
  readonly client: Client;
  /** The client's selected database. */
  readonly db: Database;
  readonly keyspace: Keyspace;
  readonly effects: Effects;
  readonly server: ServerServices;
  /** Parks the client until `work` settles, then runs `finish` (or answers the error `work` rejected with). Used by
   * the few commands that read the disk or wait for it. */
  suspend<T>(work: Promise<T>, finish: Continuation<T>): Outcome;
}

/**
 * Commands that wait for work of the server's (the disk, a save, a time) and answer when it is done. Their clients are
 * parked meanwhile.
 */
import type { CommandContext, Continuation } from "../commands/context.ts";
import type { CompiledCommand } from "../commands/table.ts";
import { CANNOT_WAIT_IN_TRANSACTION, UNBLOCKED } from "../protocol/errors.ts";
import { DONE, type Outcome, SUSPENDED } from "../protocol/outcome.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";
import type { Connection } from "./connection.ts";

/** The dispatcher, as far as suspended commands need it. */
export interface SuspensionHost {
  readonly client: Connection;
  readonly request: Request;
  readonly reply: ReplyWriter;
  /** Runs a later part of a command as its client, and queues what it answers. */
  answer(
    connection: Connection,
    command: CompiledCommand,
    request: Request,
    action: (ctx: CommandContext) => Outcome,
  ): Outcome;
}

interface Work {
  readonly promise: Promise<unknown>;
  readonly finish: Continuation<never>;
}

export class Suspension {
  /** What the handler that ran last waits for; the dispatcher passes it on to `wait`. */
  work: Work | undefined;
  private readonly host: SuspensionHost;

  constructor(host: SuspensionHost) {
    this.host = host;
  }

  /** A handler's own words: see CommandContext.suspend. */
  begin<T>(promise: Promise<T>, finish: Continuation<T>): Outcome {
    if (this.host.client.isExecuting) {
      promise.catch(() => undefined);
      return this.host.reply.error(CANNOT_WAIT_IN_TRANSACTION);
    }
    this.work = { promise, finish: finish as Continuation<never> };
    return SUSPENDED;
  }

  /** Parks the client of the command that has just asked to wait. */
  wait(connection: Connection, command: CompiledCommand): void {
    const { promise, finish } = this.work!;
    this.work = undefined;
    connection.park();
    let isOver = false;
    const answer = (action: (ctx: CommandContext) => Outcome) => {
      if (isOver || connection.isClosed) return;
      isOver = true;
      connection.unblock = undefined;
      if (this.host.answer(connection, command, this.host.request, action) === DONE) connection.goOn();
      else this.wait(connection, command);
    };
    // Only what waits for an event, not for the disk, can be made to wait no longer.
    if (command.canBeUnblocked) {
      // As in Redis, what replicas or the disk took is no time of the command's.
      connection.blockedCall = undefined;
      connection.unblock = (asError) => {
        connection.unblock = undefined;
        // Not now: the reply of the client that asks for it is just being made.
        setImmediate(answer, (ctx: CommandContext) =>
          asError ? ctx.reply.error(UNBLOCKED) : finish(ctx, undefined as never),
        );
      };
    }
    promise.then(
      (value) => answer((ctx) => finish(ctx, value as never)),
      (error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        answer(({ reply }) => reply.error(`ERR ${text}`));
      },
    );
  }
}

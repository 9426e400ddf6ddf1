/**
 * Commands that wait for work outside the turn (the disk, an event) before they answer: their connections are parked,
 * and the rest of the command runs as a part of it when the work is done.
 */
import type { CommandContext, Continuation } from "../commands/context.ts";
import type { CompiledCommand } from "../commands/table.ts";
import { UNBLOCKED } from "../protocol/errors.ts";
import { DONE, type Outcome, SUSPENDED } from "../protocol/outcome.ts";
import type { Request } from "../protocol/request.ts";
import type { Connection } from "./connection.ts";
import type { Answerer } from "./waiting-clients.ts";

interface Suspension {
  readonly work: Promise<unknown>;
  readonly finish: Continuation<never>;
}

export class Suspensions {
  private readonly host: Pick<Answerer, "answer"> & { readonly request: Request };
  /** Of the command whose handler runs, or has just run. */
  private present: Suspension | undefined;

  constructor(host: Pick<Answerer, "answer"> & { readonly request: Request }) {
    this.host = host;
  }

  /** Whether the handler that has just run wants to wait. */
  get hasBegun(): boolean {
    return this.present !== undefined;
  }

  begin<T>(work: Promise<T>, finish: Continuation<T>): Outcome {
    this.present = { work, finish: finish as Continuation<never> };
    return SUSPENDED;
  }

  /** Parks the connection until what its command has begun to wait for is there. */
  wait(connection: Connection, command: CompiledCommand): void {
    const { work, finish } = this.present!;
    this.present = undefined;
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
    if (command.spec.flags.includes("blocking")) {
      connection.unblock = (asError) => {
        connection.unblock = undefined;
        // Not now: the reply of the client that asks for it is just being made.
        setImmediate(answer, (ctx: CommandContext) =>
          asError ? ctx.reply.error(UNBLOCKED) : finish(ctx, undefined as never),
        );
      };
    }
    work.then(
      (value) => answer((ctx) => finish(ctx, value as never)),
      (error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        answer(({ reply }) => reply.error(`ERR ${text}`));
      },
    );
  }
}

/**
 * A server whose every executed command is seen: it is repeated on the model, its reply is compared, and what it
 * changed becomes an event of the history, with the position of the append-only file behind it. The server executes
 * one command at a time, so the history is one sequence.
 */
import type { CommandContext } from "../../src/commands/context.ts";
import type { CompiledCommand } from "../../src/commands/table.ts";
import { SUSPENDED } from "../../src/protocol/outcome.ts";
import type { Server } from "../../src/server/server.ts";
import type { Model } from "./model.ts";
import type { SimulatedClient } from "./simulated-client.ts";

/** A change of the data. */
export interface HistoryEvent {
  readonly dbIndex: number;
  readonly args: readonly string[];
  readonly nowMs: number;
  /** Of the append-only file, behind the change. */
  readonly position: number;
}

export interface ObservedParts {
  readonly server: Server;
  /** The data as all executed commands make it. */
  readonly model: Model;
  readonly history: HistoryEvent[];
  readonly isAlive: () => boolean;
  readonly onFault: (text: string) => void;
}

const REMOVED = "(removed)";

export class ObservedServer {
  readonly server: Server;
  /** False while it is not yet known what the data is: then nothing may change. */
  isKnown = false;
  private model: Model;
  private readonly history: HistoryEvent[];
  private readonly parts: ObservedParts;
  private readonly clients = new Map<unknown, SimulatedClient>();
  private lastPosition = 0;

  constructor(parts: ObservedParts) {
    this.parts = parts;
    this.server = parts.server;
    this.model = parts.model;
    this.history = parts.history;
    this.lastPosition = this.server.aof.appended;
    // SCAN deletes keys whose time has come, unless the data stands still.
    this.server.keyspace.isStill = true;
    for (const command of this.server.table.all) this.observe(command);
    this.observeRemovals();
  }

  /** What the data is was found out. */
  begin(model: Model): void {
    this.model = model;
    this.isKnown = true;
    this.server.keyspace.isStill = false;
  }

  connect(client: SimulatedClient): void {
    const events = this.server.accept(client);
    if (events === undefined) throw new Error("the server refused a connection");
    this.clients.set(events, client);
    client.connect(events);
  }

  private observe(command: CompiledCommand): void {
    const { run } = command;
    if (run === undefined) return;
    const observed = command as { run: CompiledCommand["run"] };
    observed.run = (ctx) => {
      const client = this.clients.get(ctx.client);
      if (client === undefined || !this.parts.isAlive()) return run(ctx);
      const begun = this.begun(ctx, client);
      const outcome = run(ctx);
      if (this.parts.isAlive()) this.executed(ctx, client, begun, outcome === SUSPENDED);
      return outcome;
    };
  }

  private begun(ctx: CommandContext, client: SimulatedClient) {
    const { request, reply } = ctx;
    const args: string[] = [];
    for (let i = 0; i < request.argc; i++) args.push(request.bytes(i).toString("latin1"));
    args[0] = args[0].toUpperCase();
    const { dbIndex } = ctx.client;
    if (client.dbIndex !== dbIndex)
      this.parts.onFault(`the client is in database ${dbIndex}, not ${client.dbIndex}`);
    return { args, dbIndex, replyStart: reply.end, nowMs: this.server.clock.nowMs };
  }

  private executed(
    { reply }: CommandContext,
    client: SimulatedClient,
    { args, dbIndex, replyStart, nowMs }: ReturnType<ObservedServer["begun"]>,
    isSuspended: boolean,
  ): void {
    const made = isSuspended ? undefined : reply.buf.toString("latin1", replyStart, reply.end);
    if (this.isKnown && this.model.knows(args[0])) {
      const expected = this.model.execute(dbIndex, args, nowMs);
      const isAsExpected = expected === "-ERR" ? made?.startsWith("-ERR") : made === expected;
      if (!isAsExpected)
        this.parts.onFault(`${shortened(args)} in db${dbIndex}: ${made} instead of ${expected}`);
    }
    if (args[0] === "SELECT") client.dbIndex = Number(args[1]);
    const position = this.server.aof.appended;
    if (position !== this.lastPosition) {
      this.note({ dbIndex, args, nowMs, position });
      client.ownLength = this.history.length;
    }
    client.executed.push({
      args,
      reply: made,
      historyLength: this.history.length,
      ownLength: client.ownLength,
    });
  }

  private observeRemovals(): void {
    const { keyspace } = this.server;
    const tell = keyspace.onKeyRemoved;
    keyspace.onKeyRemoved = (database, key, reason) => {
      tell(database, key, reason);
      if (!this.parts.isAlive()) return;
      const text = key.toString("latin1");
      const { nowMs } = this.server.clock;
      if (reason !== "expired" || (this.isKnown && !this.model.expire(database.index, text, nowMs))) {
        this.parts.onFault(`${reason}: db${database.index} ${text.slice(0, 20)}, which was not due`);
      }
      this.note({
        dbIndex: database.index,
        args: [REMOVED, text],
        nowMs,
        position: this.server.aof.appended,
      });
    };
  }

  private note(event: HistoryEvent): void {
    if (!this.isKnown) this.parts.onFault(`${shortened(event.args)} changed data that was only looked at`);
    if (event.position <= this.lastPosition)
      this.parts.onFault(`${shortened(event.args)} was not propagated`);
    this.lastPosition = event.position;
    this.history.push(event);
  }
}

/** Repeats an event. */
export function applyEvent(model: Model, { dbIndex, args, nowMs }: HistoryEvent): void {
  if (args[0] === REMOVED) model.expire(dbIndex, args[1], nowMs);
  else model.execute(dbIndex, args, nowMs);
}

/** Whether the event is an expiry, which nobody asked for. */
export function isRemoval({ args }: HistoryEvent): boolean {
  return args[0] === REMOVED;
}

function shortened(args: readonly string[]): string {
  return args.map((arg) => (arg.length > 30 ? `${arg.slice(0, 27)}...` : arg)).join(" ");
}

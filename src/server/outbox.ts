/**
 * Replies on their way out. What the commands of one turn of the event loop answer lies in the one reply buffer, a
 * piece for each run of a connection, and leaves at the turn's end, after the turn's writes went to the append-only
 * file. Reading many requests and then writing many replies costs a quarter less time in the system than doing both by
 * turns: each half finds its code and data in the caches. (Redis writes before it sleeps, too.)
 *
 * Pieces that may not leave yet (reply-gate.ts) are copied to the gate.
 *
 * The pieces follow each other without gaps, so each begins where the one before it ends; what the reply writer holds
 * behind the last is the run that is just executed.
 */
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Connection } from "./connection.ts";
import type { ReplyGate } from "./reply-gate.ts";

/** With this much waiting the end of the turn is not awaited: about what stays in a processor's cache. */
const FULL_BYTES = 256 * 1024;

/** What the outbox needs to know of the append-only file. */
export interface OutboxAof {
  readonly appended: number;
  /** See AofWriter. Infinity without an append-only file. */
  readonly gatePosition: number;
  readonly failureText: string | undefined;
}

export interface OutboxParts {
  readonly reply: ReplyWriter;
  readonly aof: OutboxAof;
  readonly gate: ReplyGate;
  /** Has `flush` called at the end of the turn, behind the writing of the append-only file. */
  readonly scheduleFlush: () => void;
  /** The same at once. */
  readonly flushNow: () => void;
}

export class Outbox {
  private readonly parts: OutboxParts;
  /** Where in the reply buffer the present run's output begins. */
  private start = 0;
  /** The pieces queued are the first `count` of each list: to empty a list costs more than to keep it. */
  private count = 0;
  private readonly connections: (Connection | undefined)[] = [];
  private readonly ends: number[] = [];
  /** Position of the append-only file behind all that each piece may have observed. */
  private readonly positions: number[] = [];

  /** While a script is suspended: the position before it, since nobody has observed anything of it. */
  heldPosition: number | undefined;

  constructor(parts: OutboxParts) {
    this.parts = parts;
  }

  /** Queues what the present run wrote. */
  add(connection: Connection): void {
    const { reply, aof } = this.parts;
    if (connection.isClosed) reply.end = this.start;
    if (reply.end === this.start) return;
    this.start = reply.end;
    connection.queuedPieces++;
    const place = this.count++;
    this.connections[place] = connection;
    this.ends[place] = reply.end;
    this.positions[place] = this.heldPosition ?? aof.appended;
    if (reply.end >= FULL_BYTES) this.parts.flushNow();
    else if (place === 0) this.parts.scheduleFlush();
  }

  /** Sends all that is queued and may leave, hands the rest to the gate. Not to be called in the middle of a run. */
  flush(): void {
    const { connections, count, ends, positions } = this;
    if (count === 0) return;
    const { reply, gate } = this.parts;
    let ending: Connection[] | undefined;
    let isKept = false;
    let start = 0;
    for (let i = 0; i < count; i++) {
      const connection = connections[i]!;
      connections[i] = undefined;
      const from = start;
      const to = ends[i];
      start = to;
      connection.queuedPieces--;
      if (connection.isClosed) continue;
      if (!this.mayLeave(connection, positions[i]))
        gate.hold(connection, reply.buf.subarray(from, to), positions[i]);
      else if (!connection.send(reply.buf, from, to)) isKept = true;
      if (connection.isClosing || connection.hasEnded) (ending ??= []).push(connection);
    }
    // A transport keeps what it could not send at once: then the writer goes on in another buffer.
    if (isKept) reply.take();
    else reply.reset();
    this.start = 0;
    this.count = 0;
    if (ending !== undefined) for (const connection of ending) connection.closeIfDone();
  }

  /** While the disk takes no writes, whoever waits for none of his own is answered: reads go on. */
  private mayLeave(connection: Connection, position: number): boolean {
    if (connection.heldPieces > 0) return false;
    const { aof } = this.parts;
    const { gatePosition } = aof;
    if (gatePosition >= position) return true;
    return connection.lastWritePosition <= gatePosition && aof.failureText !== undefined;
  }
}

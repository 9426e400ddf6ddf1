/**
 * Output on its way to the connections. What the commands of one turn of the event loop answer lies in the one reply
 * buffer, a piece for each run of a connection, and leaves at the turn's end, after the turn's writes went to the
 * append-only file. Reading many requests and then writing many replies costs a quarter less time in the system than
 * doing both by turns: each half finds its code and data in the caches. (Redis writes before it sleeps, too.)
 *
 * Between a connection's replies may stand pushes: messages that it did not ask for now (pushes.ts). They lie in
 * buffers of their own, since many connections get the same bytes. A connection that has several pieces gets them
 * with one call of the system, as far as they are small: messages that follow each other in their buffer are one
 * piece, and the rest is copied together.
 *
 * Pieces that may not leave yet (reply-gate.ts) are copied to the gate. While an EXEC is suspended, its client
 * gets nothing.
 *
 * Pieces of replies follow each other without gaps; what the reply writer holds behind the last is the run that is just
 * executed. All pieces of a connection stand in the order in which it is to get them, linked by `next`.
 */
import { copyBytes, withView } from "../base/byte-copy.ts";
import { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Connection } from "./connection.ts";
import type { OutputLimits } from "./output-limits.ts";
import type { ReplyGate } from "./reply-gate.ts";

/** With this much waiting the end of the turn is not awaited: about what stays in a processor's cache. */
const FULL_BYTES = 256 * 1024;
/** Pieces of one connection are copied together up to this many bytes. */
const TOGETHER_BYTES = 16 * 1024;
const NONE = -1;
/** Position of a push: it may tell of anything that was written before it leaves. */
const AS_OF_FLUSH = -1;

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
  readonly limits: OutputLimits;
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
  /** Where the bytes of each piece lie; undefined is the reply buffer. */
  private readonly sources: (Buffer | undefined)[] = [];
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  /** Position of the append-only file behind all that each piece may have observed. */
  private readonly positions: number[] = [];
  /** The connection's next piece. */
  private readonly next: number[] = [];
  /** Where pieces of a connection are copied together; empty while a transport keeps it. */
  private together = withView(Buffer.allocUnsafeSlow(TOGETHER_BYTES));
  /** Whether a transport keeps bytes of the reply buffer, or of a buffer of pushes. */
  private keepsReplies = false;
  private keepsPushes = false;
  /** Pushes that wait, in the two versions of the protocol. */
  private readonly pushes2 = new ReplyWriter();
  private readonly pushes3 = new ReplyWriter();
  /** Bytes of pushes that wait and are in neither any more. */
  private fullBytes = 0;
  /** The push that was sent last: others may get the same. Its bytes as a view if two got it, and the gate's copy. */
  private lastSource: Buffer | undefined;
  private lastStart = 0;
  private lastEnd = 0;
  private lastView: Buffer | undefined;
  private lastCopy: Buffer | undefined;
  /** Connections that may be done, found by the flush. */
  private readonly ending: Connection[] = [];
  /** As of the beginning of the flush. */
  private appended = 0;
  private gatePosition = 0;

  /** While a script is suspended: the position before it, since nobody has observed anything of it. */
  heldPosition: number | undefined;

  constructor(parts: OutboxParts) {
    this.parts = parts;
    this.pushes3.resp = 3;
  }

  /** Bytes that wait, those for many connections counted once. */
  get bytes(): number {
    return this.parts.reply.end + this.pushes2.end + this.pushes3.end + this.fullBytes;
  }

  private get hasPushes(): boolean {
    return this.pushes2.end + this.pushes3.end + this.fullBytes > 0;
  }

  /** Queues what the present run wrote. */
  add(connection: Connection): void {
    const { reply } = this.parts;
    if (connection.isClosed) reply.end = this.start;
    if (reply.end !== this.start) this.cut(connection, reply.end);
    if (this.bytes >= FULL_BYTES) this.parts.flushNow();
  }

  /**
   * Queues what the present run wrote before `end`, which must be final. What is behind it stays with the run.
   */
  cut(connection: Connection, end: number): void {
    const { start } = this;
    if (end <= start) return;
    this.start = end;
    this.queue(connection, undefined, start, end, this.heldPosition ?? this.parts.aof.appended);
  }

  /** Whether the present run wrote something that is not queued yet. */
  get hasUnqueued(): boolean {
    return this.parts.reply.end !== this.start;
  }

  /** Whether there are replies for the client whose run is just executed, or pushes, that have not left. */
  hasOutputFor({ heldPieces, queuedPieces, transport }: Connection): boolean {
    return this.hasUnqueued || queuedPieces > 0 || heldPieces > 0 || transport.pendingBytes > 0;
  }

  /** Position in the reply buffer behind what was cut: that can no longer be taken back. */
  get cutEnd(): number {
    return this.start;
  }

  /** Where to write a push for clients of that version: what is written from its `end` on. */
  pushWriter(resp: 2 | 3): ReplyWriter {
    const writer = resp === 2 ? this.pushes2 : this.pushes3;
    // Pieces refer to the buffer itself, which stays as it is.
    if (writer.end >= FULL_BYTES) this.fullBytes += writer.take().length;
    return writer;
  }

  /** Queues a push: bytes of `source`, which is the buffer of a push writer. The present run's output must have been
   * cut where they belong. */
  push(connection: Connection, source: Buffer, start: number, end: number): void {
    const last = connection.lastPiece;
    const mayGrow = connection.queuedPieces > 0 && connection.withheld === undefined;
    if (mayGrow && this.sources[last] === source && this.ends[last] === start) {
      this.ends[last] = end;
      this.grew(connection, end - start);
      return;
    }
    this.queue(connection, source, start, end, AS_OF_FLUSH);
  }

  private queue(
    connection: Connection,
    source: Buffer | undefined,
    start: number,
    end: number,
    position: number,
  ): void {
    if (connection.withheld !== undefined) {
      this.keep(connection, source ?? this.parts.reply.buf, start, end);
      return;
    }
    const place = this.count++;
    this.connections[place] = connection;
    this.sources[place] = source;
    this.starts[place] = start;
    this.ends[place] = end;
    this.positions[place] = position;
    this.next[place] = NONE;
    if (connection.queuedPieces++ > 0) this.next[connection.lastPiece] = place;
    else connection.firstPiece = place;
    connection.lastPiece = place;
    if (place === 0) this.parts.scheduleFlush();
    this.grew(connection, end - start);
  }

  /**
   * Takes the reply that the present run writes out of it: it is not whole, and may tell of what is not yet in the
   * append-only file. It is kept, and so is all that follows for the connection, until `release`.
   * @param isDropped it is not wanted
   */
  withhold(connection: Connection, isDropped: boolean): void {
    const { reply } = this.parts;
    const { end } = reply;
    const start = Math.max(reply.replyStart, this.start);
    this.cut(connection, start);
    reply.end = start;
    connection.withheld ??= [];
    if (!isDropped && end > start) this.keep(connection, reply.buf, start, end);
  }

  /** Queues what was withheld, before what the present run has written since. */
  release(connection: Connection, isDropped: boolean): void {
    const pieces = connection.withheld!;
    connection.withheld = undefined;
    for (const piece of pieces) {
      connection.heldBytes -= piece.length;
      if (!isDropped) this.queue(connection, piece, 0, piece.length, AS_OF_FLUSH);
    }
  }

  private keep(connection: Connection, source: Buffer, start: number, end: number): void {
    if (connection.isClosed) return;
    connection.withheld!.push(Buffer.from(source.subarray(start, end)));
    connection.heldBytes += end - start;
    this.parts.limits.check(connection);
  }

  private grew(connection: Connection, bytes: number): void {
    connection.queuedOutputBytes += bytes;
    this.parts.limits.check(connection);
  }

  /** Sends all that is queued and may leave, hands the rest to the gate. Not to be called in the middle of a run. */
  flush(): void {
    if (this.count === 0) return;
    const { aof, limits, reply } = this.parts;
    limits.closeMarked();
    this.appended = aof.appended;
    this.gatePosition = aof.gatePosition;
    if (this.hasPushes) this.sendReplies();
    // Connections that turn out to be closed may cause further pushes.
    for (let i = 0; i < this.count; i++) this.sendFirst(i);
    release(reply, this.keepsReplies);
    release(this.pushes2, this.keepsPushes);
    release(this.pushes3, this.keepsPushes);
    this.keepsReplies = false;
    this.keepsPushes = false;
    this.fullBytes = 0;
    this.lastSource = undefined;
    this.start = 0;
    this.count = 0;
    if (this.ending.length > 0) for (const connection of this.ending.splice(0)) connection.closeIfDone();
  }

  /** First to those who wait for replies: they may send the next request while the receivers of pushes are served. */
  private sendReplies(): void {
    for (let i = 0; i < this.count; i++) if (this.sources[i] === undefined) this.sendFirst(i);
  }

  /** Sends all pieces of a connection, if `place` is the first of them. */
  private sendFirst(place: number): void {
    const connection = this.connections[place];
    // Undefined: it went with an earlier one.
    if (connection === undefined || connection.firstPiece !== place) return;
    if (connection.queuedPieces === 1) this.sendPiece(connection, place);
    else this.sendAll(connection, place);
    if (connection.isClosing || connection.hasEnded) this.ending.push(connection);
  }

  private sendPiece(connection: Connection, place: number): void {
    const source = this.sources[place];
    const start = this.starts[place];
    const end = this.ends[place];
    this.forget(connection, place);
    if (connection.isClosed) return;
    const { gate, reply } = this.parts;
    const position = this.positionOf(place);
    const mayLeave = this.mayLeave(connection, position);
    if (source !== undefined) this.sendPush(connection, source, start, end, mayLeave ? undefined : position);
    else if (!mayLeave) gate.hold(connection, Buffer.from(reply.buf.subarray(start, end)), position);
    else if (!connection.send(reply.buf, start, end)) this.keepsReplies = true;
  }

  /** @param heldFor the position for which it has to wait, if it has to */
  private sendPush(
    connection: Connection,
    source: Buffer,
    start: number,
    end: number,
    heldFor: number | undefined,
  ): void {
    const isRepeated = source === this.lastSource && start === this.lastStart && end === this.lastEnd;
    if (!isRepeated) {
      this.lastSource = source;
      this.lastStart = start;
      this.lastEnd = end;
      this.lastView = undefined;
      this.lastCopy = undefined;
    }
    if (heldFor !== undefined) {
      this.lastCopy ??= Buffer.from(source.subarray(start, end));
      this.parts.gate.hold(connection, this.lastCopy, heldFor);
      return;
    }
    if (isRepeated) this.lastView ??= source.subarray(start, end);
    const { lastView } = this;
    const isGone =
      lastView === undefined
        ? connection.send(source, start, end)
        : connection.send(lastView, 0, lastView.length);
    if (!isGone) this.keepsPushes = true;
  }

  /** Sends several pieces of a connection, of which the first is `place`. */
  private sendAll(connection: Connection, place: number): void {
    const { next } = this;
    if (connection.queuedOutputBytes <= TOGETHER_BYTES && this.mayLeaveTogether(connection, place)) {
      this.sendTogether(connection, place);
      return;
    }
    for (let i = place; i !== NONE; i = next[i]) this.sendPiece(connection, i);
  }

  private mayLeaveTogether(connection: Connection, place: number): boolean {
    if (connection.isClosed) return false;
    for (let i = place; i !== NONE; i = this.next[i]) {
      if (!this.mayLeave(connection, this.positionOf(i))) return false;
    }
    return true;
  }

  private sendTogether(connection: Connection, place: number): void {
    if (this.together.length === 0) this.together = withView(Buffer.allocUnsafeSlow(TOGETHER_BYTES));
    const { together, ends, next, sources, starts } = this;
    const replies = this.parts.reply.buf;
    let length = 0;
    for (let i = place; i !== NONE; i = next[i]) {
      const size = ends[i] - starts[i];
      copyBytes(sources[i] ?? replies, starts[i], together, length, size);
      length += size;
      this.forget(connection, i);
    }
    if (!connection.send(together, 0, length)) this.together = EMPTY;
  }

  private forget(connection: Connection, place: number): void {
    this.connections[place] = undefined;
    this.sources[place] = undefined;
    connection.queuedPieces--;
    connection.queuedOutputBytes -= this.ends[place] - this.starts[place];
  }

  private positionOf(place: number): number {
    const position = this.positions[place];
    return position === AS_OF_FLUSH ? this.appended : position;
  }

  /** While the disk takes no writes, whoever waits for none of his own is answered: reads go on. */
  private mayLeave(connection: Connection, position: number): boolean {
    if (connection.heldPieces > 0) return false;
    const { gatePosition } = this;
    if (gatePosition >= position) return true;
    return connection.lastWritePosition <= gatePosition && this.parts.aof.failureText !== undefined;
  }
}

/** All that the writer holds has left. What a transport could not send at once it keeps: then the writer goes on in
 * another buffer. */
function release(writer: ReplyWriter, isKept: boolean): void {
  if (isKept) writer.take();
  else writer.reset();
}

const EMPTY = Buffer.alloc(0);

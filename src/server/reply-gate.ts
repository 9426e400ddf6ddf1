/**
 * The reply gate: no reply leaves before everything it may have observed is as safe as the fsync policy promises. A
 * piece of output carries the append-only file's position at the time it was produced, and leaves when the writer's
 * gate position has reached it. Positions only grow, so the pieces wait in one queue. (A connection's earlier output
 * may still be in the outbox, which has to be sent first.)
 *
 * While the disk takes no writes that may be long. Then only those wait who have written themselves what is not safe
 * yet: others may see it, as reads are to go on, but nobody is told that his write is done before it is.
 */
import type { Connection } from "./connection.ts";

interface HeldPiece {
  readonly connection: Connection;
  readonly bytes: Buffer;
  readonly position: number;
}

/** Room in the queue is given back when this many pieces have left. */
const COMPACT_AFTER = 1024;

export class ReplyGate {
  private queue: HeldPiece[] = [];
  private first = 0;

  get heldPieces(): number {
    return this.queue.length - this.first;
  }

  /** Holds `bytes`, which must not change, until the position is safe. */
  hold(connection: Connection, bytes: Buffer, position: number): void {
    this.queue.push({ connection, bytes, position });
    connection.heldPieces++;
    connection.heldBytes += bytes.length;
  }

  /** Sends what may leave now. */
  release(gatePosition: number): void {
    while (this.first < this.queue.length && this.queue[this.first].position <= gatePosition) {
      send(this.queue[this.first++]);
    }
    if (this.first === this.queue.length) {
      this.queue.length = 0;
      this.first = 0;
    } else if (this.first >= COMPACT_AFTER) {
      this.queue = this.queue.slice(this.first);
      this.first = 0;
    }
  }

  /** Sends what waits for the writes of others only. */
  releaseReaders(gatePosition: number): void {
    const pieces = this.queue.slice(this.first);
    const concernsWriter = ({ connection }: HeldPiece) => connection.lastWritePosition > gatePosition;
    this.queue = pieces.filter(concernsWriter);
    this.first = 0;
    for (const piece of pieces) {
      if (!concernsWriter(piece)) send(piece);
    }
  }
}

function send({ connection, bytes }: HeldPiece): void {
  connection.heldPieces--;
  connection.heldBytes -= bytes.length;
  if (connection.isClosed) return;
  connection.send(bytes, 0, bytes.length);
  if (connection.heldPieces === 0) connection.closeIfDone();
}

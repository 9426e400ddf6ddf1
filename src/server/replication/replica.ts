/**
 * One replica: what it wants, how far it is, and the bytes on their way to it. It goes through these states:
 *
 *     waiting   for the beginning of a snapshot that it can share
 *     saving    the snapshot has begun; the stream is kept for it from there on
 *     sending   the snapshot's file is on its way
 *     online    it gets the stream
 *
 * What it is sent goes past the outbox: nothing else is sent to a replica.
 */
import type { ReplicaTraits } from "../../commands/replication-access.ts";
import type { Connection } from "../connection.ts";
import type { SnapshotSource } from "./snapshot-source.ts";
import type { ReplicationStream } from "./stream.ts";

export type ReplicaState = "waiting" | "saving" | "sending" | "online";

/** Read from the snapshot's file at once; more is not in memory for one replica. */
const READ_BYTES = 64 * 1024;
const NEWLINE = Buffer.from("\n");

export class Replica {
  readonly connection: Connection;
  readonly traits: ReplicaTraits;
  private readonly stream: ReplicationStream;
  /** It came with SYNC: it knows neither offsets nor acknowledgements. */
  readonly isOld: boolean;
  state: ReplicaState = "waiting";
  /** Offset of the next byte of the stream that it is to be sent. */
  cursor = 0;
  /** What it has processed, and has safe in its own append-only file. */
  acknowledged = 0;
  acknowledgedOnDisk = 0;
  private onlineSinceMs = 0;

  constructor(connection: Connection, traits: ReplicaTraits, isOld: boolean, stream: ReplicationStream) {
    this.connection = connection;
    this.traits = traits;
    this.isOld = isOld;
    this.stream = stream;
  }

  /** It needs the stream from its cursor on. */
  get needsStream(): boolean {
    return this.state !== "waiting" && !this.traits.isSnapshotOnly;
  }

  /** Bytes of the stream that wait for it. */
  get pendingBytes(): number {
    return this.needsStream ? this.stream.endOffset - this.cursor : 0;
  }

  get ip(): string {
    const { announcedAddress } = this.traits;
    if (announcedAddress !== "") return announcedAddress;
    return /^\[?(.*?)\]?:\d+$/.exec(this.connection.address)?.[1] ?? this.connection.address;
  }

  /** As the log calls it. */
  get name(): string {
    const { listeningPort } = this.traits;
    return `${this.ip}:${listeningPort === 0 ? "<unknown-replica-port>" : listeningPort}`;
  }

  /** When it was heard of last: by an acknowledgement, or a newline while it loads the snapshot. */
  get lastHeardMs(): number {
    return Math.max(this.onlineSinceMs, this.connection.lastActiveMs);
  }

  /** The snapshot begins at `offset` of the stream: tells the replica, if it wants to know. */
  begin(streamId: string, offset: number): void {
    this.state = "saving";
    this.cursor = offset;
    if (!this.isOld) this.send(Buffer.from(`+FULLRESYNC ${streamId} ${offset}\r\n`));
  }

  /** It goes on where it was: the stream is there from `offset` on. */
  resume(streamId: string, offset: number, nowMs: number): void {
    this.send(Buffer.from(this.traits.hasPsync2 ? `+CONTINUE ${streamId}\r\n` : "+CONTINUE\r\n"));
    this.cursor = offset;
    this.goOnline(nowMs);
  }

  goOnline(nowMs: number): void {
    this.state = "online";
    this.onlineSinceMs = nowMs;
  }

  /** Tells a replica that waits for its snapshot that the master is there. */
  keepAlive(): void {
    if (this.state === "waiting" || this.state === "saving") this.send(NEWLINE);
  }

  /** There will be no snapshot for it: tells why, and ends the connection. */
  refuse(error: string): void {
    this.send(Buffer.from(`-${error}\r\n`));
    this.connection.closeAfterReply();
    this.connection.closeIfDone();
  }

  /** Sends the whole snapshot; resolves to whether the replica is still there then. Rejects if it cannot be read. */
  async sendSnapshot(source: SnapshotSource): Promise<boolean> {
    const { connection } = this;
    this.state = "sending";
    source.hold();
    try {
      const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, source.sizeBytes));
      this.send(Buffer.from(`$${source.sizeBytes}\r\n`));
      for (let position = 0; position < source.sizeBytes; ) {
        // The buffer is the transport's until all of it has left.
        await connection.whenDrained();
        if (connection.isClosed) return false;
        const length = await source.read(buffer, position);
        if (length === 0) throw new Error("the snapshot's file ends early");
        if (connection.isClosed) return false;
        connection.sendToReplica(buffer, 0, Math.min(length, source.sizeBytes - position));
        position += length;
      }
      await connection.whenDrained();
      return !connection.isClosed;
    } finally {
      source.release();
    }
  }

  /** Sends of the stream what lies before `limit`, as far as the transport takes it now. */
  sendStream(limit: number): void {
    const { connection, stream } = this;
    while (this.cursor < limit && !connection.isClosed && connection.transport.pendingBytes === 0) {
      const { buffer, start, end } = stream.pieceAt(this.cursor, limit);
      this.cursor += end - start;
      connection.sendToReplica(buffer, start, end);
    }
  }

  private send(bytes: Buffer): void {
    this.connection.sendToReplica(bytes, 0, bytes.length);
  }
}

/**
 * The master's half of replication: who the replicas are, the stream that they get, and what is decided once a second.
 *
 * The stream exists while there are replicas, and for `repl-backlog-ttl` seconds after the last one has gone; without
 * it nothing is produced, and `isActive` is all that the path of a command looks at. A stream that begins anew has a
 * new id, since what happened in between is in no stream.
 */
import type { Client } from "../../commands/client.ts";
import {
  type AwaitedReplicas,
  newReplicaTraits,
  type ReplicaFacts,
  type ReplicationAccess,
  type ResumeRequest,
} from "../../commands/replication-access.ts";
import { FILTER_NEEDS_EOF, SYNC_WITH_PENDING_OUTPUT } from "../../protocol/replication-errors.ts";
import type { Connection } from "../connection.ts";
import type { Server } from "../server.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { Replica } from "./replica.ts";
import { SafeOffset } from "./safe-offset.ts";
import { ReplicationStream } from "./stream.ts";
import { SyncSnapshot } from "./sync-snapshot.ts";

const ID_BYTES = 20;
const CRON_MS = 1000;

export class Replication implements ReplicationAccess {
  /** Whether changes must be put into the stream. */
  isActive = false;
  /** There are fewer replicas that keep up than writes need (min-replicas-to-write). */
  lacksGood = false;
  id: string;
  /** In the order of their coming. Replaced when one comes or goes. */
  replicas: readonly Replica[] = [];
  /** How many replicas got a snapshot, the rest of the stream, or asked for that in vain. */
  fullSyncs = 0;
  partialSyncs = 0;
  refusedPartialSyncs = 0;
  stream: ReplicationStream | undefined;
  /** Called when a replica has acknowledged more, or is gone; set by whoever waits for that, while it waits. */
  onProgress: () => void = () => {};
  private safe = new SafeOffset(0);
  private snapshot: SyncSnapshot | undefined;
  private readonly acknowledgements = new Acknowledgements((offset, onDisk) =>
    this.countAcknowledged(offset, onDisk),
  );
  private wantsAcknowledgements = false;
  /** Where the stream ended that was given up. */
  private lastOffset = 0;
  private lastGoneMs = 0;
  private cronAtMs = 0;
  private cronCalls = 0;
  private readonly server: Server;

  constructor(server: Server) {
    this.server = server;
    this.id = this.newId();
    this.countGood();
  }

  get offset(): number {
    return this.stream?.appendedOffset ?? this.lastOffset;
  }

  get count(): number {
    return this.replicas.length;
  }

  /** Replicas that keep up. */
  get goodCount(): number {
    const { "min-replicas-max-lag": maxLagSeconds } = this.server.config.values;
    return this.replicas.filter(
      (replica) => replica.state === "online" && this.lagSeconds(replica) <= maxLagSeconds,
    ).length;
  }

  /** Replicas that have not acknowledged all. */
  get lagging(): readonly Replica[] {
    return this.replicas.filter(({ acknowledged }) => acknowledged !== this.offset);
  }

  /** Memory of the stream: within the backlog's size, and beyond that for the replicas. */
  get backlogBytes(): number {
    const bytes = this.stream?.memoryBytes ?? 0;
    return this.count === 0 ? bytes : Math.min(bytes, this.server.config.values["repl-backlog-size"]);
  }

  get surplusBytes(): number {
    return (this.stream?.memoryBytes ?? 0) - this.backlogBytes;
  }

  *online(): Iterable<ReplicaFacts> {
    for (const { acknowledged, ip, state, traits } of this.replicas) {
      if (state === "online") yield { ip, port: traits.listeningPort, acknowledged };
    }
  }

  /** Seconds since an online replica was heard of. */
  lagSeconds({ lastHeardMs }: Replica): number {
    return Math.floor(this.server.clock.nowMs / 1000) - Math.floor(lastHeardMs / 1000);
  }

  refusalOf(client: Client): string | undefined {
    const connection = client as Connection;
    if (this.server.dispatcher.outbox.hasOutputFor(connection)) return SYNC_WITH_PENDING_OUTPUT;
    const traits = connection.replicaTraits;
    if (traits === undefined || traits.hasEof) return undefined;
    return traits.withoutData || traits.withoutFunctions ? FILTER_NEEDS_EOF : undefined;
  }

  attach(client: Client, wanted: ResumeRequest | undefined): void {
    const connection = client as Connection;
    const traits = (connection.replicaTraits ??= newReplicaTraits());
    const { world } = this.server;
    const stream = this.stream ?? this.begin();
    const replica = new Replica(connection, traits, wanted === undefined, stream);
    world.log.notice(`Replica ${replica.name} asks for synchronization`);
    this.server.becameReplica(connection);
    connection.replica = replica;
    this.replicas = [...this.replicas, replica];
    if (wanted !== undefined && this.resume(replica, wanted)) return;
    this.fullSyncs++;
    if (this.snapshot?.admit(replica) === true) world.log.notice("Waiting for end of BGSAVE for SYNC");
    else this.startSnapshot();
  }

  acknowledge(client: Client, offset: number, onDisk: number | undefined): void {
    const { replica } = client as Connection;
    if (replica === undefined) return;
    replica.acknowledged = Math.max(replica.acknowledged, offset);
    replica.acknowledgedOnDisk = Math.max(replica.acknowledgedOnDisk, onDisk ?? 0);
    this.acknowledgements.settle();
    this.onProgress();
  }

  offsetOf(client: Client): number {
    return (client as Connection).lastStreamOffset;
  }

  countAcknowledged(offset: number, onDisk: boolean): number {
    return this.replicas.filter(
      (replica) =>
        replica.state === "online" && (onDisk ? replica.acknowledgedOnDisk : replica.acknowledged) >= offset,
    ).length;
  }

  async waitForReplicas(client: Client, wanted: AwaitedReplicas, timeoutMs: number): Promise<void> {
    this.requestAcknowledgements();
    await this.acknowledgements.wait(client, wanted, timeoutMs);
  }

  /** Has all replicas tell soon how far they are. */
  requestAcknowledgements(): void {
    this.wantsAcknowledgements = true;
    this.server.scheduleTurnEnd();
  }

  /** A client's command has had effects, or may have: they are in the stream. */
  wrote(connection: Connection): void {
    const { offset } = this;
    if (connection.lastStreamOffset === offset) return;
    this.stream!.commit();
    connection.lastStreamOffset = offset;
    this.server.scheduleTurnEnd();
  }

  /** A run of a client's commands ends: it may know of all that is in the stream. A replica must not be answered, or
   * it would take that for a part of the stream. */
  endRun(connection: Connection, isAnswered: boolean): void {
    connection.lastStreamOffset = this.offset;
    const { replica } = connection;
    if (!isAnswered || replica === undefined) return;
    const { log } = this.server.world;
    log.warning(
      `Replica ${replica.name} generated a reply to command '${connection.lastCommand}', disconnecting it`,
    );
    connection.close();
  }

  /** Sends what may leave. At the end of a turn, behind the writing of the append-only file. */
  flush(): void {
    const { stream } = this;
    if (stream === undefined) return;
    // While clients are paused nothing is added, as in Redis.
    if (this.wantsAcknowledgements && !this.server.pause.isOn) this.appendControl("REPLCONF", "GETACK", "*");
    stream.commit();
    this.safe.advance(this.server.aof, stream.endOffset);
    const { outputLimits } = this.server;
    for (const replica of this.replicas) {
      if (replica.state === "online") replica.sendStream(this.safe.value);
      outputLimits.check(replica.connection);
    }
    outputLimits.closeMarked();
    stream.trim(this.neededFrom(), this.server.config.values["repl-backlog-size"]);
  }

  /** All that was sent to a replica has left. */
  drained({ replica }: Connection): void {
    if (replica?.state === "online") replica.sendStream(this.safe.value);
  }

  /** The connection is gone. */
  forget(connection: Connection): void {
    this.acknowledgements.forget(connection);
    const { replica } = connection;
    if (replica === undefined) return;
    this.replicas = this.replicas.filter((each) => each !== replica);
    this.snapshot?.forget(replica);
    if (this.count === 0) this.lastGoneMs = this.server.clock.nowMs;
    this.server.world.log.notice(`Connection with replica ${replica.name} lost.`);
    this.countGood();
    this.onProgress();
  }

  /** What changes with time, or with directives; to be called several times a second. */
  cron(): void {
    if (this.isActive) this.startSnapshot();
    const nowMs = this.server.clock.monotonicMs();
    if (nowMs < this.cronAtMs) return;
    this.cronAtMs = nowMs + CRON_MS;
    this.countGood();
    const { values } = this.server.config;
    const isPingDue = this.cronCalls++ % values["repl-ping-replica-period"] === 0;
    if (!this.isActive) return;
    if (isPingDue && this.count > 0) {
      this.appendControl("PING");
      this.server.scheduleTurnEnd();
    }
    for (const replica of this.replicas) replica.keepAlive();
    this.closeSilent(values["repl-timeout"]);
    this.endIfIdle(values["repl-backlog-ttl"]);
  }

  /** CONFIG RESETSTAT. */
  resetCounters(): void {
    this.fullSyncs = 0;
    this.partialSyncs = 0;
    this.refusedPartialSyncs = 0;
  }

  /** Whether there are enough replicas for writes. */
  countGood(): void {
    const { values } = this.server.config;
    const wanted = values["min-replicas-to-write"];
    this.lacksGood = wanted > 0 && values["min-replicas-max-lag"] > 0 && this.goodCount < wanted;
  }

  private newId(): string {
    return this.server.world.random.bytes(ID_BYTES).toString("hex");
  }

  private begin(): ReplicationStream {
    const { clock, propagation, world } = this.server;
    this.id = this.newId();
    const stream = new ReplicationStream(clock, this.lastOffset);
    this.stream = stream;
    this.safe = new SafeOffset(this.lastOffset);
    this.isActive = true;
    propagation.stream = stream.encoder;
    world.log.notice(`Replication backlog created, my new replication ID is '${this.id}'`);
    return stream;
  }

  /** Gives the stream up when there has been no replica for so long (0: never). */
  private endIfIdle(seconds: number): void {
    const { clock, propagation, world } = this.server;
    if (this.count > 0 || seconds === 0 || clock.nowMs - this.lastGoneMs <= seconds * 1000) return;
    this.stream!.commit();
    this.lastOffset = this.stream!.endOffset;
    this.stream = undefined;
    this.isActive = false;
    propagation.stream = undefined;
    this.id = this.newId();
    world.log.notice(`Replication backlog freed after ${seconds} seconds without connected replicas.`);
  }

  /** Lets a replica go on where it was, if the stream is still there. */
  private resume(replica: Replica, { streamId, nextByte }: ResumeRequest): boolean {
    const { clock, world } = this.server;
    const { name } = replica;
    const stream = this.stream!;
    stream.commit();
    const offset = nextByte - 1;
    const isKnown = streamId.toLowerCase() === this.id;
    if (isKnown && offset >= stream.firstOffset && offset <= stream.endOffset) {
      this.partialSyncs++;
      const bytes = stream.endOffset - offset;
      world.log.notice(
        `Partial resynchronization request from ${name} accepted. Sending ${bytes} bytes of backlog starting from offset ${nextByte}.`,
      );
      replica.resume(this.id, offset, clock.nowMs);
      this.countGood();
      this.server.scheduleTurnEnd();
      return true;
    }
    if (streamId.startsWith("?")) world.log.notice(`Full resync requested by replica ${name}`);
    else {
      this.refusedPartialSyncs++;
      const reason = isKnown ? "lack of backlog" : `another replication ID than ${this.id}`;
      world.log.notice(
        `Unable to partial resync with replica ${name} for ${reason} (Replica request was: ${streamId}:${nextByte}).`,
      );
    }
    return false;
  }

  /** Begins a snapshot for the replicas that wait for one, if nothing is in its way. */
  private startSnapshot(): void {
    const { aof, isStopping, saves } = this.server;
    if (this.snapshot !== undefined || saves.isBusy || aof.isRewriting || isStopping) return;
    const first = this.replicas.find(({ state }) => state === "waiting");
    if (first === undefined) return;
    const { withoutData, withoutFunctions } = first.traits;
    this.snapshot = new SyncSnapshot({
      server: this.server,
      stream: this.stream!,
      streamId: this.id,
      filter: { withoutData, withoutFunctions },
      waiting: () => this.replicas.filter(({ state }) => state === "waiting"),
      onSent: (replica) => this.sent(replica),
      onEnded: () => {
        this.snapshot = undefined;
      },
    });
    this.snapshot.start();
  }

  /** A replica has its snapshot. */
  private sent(replica: Replica): void {
    const { clock, world } = this.server;
    if (replica.traits.isSnapshotOnly) {
      world.log.notice(
        `RDB transfer completed, rdb only replica (${replica.name}) should be disconnected asap`,
      );
      replica.connection.close();
      return;
    }
    replica.goOnline(clock.nowMs);
    world.log.notice(`Synchronization with replica ${replica.name} succeeded`);
    this.countGood();
    this.server.scheduleTurnEnd();
  }

  /** Nobody needs what lies before this offset of the stream. */
  private neededFrom(): number {
    let needed = this.snapshot?.offset ?? Number.POSITIVE_INFINITY;
    for (const { cursor, needsStream } of this.replicas) if (needsStream) needed = Math.min(needed, cursor);
    return needed;
  }

  /** Appends a command for replicas that changes nothing, unless a group is open: then it comes later. */
  private appendControl(...words: readonly string[]): void {
    const { stream } = this;
    if (stream === undefined || stream.encoder.isMidway) return;
    if (words[0] === "REPLCONF") this.wantsAcknowledgements = false;
    stream.appendControl(...words);
  }

  /** Closes online replicas that were not heard of for so long. */
  private closeSilent(seconds: number): void {
    for (const replica of this.replicas) {
      if (replica.state !== "online" || replica.isOld || this.lagSeconds(replica) <= seconds) continue;
      this.server.world.log.warning(`Disconnecting timedout replica (streaming sync): ${replica.name}`);
      replica.connection.close();
    }
  }
}

/**
 * One client's connection: its decoder, its session, its replies on their way out. Executing is the dispatcher's.
 *
 * Replies leave in order. One that may have observed writes not yet as safe as the fsync policy promises is held
 * (reply-gate.ts); so are all behind it. While a command is parked the connection executes nothing further, and stops
 * reading once a fair amount of requests has piled up.
 */
import type { Clock } from "../base/clock.ts";
import type { StorageError } from "../base/storage-error.ts";
import type { ClientTracking } from "../commands/client.ts";
import type { ReplicaTraits } from "../commands/replication-access.ts";
import type { Fetch, Waiter } from "../keyspace/warmer.ts";
import { type DecoderLimits, RequestDecoder } from "../protocol/request-decoder.ts";
import type { AclClient } from "./acl/acl.ts";
import type { User } from "./acl/user.ts";
import type { ClientEviction } from "./client-eviction.ts";
import type { BlockedCall } from "./observation/calls.ts";
import type { PreparedWalks } from "./prepared-walks.ts";
import type { Replica } from "./replication/replica.ts";
import type { DebugSession } from "./script-debugging/debug-session.ts";
import type { Statistics } from "./statistics.ts";
import type { OwnSubscriptions } from "./subscriptions.ts";
import type { Transaction } from "./transaction.ts";
import type { Transport, TransportEvents } from "./transport/transport.ts";
import type { Watch, Watcher } from "./watched-keys.ts";

/** A parked connection reads on until this much is waiting: enough to look ahead for cold keys, little enough for many
 * connections at a time. */
const PARKED_READ_BYTES = 256 * 1024;

/** What a connection needs of the server. */
export interface ConnectionHost {
  readonly clock: Clock;
  readonly decoderLimits: DecoderLimits;
  readonly statistics: Statistics;
  /** Absent where there are no clients to choose from. */
  readonly clientEviction?: ClientEviction;
  /** Executes what the connection's decoder has, until it is empty or the connection parks. */
  run(connection: Connection): void;
  /** The connection is closed; forget it. */
  closed(connection: Connection): void;
  /** All that was sent to a replica has left. Absent where there are none. */
  drained?(connection: Connection): void;
}

export class Connection implements AclClient, Waiter, Watcher, TransportEvents {
  readonly id: number;
  name = "";
  resp: 2 | 3 = 2;
  dbIndex = 0;
  readonly createdMs: number;
  lastActiveMs: number;
  lastCommand = "";
  libraryName = "";
  libraryVersion = "";
  noEvict = false;
  noTouch = false;
  replyMode: "on" | "off" | "skip" | "skip-next" = "on";
  lastWritePosition = 0;

  user: User | undefined;
  authenticated = true;
  isRestricted = false;

  readonly decoder: RequestDecoder;
  /** A command waits for cold keys, memory, or work it was suspended with. */
  parked = false;
  isClosed = false;
  /** The parked command is executed anew, not resumed. */
  mustRepeat = false;
  /** The command that waits for something, as far as it has to be timed. */
  blockedCall: BlockedCall | undefined;
  /** The same of the script in which its EXEC was suspended. */
  blockedPart: BlockedCall | undefined;
  /** It is shown all commands (MONITOR). */
  isMonitor = false;
  /** What it has told of itself as a replica; and what it is since it has become one. */
  replicaTraits: ReplicaTraits | undefined;
  replica: Replica | undefined;
  /** Offset of the replication stream behind all that it has written. */
  lastStreamOffset = 0;
  /** Replays an append-only file: no gate applies but memory. */
  isReplay = false;
  /** Why a replayed command could not be executed: the data is not what the log says. */
  replayFailure: StorageError | undefined;
  /** No further command is executed; the connection closes when its replies are out. */
  isClosing = false;
  /** The peer sends nothing more. */
  hasEnded = false;
  /** Pieces of output that leave at the end of the turn, their bytes, and places of the first and last (outbox.ts). */
  queuedPieces = 0;
  queuedOutputBytes = 0;
  firstPiece = 0;
  lastPiece = 0;
  /** Pieces of output held back by the reply gate. */
  heldPieces = 0;
  heldBytes = 0;
  /** While its EXEC is suspended: what it will be sent when that is done (outbox.ts). */
  withheld: Buffer[] | undefined;
  /** What it took of memory when that was looked at last (client-eviction.ts). */
  countedBytes = 0;
  /** Since when its output is over the soft limit; 0 if it is not. */
  overSoftLimitSinceMs = 0;

  /** Set by SCRIPT DEBUG: whether its scripts are debugged, and whether what they change then stays. */
  scriptDebugging: "private" | "sync" | undefined;
  /** Present while one is: it gets what the client sends. */
  debugSession: DebugSession | undefined;

  unblock: ((asError: boolean) => void) | undefined;
  /** Its command waits for the end of a pause (client-pause.ts). */
  isPostponed = false;

  /** Set by tracking/tracking.ts. */
  tracking: ClientTracking | undefined;

  /** Present between MULTI and EXEC. */
  transaction: Transaction | undefined;
  isExecuting = false;
  isInScript = false;
  readonly watches: Watch[] = [];
  /** What EXEC has had read, and holds until it is done. */
  walks: PreparedWalks | undefined;
  hasLostWatch = false;

  /** Present while it is subscribed to anything. */
  subscriptions: OwnSubscriptions | undefined;
  isSubscribed = false;

  fetches = new Set<Fetch>();
  pendingFetches = 0;

  readonly transport: Transport;
  private readonly host: ConnectionHost;
  private isPaused = false;
  private onIdle: (() => void) | undefined;
  private onDrained: (() => void) | undefined;

  constructor(id: number, transport: Transport, host: ConnectionHost) {
    this.id = id;
    this.transport = transport;
    this.host = host;
    this.decoder = new RequestDecoder(host.decoderLimits);
    this.createdMs = host.clock.nowMs;
    this.lastActiveMs = this.createdMs;
  }

  get mustAuthenticate(): boolean {
    return !this.decoder.authenticated;
  }

  /** Until then it is not allowed large requests either. */
  set mustAuthenticate(value: boolean) {
    this.decoder.authenticated = !value;
  }

  get address(): string {
    return this.transport.remoteAddress;
  }

  get localAddress(): string {
    return this.transport.localAddress;
  }

  get fileDescriptor(): number {
    return this.transport.fileDescriptor;
  }

  get queryBufferBytes(): number {
    return this.decoder.unparsedBytes;
  }

  get queryBufferFreeBytes(): number {
    // What is executed at once lies in the buffer that all connections share.
    return Math.max(0, this.decoder.bufferCapacity - this.decoder.bufferedBytes);
  }

  get outputBufferBytes(): number {
    // What a replica is sent lies in the stream.
    return this.replica?.pendingBytes ?? this.heldBytes + this.transport.pendingBytes;
  }

  get isReplica(): boolean {
    return this.replica !== undefined;
  }

  get outputListLength(): number {
    return this.heldPieces;
  }

  get isBlocked(): boolean {
    return this.unblock !== undefined || this.isPostponed;
  }

  get queuedCommands(): number {
    return this.transaction === undefined ? -1 : this.transaction.commands.length;
  }

  get queuedBytes(): number {
    return this.transaction === undefined ? 0 : this.transaction.bytes;
  }

  get subscribedChannels(): number {
    return this.subscriptions === undefined ? 0 : this.subscriptions.channels.size;
  }

  get subscribedPatterns(): number {
    return this.subscriptions === undefined ? 0 : this.subscriptions.patterns.size;
  }

  get subscribedShardChannels(): number {
    return this.subscriptions === undefined ? 0 : this.subscriptions.shardChannels.size;
  }

  get memoryBytes(): number {
    return this.ownBytes + this.outputBufferBytes;
  }

  /** What it takes but for its output, which may be shared with others. */
  get ownBytes(): number {
    const watchBytes = this.watches.length * WATCH_BYTES;
    const subscriptionBytes =
      this.subscriptions === undefined ? 0 : this.subscriptions.size * SUBSCRIPTION_BYTES;
    return (
      CONNECTION_BYTES +
      this.decoder.bufferCapacity +
      this.queuedBytes +
      watchBytes +
      subscriptionBytes +
      this.prefixBytes
    );
  }

  /** What it takes to be told of changes to keys with its prefixes. */
  private get prefixBytes(): number {
    let bytes = 0;
    for (const { length } of this.tracking?.prefixes ?? []) bytes += length + PREFIX_BYTES;
    return bytes;
  }

  onData(buffer: Buffer, length: number): void {
    if (this.isClosing) return;
    const { statistics } = this.host;
    statistics.reads++;
    statistics.inputBytes += length;
    this.lastActiveMs = this.host.clock.refresh();
    if (this.debugSession !== undefined) {
      this.debugSession.take(buffer.subarray(0, length));
      return;
    }
    this.decoder.feed(buffer, 0, length);
    const { clientEviction } = this.host;
    if (clientEviction?.isOn === true) clientEviction.runIfOver(this);
    if (this.isClosed) return;
    if (!this.parked) this.host.run(this);
    if (this.isClosed) return;
    this.decoder.settle();
    if (clientEviction?.isOn === true) clientEviction.update(this);
    if (this.parked && this.decoder.bufferedBytes > PARKED_READ_BYTES) this.pauseReading();
  }

  /** Hands bytes to the transport, and counts them; as Transport.send. */
  send(buffer: Buffer, start: number, end: number): boolean {
    const { clientEviction, statistics } = this.host;
    statistics.writes++;
    statistics.outputBytes += end - start;
    const isGone = this.transport.send(buffer, start, end);
    if (!isGone && clientEviction?.isOn === true) clientEviction.update(this);
    return isGone;
  }

  /** As `send`, of what belongs to replication. */
  sendToReplica(buffer: Buffer, start: number, end: number): void {
    if (this.isClosed) return;
    const { statistics } = this.host;
    statistics.writes++;
    statistics.replicationOutputBytes += end - start;
    this.transport.send(buffer, start, end);
  }

  /** Resolves when all that was sent has left, or the connection is closed. */
  async whenDrained(): Promise<void> {
    while (!this.isClosed && this.transport.pendingBytes > 0) {
      await new Promise<void>((resolve) => (this.onDrained = resolve));
    }
  }

  onDrain(): void {
    this.onDrained?.();
    if (this.replica !== undefined) this.host.drained?.(this);
    this.closeIfDone();
  }

  onEnd(): void {
    this.hasEnded = true;
    this.pauseReading();
    this.debugSession?.loseClient();
    this.closeIfDone();
  }

  onClose(): void {
    this.forget();
  }

  /** Resolves when no command is parked. */
  async whenIdle(): Promise<void> {
    while (this.parked) await new Promise<void>((resolve) => (this.onIdle = resolve));
  }

  /** The dispatcher parked the connection's present command. */
  park(): void {
    this.parked = true;
  }

  /** As `park`, before the command had any effect: it will be executed anew. */
  parkAgain(): void {
    this.mustRepeat = true;
    this.decoder.rewindToCurrent();
    this.park();
  }

  /** As `park`, for want of memory: what arrives meanwhile would need more of it. */
  parkForMemory(): void {
    this.parked = true;
    this.pauseReading();
  }

  /** What the command waited for is there: executes it, and what came behind it. */
  goOn(): void {
    if (this.isClosed) return;
    this.parked = false;
    this.mustRepeat = false;
    this.host.run(this);
    if (this.isClosed) return;
    this.decoder.settle();
    if (!this.parked && this.isPaused && !this.hasEnded) {
      this.isPaused = false;
      this.transport.resume();
    }
    this.closeIfDone();
    if (!this.parked) this.onIdle?.();
  }

  closeAfterReply(): void {
    this.isClosing = true;
  }

  /** Closes if nothing is left to do for a peer that has ended or a connection that is to close. */
  closeIfDone(): void {
    if (this.isClosed) return;
    if (this.hasEnded && this.unblock !== undefined) {
      // Nobody is there to take what it waits for.
      this.close();
      return;
    }
    if (this.parked || this.transport.pendingBytes > 0) return;
    if (this.queuedPieces > 0 || this.heldPieces > 0) return;
    if (this.isClosing || this.hasEnded) this.close();
  }

  close(): void {
    if (this.isClosed) return;
    this.transport.close();
    this.forget();
  }

  private pauseReading(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.transport.pause();
  }

  private forget(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isClosing = true;
    this.onDrained?.();
    this.host.closed(this);
  }
}

/** Whether the client does not want the reply to its present command. */
export function isMuted({ replyMode }: Connection): boolean {
  return replyMode === "off" || replyMode === "skip";
}

/** What a connection costs without its buffers: this object, its decoder, and Node's handle (measured with 10,000). */
const CONNECTION_BYTES = 2048;
/** What a subscription costs: its name, and its places in two maps (measured with 100,000 names of 17 bytes). */
const SUBSCRIPTION_BYTES = 136;
/** What a prefix of CLIENT TRACKING costs besides its bytes: its places in a list, a map and a set. */
const PREFIX_BYTES = 256;
/** What a watched key costs: see watched-keys.ts. */
const WATCH_BYTES = 512;

/**
 * A client as commands see it. The server's connection implements it; so do the clients that are no connection
 * (AOF replay, tests).
 */
import type { ClientUser } from "./access.ts";
import type { ReplicaTraits } from "./replication-access.ts";

/** How a client is told of changes to keys that it may have cached (CLIENT TRACKING). */
export interface ClientTracking {
  /** Id of the client that gets the messages in its stead; 0: it gets them itself. */
  readonly redirect: number;
  /** Told of changes to all keys with its prefixes, and not of keys that it has read. */
  readonly isBroadcast: boolean;
  /** Told only of keys that it read right after CLIENT CACHING YES; of all but those read after CLIENT CACHING NO. */
  readonly optIn: boolean;
  readonly optOut: boolean;
  /** Not told of its own changes. */
  readonly noLoop: boolean;
  /** In the order of their bytes, one character per byte; none but in broadcast mode. */
  readonly prefixes: readonly string[];
  /** CLIENT CACHING was given for the next command. */
  isCachingGiven: boolean;
  /** A message could not be sent, because the client it was redirected to is gone. */
  isRedirectBroken: boolean;
}

export interface Client {
  /** Unique, ascending, from 1. */
  readonly id: number;
  /** Set by CLIENT SETNAME; "" if not. */
  name: string;
  /** Set by CLIENT SETINFO; "" if not. */
  libraryName: string;
  libraryVersion: string;
  /** Protocol version of replies. */
  resp: 2 | 3;
  /** Number of the selected database. */
  dbIndex: number;
  /** Undefined of one that may do everything (a log that is replayed). */
  readonly user: ClientUser | undefined;
  /** Whether it has given a password, or needed none when it connected. */
  readonly authenticated: boolean;
  /** Peer and own address, "127.0.0.1:6379". */
  readonly address: string;
  readonly localAddress: string;
  /** File descriptor, -1 if it has none. */
  readonly fileDescriptor: number;
  readonly createdMs: number;
  lastActiveMs: number;
  /** Full name of the last command, e.g. "client|list"; "" before the first. */
  lastCommand: string;
  /** CLIENT NO-EVICT and CLIENT NO-TOUCH. */
  noEvict: boolean;
  noTouch: boolean;
  /** CLIENT REPLY: whether replies are sent, and whether only the next one is not. */
  replyMode: "on" | "off" | "skip" | "skip-next";
  /** Bytes waiting in the query buffer, its free space, bytes of replies not yet sent, and their pieces. */
  readonly queryBufferBytes: number;
  readonly queryBufferFreeBytes: number;
  readonly outputBufferBytes: number;
  readonly outputListLength: number;
  /** Memory that the client costs. */
  readonly memoryBytes: number;
  /** A blocking command of the client waits (flag "b" of CLIENT LIST). */
  readonly isBlocked: boolean;
  /** Ends that wait soon, as if the time were over or with an error; absent while there is none. */
  readonly unblock: ((asError: boolean) => void) | undefined;
  /** Commands queued since MULTI, and the memory they take; -1 outside a transaction. */
  readonly queuedCommands: number;
  readonly queuedBytes: number;
  /** EXEC runs: no command may wait for anything. */
  readonly isExecuting: boolean;
  /** A script of the client runs, and executes its commands. */
  readonly isInScript: boolean;
  /** It is shown all commands (MONITOR, flag "O"). */
  readonly isMonitor: boolean;
  /** It gets the replication stream, or will (flag "S"). */
  readonly isReplica: boolean;
  /** What it has told of itself as a replica. */
  replicaTraits: ReplicaTraits | undefined;
  /** It is subscribed to something (flag "P"): in RESP2 it may do little else. */
  readonly isSubscribed: boolean;
  /** How many channels, patterns and shard channels it is subscribed to. */
  readonly subscribedChannels: number;
  readonly subscribedPatterns: number;
  readonly subscribedShardChannels: number;
  /** A key that it watches was changed (flag "d"). */
  readonly hasLostWatch: boolean;
  /** Present while CLIENT TRACKING is on. */
  readonly tracking: ClientTracking | undefined;
  /** It will be closed when its replies are sent (flag "c"). */
  readonly isClosing: boolean;
  /** Position in the append-only file after the client's last write (for WAITAOF). */
  lastWritePosition: number;
  /** Closes after the replies so far are sent. */
  closeAfterReply(): void;
  /** Closes at once. */
  close(): void;
}

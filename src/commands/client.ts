/**
 * A client as commands see it. The server's connection implements it; so do the clients that are no connection
 * (AOF replay, tests).
 */
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
  authenticated: boolean;
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
  readonly argumentBytes: number;
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
  /** A key that it watches was changed (flag "d"). */
  readonly hasLostWatch: boolean;
  /** It will be closed when its replies are sent (flag "c"). */
  readonly isClosing: boolean;
  /** Position in the append-only file after the client's last write (for WAITAOF). */
  lastWritePosition: number;
  /** Closes after the replies so far are sent. */
  closeAfterReply(): void;
  /** Closes at once. */
  close(): void;
}

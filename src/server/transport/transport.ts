/**
 * The byte stream under a connection, reduced to what the server needs. fast-tcp.ts implements it on Node's raw TCP
 * handles; plain-socket.ts on net.Socket, for unix sockets, TLS and other versions of Node; tests in memory.
 */

/** What the transport tells its connection. */
export interface TransportEvents {
  /** Bytes arrived: they lie in `buffer` from 0 to `length`, valid only during the call. */
  onData(buffer: Buffer, length: number): void;
  /** All that was given to `send` has left. Called only when something could not leave at once. */
  onDrain(): void;
  /** The other side sends nothing more; it may still read replies. */
  onEnd(): void;
  /** The stream is gone; nothing follows. */
  onClose(): void;
}

export interface Transport {
  /** "127.0.0.1:6379", or "" after the end. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly fileDescriptor: number;
  /** Bytes given to `send` that have not left. */
  readonly pendingBytes: number;
  /**
   * Sends `buffer` from `start` to `end`. True: the buffer may be used again. False: the transport keeps it until
   * `onDrain`, and these bytes must not change.
   */
  send(buffer: Buffer, start: number, end: number): boolean;
  /** No more `onData` until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the stream at once; bytes not yet sent are lost. `onClose` is not called for it. */
  close(): void;
}

/** Takes a new transport and returns who listens to it; undefined refuses it (it is closed by the acceptor). */
export type Acceptor = (transport: Transport) => TransportEvents | undefined;

/** An address as Redis writes it: "127.0.0.1:6379", "[::1]:6379"; "" if there is none. */
export function addressText(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return "";
  // An IPv4 peer of a dual-stack listener shows as ::ffff:a.b.c.d.
  const plain = address.replace(/^::ffff:/, "");
  return plain.includes(":") ? `[${plain}]:${port}` : `${plain}:${port}`;
}

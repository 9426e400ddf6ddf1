/**
 * The transport on net.Socket: for whatever fast-tcp.ts cannot take.
 */
import type { Socket } from "node:net";
import { isSmall } from "./backlog.ts";
import { type Acceptor, addressText, type Transport, type TransportEvents } from "./transport.ts";

/** Serves a socket that net.Server accepted (with allowHalfOpen, so that replies can follow the peer's end). `name` is
 * its address if it has none of its own. */
export function acceptPlain(
  socket: Socket,
  keepAliveSeconds: () => number,
  acceptor: Acceptor,
  name = "",
): void {
  socket.setNoDelay(true);
  if (keepAliveSeconds() > 0) socket.setKeepAlive(true, keepAliveSeconds() * 1000);
  const transport = new PlainSocketTransport(socket, name);
  const events = acceptor(transport);
  if (events === undefined) transport.close();
  else transport.listen(events);
}

class PlainSocketTransport implements Transport {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly fileDescriptor: number;
  private readonly socket: Socket;
  private events: TransportEvents | undefined;

  constructor(socket: Socket, name: string) {
    this.socket = socket;
    this.remoteAddress = addressText(socket.remoteAddress, socket.remotePort) || name;
    this.localAddress = addressText(socket.localAddress, socket.localPort) || name;
    this.fileDescriptor = (socket as unknown as { _handle?: { fd: number } })._handle?.fd ?? -1;
  }

  get pendingBytes(): number {
    return this.socket.writableLength;
  }

  listen(events: TransportEvents): void {
    this.events = events;
    this.socket.on("data", (chunk: Buffer) => this.events?.onData(chunk, chunk.length));
    // An error is always followed by "close".
    this.socket.on("error", () => {});
    this.socket.on("end", () => this.events?.onEnd());
    this.socket.on("close", () => this.events?.onClose());
  }

  send(buffer: Buffer, start: number, end: number): boolean {
    const { socket } = this;
    const bytes = buffer.subarray(start, end);
    const isCopied = socket.writableLength > 0 && isSmall(bytes.length);
    socket.write(isCopied ? Buffer.from(bytes) : bytes, () => {
      if (socket.writableLength === 0) this.events?.onDrain();
    });
    return isCopied;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    this.events = undefined;
    this.socket.destroy();
  }
}

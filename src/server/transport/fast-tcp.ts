/**
 * TCP (and unix sockets) on Node's own stream handles, below net.Socket. A small request costs more in net.Socket
 * (stream states, events, timers, a buffer for each read) than in Redis itself; this file does without:
 *   - every handle reads into one static buffer, because the bytes are consumed within the callback (`useUserBuffer`,
 *     what net.Socket's own option `onread` uses);
 *   - a write is tried at once by libuv; if it went through, its request object is used again for the next;
 *   - a small write is copied to where a Buffer of its length is at hand: to make one for each costs more;
 *   - while a write is under way, what follows waits here (backlog.ts), and not as requests in libuv's queue.
 *
 * The handles are Node's internals: stable for years (the `onread` option rests on them), but not documented. So the
 * code asks whether all it needs is there (`fastTcpAvailable`), and the server falls back to plain-socket.ts.
 */
import type { Server } from "node:net";
import { copyBytes, withView } from "../../base/byte-copy.ts";
import { Backlog } from "./backlog.ts";
import { type Acceptor, addressText, type Transport, type TransportEvents } from "./transport.ts";

const READ_BUFFER_BYTES = 64 * 1024;
/** Writes up to this size are copied. */
const SMALL_WRITE_BYTES = 256;
/** libuv's code for the end of a stream. */
const UV_EOF = -4095;
const readBuffer = withView(Buffer.allocUnsafeSlow(READ_BUFFER_BYTES));

interface WriteRequest {
  oncomplete: (this: WriteRequest, status: number) => void;
  handle: TcpHandle | undefined;
  buffer: Buffer | undefined;
}

interface SocketName {
  address?: string;
  port?: number;
  family?: string;
}

interface TcpHandle {
  readonly fd: number;
  onread: (() => void) | undefined;
  readStart(): number;
  readStop(): number;
  useUserBuffer(buffer: Buffer): void;
  writeBuffer(request: WriteRequest, buffer: Buffer): number;
  /** Of TCP only, as all of these: a unix socket has none of it. */
  setNoDelay?(on: boolean): number;
  setKeepAlive?(on: boolean, delaySeconds: number): number;
  getpeername?(out: SocketName): number;
  getsockname?(out: SocketName): number;
  close(): void;
  transport: FastTcpTransport | undefined;
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
  readonly streamBaseState: Int32Array;
}

interface ListeningHandle {
  onconnection: ((status: number, handle: TcpHandle | undefined) => void) | undefined;
}

const binding = loadBinding();

function loadBinding(): StreamBinding | undefined {
  try {
    const found = (process as unknown as { binding(name: string): StreamBinding }).binding("stream_wrap");
    return typeof found.WriteWrap === "function" && found.streamBaseState instanceof Int32Array
      ? found
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a listening server's connections can be taken over by `acceptFast`. */
export function fastTcpAvailable(server: Server): boolean {
  return binding !== undefined && typeof listeningHandle(server)?.onconnection === "function";
}

function listeningHandle(server: Server): ListeningHandle | undefined {
  return (server as unknown as { _handle?: ListeningHandle })._handle;
}

/** Takes the place of net.Server's own handling of new connections. `name` is the address of those without one. */
export function acceptFast(
  server: Server,
  keepAliveSeconds: () => number,
  acceptor: Acceptor,
  name = "",
): void {
  listeningHandle(server)!.onconnection = (status, handle) => {
    if (status !== 0 || handle === undefined) return;
    handle.setNoDelay?.(true);
    if (keepAliveSeconds() > 0) handle.setKeepAlive?.(true, keepAliveSeconds());
    const transport = new FastTcpTransport(handle, name);
    const events = acceptor(transport);
    if (events === undefined) transport.close();
    else transport.listen(events);
  };
}

let spareRequest: WriteRequest | undefined;

/** A place for one small write, with a Buffer for each length that was asked for. */
class SmallWrites {
  private readonly bytes = withView(Buffer.allocUnsafeSlow(SMALL_WRITE_BYTES));
  private readonly ofLength: (Buffer | undefined)[] = [];

  copyOf(buffer: Buffer, start: number, end: number): Buffer {
    const length = end - start;
    copyBytes(buffer, start, this.bytes, 0, length);
    return (this.ofLength[length] ??= this.bytes.subarray(0, length));
  }
}

let smallWrites = new SmallWrites();

class FastTcpTransport implements Transport {
  pendingBytes = 0;
  readonly remoteAddress: string;
  readonly localAddress: string;
  private handle: TcpHandle | undefined;
  private events: TransportEvents | undefined;
  /** What waits for a write to end. */
  private backlog: Backlog | undefined;

  constructor(handle: TcpHandle, name: string) {
    this.handle = handle;
    handle.transport = this;
    const hasNames = handle.getpeername !== undefined;
    this.remoteAddress = hasNames ? nameOf((out) => handle.getpeername!(out)) : name;
    this.localAddress = hasNames ? nameOf((out) => handle.getsockname!(out)) : name;
  }

  get fileDescriptor(): number {
    return this.handle === undefined ? -1 : this.handle.fd;
  }

  listen(events: TransportEvents): void {
    const handle = this.handle;
    if (handle === undefined) return;
    this.events = events;
    handle.onread = onRead;
    handle.useUserBuffer(readBuffer);
    handle.readStart();
  }

  send(buffer: Buffer, start: number, end: number): boolean {
    const handle = this.handle;
    if (handle === undefined) return true;
    if (this.pendingBytes > 0) {
      this.pendingBytes += end - start;
      this.backlog ??= new Backlog();
      return this.backlog.add(buffer, start, end);
    }
    if (end - start === buffer.length) return this.begin(handle, buffer);
    if (end - start > SMALL_WRITE_BYTES) return this.begin(handle, buffer.subarray(start, end));
    if (!this.begin(handle, smallWrites.copyOf(buffer, start, end))) smallWrites = new SmallWrites();
    return true;
  }

  private begin(handle: TcpHandle, bytes: Buffer): boolean {
    const isGone = this.write(handle, bytes);
    if (!isGone) this.pendingBytes = bytes.length;
    return isGone;
  }

  /** True if all of it is gone; else it is kept until it is. */
  private write(handle: TcpHandle, bytes: Buffer): boolean {
    const request = spareRequest ?? newWriteRequest();
    spareRequest = undefined;
    const error = handle.writeBuffer(request, bytes);
    if (error !== 0) {
      this.fail();
      return true;
    }
    if (binding!.streamBaseState[binding!.kLastWriteWasAsync] === 0) {
      spareRequest = request;
      return true;
    }
    request.handle = handle;
    request.buffer = bytes;
    return false;
  }

  pause(): void {
    this.handle?.readStop();
  }

  resume(): void {
    this.handle?.readStart();
  }

  close(): void {
    const handle = this.handle;
    this.handle = undefined;
    this.events = undefined;
    this.backlog = undefined;
    if (handle === undefined) return;
    handle.transport = undefined;
    handle.readStop();
    handle.close();
  }

  received(bytesOrError: number): void {
    if (bytesOrError > 0) this.events?.onData(readBuffer, bytesOrError);
    else if (bytesOrError === UV_EOF) this.events?.onEnd();
    else if (bytesOrError < 0) this.fail();
  }

  sent(bytes: number, status: number): void {
    this.pendingBytes -= bytes;
    if (status !== 0) this.fail();
    else this.sendBacklog();
  }

  private sendBacklog(): void {
    while (this.handle !== undefined && this.pendingBytes > 0) {
      const chunk = this.backlog!.take()!;
      if (!this.write(this.handle, chunk)) return;
      this.pendingBytes -= chunk.length;
    }
    this.backlog = undefined;
    if (this.handle !== undefined) this.events?.onDrain();
  }

  private fail(): void {
    const events = this.events;
    this.close();
    events?.onClose();
  }
}

function onRead(this: TcpHandle): void {
  this.transport?.received(binding!.streamBaseState[binding!.kReadBytesOrError]);
}

function newWriteRequest(): WriteRequest {
  const request = new binding!.WriteWrap();
  request.oncomplete = onWritten;
  return request;
}

function onWritten(this: WriteRequest, status: number): void {
  this.handle?.transport?.sent(this.buffer!.length, status);
}

function nameOf(ask: (out: SocketName) => number): string {
  const name: SocketName = {};
  return ask(name) === 0 ? addressText(name.address, name.port) : "";
}

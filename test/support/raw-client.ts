/**
 * A connection that sends requests and returns each reply as the bytes that came, for comparing servers byte by byte.
 */
import { connect, type Socket } from "node:net";
import type { Argument } from "./command-harness.ts";

export class RawClient {
  private readonly socket: Socket;
  private received: Buffer[] = [];
  private receivedBytes = 0;
  private wake: (() => void) | undefined;
  private failure: Error | undefined;
  private marks = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.received.push(chunk);
      this.receivedBytes += chunk.length;
      this.wake?.();
    });
    socket.on("error", (error: Error) => this.fail(error));
    socket.on("close", () => this.fail(new Error("the server closed the connection")));
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.removeListener("error", reject);
        resolve(new RawClient(socket));
      });
    });
  }

  /** Sends one request; resolves to its reply. */
  async run(...args: readonly Argument[]): Promise<Buffer> {
    const [reply] = await this.runAll([args]);
    return reply;
  }

  /** As `run`, as text with one character per byte. */
  async text(...args: readonly Argument[]): Promise<string> {
    return (await this.run(...args)).toString("latin1");
  }

  /**
   * Sends requests as one pipeline; resolves to their replies. One caller at a time. `cut` divides it into the pieces
   * that are sent one by one, each in a turn of its own.
   */
  async runAll(
    requests: readonly (readonly Argument[])[],
    cut: (bytes: Buffer) => Buffer[] = (bytes) => [bytes],
  ): Promise<Buffer[]> {
    const sending = this.send(cut(Buffer.concat(requests.map(encodeRequest))));
    const replies = await this.readReplies(requests.length);
    await sending;
    return replies;
  }

  /**
   * Sends requests as one pipeline; resolves to all that came until they were executed, pushes too, one by one. For
   * connections whose replies cannot be counted because they are subscribed to something, or get no replies.
   */
  async collect(requests: readonly (readonly Argument[])[] = []): Promise<Buffer[]> {
    const mark = `mark ${++this.marks}`;
    await this.send([Buffer.concat([...requests, ["PING", mark]].map(encodeRequest))]);
    const collected: Buffer[] = [];
    for (;;) {
      const [next] = await this.readReplies(1);
      if (next.toString("latin1").endsWith(`${mark}\r\n`)) return collected;
      collected.push(next);
    }
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Says that nothing more will be sent. */
  endSending(): void {
    this.socket.end();
  }

  /** All that comes until the server closes the connection. */
  async readToEnd(): Promise<Buffer> {
    while (this.failure === undefined) {
      await this.moreBytes().catch((error: unknown) => {
        if (this.failure === undefined) throw error;
      });
    }
    return Buffer.concat(this.received.splice(0));
  }

  close(): void {
    this.socket.removeAllListeners("close");
    this.socket.destroy();
  }

  private async send(pieces: readonly Buffer[]): Promise<void> {
    for (const [i, piece] of pieces.entries()) {
      this.socket.write(piece);
      if (i + 1 < pieces.length) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Reads nothing more of what the server sends. */
  pause(): void {
    this.socket.pause();
  }

  /** So many replies, whether they were asked for or not. */
  async readReplies(count: number): Promise<Buffer[]> {
    const replies: Buffer[] = [];
    let scannedBytes = -1;
    while (replies.length < count) {
      // A large reply arrives in many pieces: look again only when there is twice as much.
      if (this.receivedBytes === 0 || this.receivedBytes < scannedBytes) await this.moreBytes();
      else scannedBytes = this.takeReplies(replies, count) ? -1 : this.receivedBytes + 1;
    }
    return replies;
  }

  /** Moves complete replies over; false if none was complete. */
  private takeReplies(replies: Buffer[], limit: number): boolean {
    const bytes = Buffer.concat(this.received);
    let start = 0;
    while (replies.length < limit) {
      const end = replyEnd(bytes, start);
      if (end === -1) break;
      replies.push(Buffer.from(bytes.subarray(start, end)));
      start = end;
    }
    this.received = start < bytes.length ? [bytes.subarray(start)] : [];
    this.receivedBytes = bytes.length - start;
    return start > 0;
  }

  private moreBytes(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) reject(this.failure);
      this.wake = () => {
        this.wake = undefined;
        if (this.failure === undefined) resolve();
        else reject(this.failure);
      };
    });
  }

  private fail(error: Error): void {
    this.failure = error;
    this.wake?.();
  }
}

/** Sends bytes as they are, says that no more will come, and collects all that the server answers until it closes. */
export function exchange(port: number, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const answers: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.end(bytes));
    socket.on("data", (chunk) => answers.push(chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // A server that closes without having read everything resets the connection; its answer is there by then.
      if (error.code === "ECONNRESET" || error.code === "EPIPE") resolve(Buffer.concat(answers));
      else reject(error);
    });
    socket.on("close", () => resolve(Buffer.concat(answers)));
  });
}

/** A request in RESP. */
export function encodeRequest(args: readonly Argument[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = typeof arg === "number" ? Buffer.from(String(arg)) : Buffer.from(arg);
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

/** Where the reply that begins at `start` ends; -1 if it is not complete. */
function replyEnd(bytes: Buffer, start: number): number {
  const lineEnd = bytes.indexOf("\r\n", start);
  if (lineEnd === -1) return -1;
  const next = lineEnd + 2;
  const kind = String.fromCharCode(bytes[start]);
  if ("+-:_#,(".includes(kind)) return next;
  const count = Number(bytes.toString("latin1", start + 1, lineEnd));
  if (!Number.isInteger(count)) throw new Error(`not a reply: ${bytes.toString("latin1", start, lineEnd)}`);
  if ("$=!".includes(kind)) {
    if (count === -1) return next;
    return next + count + 2 <= bytes.length ? next + count + 2 : -1;
  }
  if (!"*%~>|".includes(kind)) throw new Error(`not a reply: ${bytes.toString("latin1", start, lineEnd)}`);
  let end = next;
  const elements = "%|".includes(kind) ? count * 2 : count;
  for (let i = 0; i < elements && end !== -1; i++) end = replyEnd(bytes, end);
  return end;
}

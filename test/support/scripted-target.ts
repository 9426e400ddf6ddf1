/**
 * A server that a test plays itself: it collects the requests that come, and sends the replies that the test says,
 * when the test says.
 */
import { createServer, type Server, type Socket } from "node:net";

export class ScriptedTarget {
  readonly port: number;
  /** All requests so far, of all connections, as texts with one character per byte. */
  readonly requests: string[][] = [];
  /** How many connections there were. */
  connections = 0;
  /** Bytes that came. */
  receivedBytes = 0;
  /** With so many bytes received it reads nothing more, until `hear`. */
  deafFromBytes = Number.POSITIVE_INFINITY;
  /** Answers requests as they come; undefined: nothing. */
  onRequest: ((request: string[]) => string | undefined) | undefined;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.server = server;
    this.port = (server.address() as { port: number }).port;
    server.on("connection", (socket) => this.serve(socket));
  }

  static async start(): Promise<ScriptedTarget> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new ScriptedTarget(server);
  }

  /** Sends text to whoever is connected. */
  say(text: string): void {
    for (const socket of this.sockets) socket.write(text, "latin1");
  }

  /** Reads on. */
  hear(): void {
    this.deafFromBytes = Number.POSITIVE_INFINITY;
    for (const socket of this.sockets) socket.resume();
  }

  /** Closes all connections; new ones are taken. */
  hangUp(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.hangUp();
    this.server.close();
  }

  private serve(socket: Socket): void {
    this.connections++;
    this.sockets.add(socket);
    let waiting: Buffer[] = [];
    let waitingBytes = 0;
    let scannedBytes = 0;
    socket.on("data", (data) => {
      this.receivedBytes += data.length;
      if (this.receivedBytes >= this.deafFromBytes) socket.pause();
      waiting.push(data);
      waitingBytes += data.length;
      // A large request arrives in many pieces: look again only when there is more by a quarter.
      if (waitingBytes < 1.25 * scannedBytes && !data.subarray(-2).equals(Buffer.from("\r\n"))) return;
      const left = this.take(socket, Buffer.concat(waiting));
      waiting = [left];
      waitingBytes = left.length;
      scannedBytes = left.length;
    });
    socket.on("error", () => {});
    socket.on("close", () => this.sockets.delete(socket));
  }

  /** Answers the requests that are whole; returns what is left. */
  private take(socket: Socket, bytes: Buffer): Buffer {
    let left = bytes;
    for (let found = readRequest(left); found !== undefined; found = readRequest(left)) {
      left = left.subarray(found.end);
      this.requests.push(found.words);
      const reply = this.onRequest?.(found.words);
      if (reply !== undefined) socket.write(reply, "latin1");
    }
    return left;
  }
}

/** The request at the beginning of the bytes, if it is whole. */
function readRequest(bytes: Buffer): { words: string[]; end: number } | undefined {
  let at = 0;
  const readNumber = (): number | undefined => {
    const end = bytes.indexOf("\r\n", at);
    if (end === -1) return undefined;
    const value = Number(bytes.toString("latin1", at + 1, end));
    at = end + 2;
    return value;
  };
  const count = readNumber();
  if (count === undefined) return undefined;
  const words: string[] = [];
  for (let i = 0; i < count; i++) {
    const length = readNumber();
    if (length === undefined || at + length + 2 > bytes.length) return undefined;
    words.push(bytes.toString("latin1", at, at + length));
    at += length + 2;
  }
  return { words, end: at };
}

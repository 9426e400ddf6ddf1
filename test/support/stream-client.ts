/**
 * A connection whose incoming bytes are looked at as they come, replies and messages alike: for what a server sends
 * without being asked, and in which order.
 */
import { connect, type Socket } from "node:net";
import type { Argument } from "./command-harness.ts";
import { encodeRequest } from "./raw-client.ts";

export class StreamClient {
  private readonly socket: Socket;
  private received = "";
  private isClosed = false;
  private marks = 0;
  private wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      this.received += chunk;
      this.wake?.();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
      this.wake?.();
    });
  }

  static connect(port: number): Promise<StreamClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.removeListener("error", reject);
        resolve(new StreamClient(socket));
      });
    });
  }

  /** Sends requests in one piece. */
  send(...requests: readonly (readonly Argument[])[]): void {
    this.socket.write(Buffer.concat(requests.map(encodeRequest)));
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Reads nothing from now on. */
  pause(): void {
    this.socket.pause();
  }

  /** Sends requests and then one that marks the end; all that comes before its reply, one character per byte. */
  async exchange(...requests: readonly (readonly Argument[])[]): Promise<string> {
    const mark = `mark-${++this.marks}`;
    this.send(...requests, ["ECHO", mark]);
    return await this.readTo(`$${mark.length}\r\n${mark}\r\n`);
  }

  /** All that comes up to `end`, without it. Rejects if the connection closes before. */
  async readTo(end: string): Promise<string> {
    for (;;) {
      const place = this.received.indexOf(end);
      if (place >= 0) {
        const before = this.received.slice(0, place);
        this.received = this.received.slice(place + end.length);
        return before;
      }
      if (this.isClosed) throw new Error(`closed before ${JSON.stringify(end)}: ${this.received}`);
      await this.more();
    }
  }

  /** Resolves when the server has closed the connection, to what it sent before. */
  async untilClosed(): Promise<string> {
    while (!this.isClosed) await this.more();
    return this.received;
  }

  close(): void {
    this.socket.destroy();
  }

  private more(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = () => {
        this.wake = undefined;
        resolve();
      };
    });
  }
}

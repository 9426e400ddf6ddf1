/**
 * A connection that behaves as a replica just so far as to look at what it is sent: a snapshot, and the commands that
 * follow it.
 */
import { connect, type Socket } from "node:net";
import type { Argument } from "./command-harness.ts";
import { encodeRequest } from "./raw-client.ts";

/** What the server answers to SYNC or PSYNC. */
export interface SyncReply {
  /** The line before the snapshot: "+FULLRESYNC ...", "+CONTINUE ..."; "" for SYNC. */
  readonly line: string;
  /** Undefined if there is none. */
  readonly snapshot: Buffer | undefined;
}

export class ReplicaLink {
  isClosed = false;
  private readonly socket: Socket;
  private received = Buffer.alloc(0);
  private wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake?.();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
      this.wake?.();
    });
  }

  static connect(port: number): Promise<ReplicaLink> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.removeListener("error", reject);
        resolve(new ReplicaLink(socket));
      });
    });
  }

  /** Connects, and sends SYNC; the snapshot is read and thrown away. */
  static async attach(port: number): Promise<ReplicaLink> {
    const link = await ReplicaLink.connect(port);
    await link.sync("SYNC");
    return link;
  }

  send(...request: readonly Argument[]): void {
    this.socket.write(encodeRequest(request));
  }

  /** Sends SYNC or PSYNC, and reads what comes before the stream. */
  async sync(...request: readonly Argument[]): Promise<SyncReply> {
    this.send(...request);
    let line = await this.line();
    const first = line;
    if (line.startsWith("+FULLRESYNC")) line = await this.line();
    if (!line.startsWith("$")) return { line: first, snapshot: undefined };
    const snapshot = await this.take(Number(line.slice(1)));
    return { line: first === line ? "" : first, snapshot };
  }

  /** The next line that is not empty (a sign of life): without its end. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.received.indexOf("\n");
      if (end === -1) {
        await this.more();
        continue;
      }
      const line = this.received.toString("latin1", 0, end).replace(/\r$/, "");
      this.received = this.received.subarray(end + 1);
      if (line !== "") return line;
    }
  }

  /** The next command, its words one character a byte. */
  async command(): Promise<string[]> {
    const words: string[] = [];
    const count = Number((await this.line()).slice(1));
    for (let i = 0; i < count; i++) {
      const length = Number((await this.line()).slice(1));
      words.push((await this.take(length + 2)).toString("latin1", 0, length));
    }
    return words;
  }

  /** All commands up to one that is `last`, without that; neither PING nor REPLCONF. */
  async commandsUntil(...last: readonly string[]): Promise<string[][]> {
    const commands: string[][] = [];
    for (;;) {
      const command = await this.command();
      if (command.join(" ") === last.join(" ")) return commands;
      if (command[0] !== "PING" && command[0] !== "REPLCONF") commands.push(command);
    }
  }

  /** Resolves when the server has closed the connection. */
  async ended(): Promise<void> {
    while (!this.isClosed) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  /** The next byte as a character. */
  async byte(): Promise<string> {
    return (await this.take(1)).toString("latin1");
  }

  /** Reads nothing more, until `resume`. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    this.socket.destroy();
  }

  private async take(bytes: number): Promise<Buffer> {
    while (this.received.length < bytes) await this.more();
    const taken = Buffer.from(this.received.subarray(0, bytes));
    this.received = this.received.subarray(bytes);
    return taken;
  }

  private async more(): Promise<void> {
    if (this.isClosed) throw new Error("the server closed the connection");
    await new Promise<void>((resolve) => (this.wake = resolve));
  }
}

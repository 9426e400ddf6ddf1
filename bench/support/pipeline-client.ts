/**
 * A client for benchmarks: sends commands in batches over one connection and hands out the replies of a batch
 * together. Texts stay bytes, error replies come as Error objects among the others: whoever sends decides
 * what is right.
 */
import { connect, type Socket } from "node:net";
import RedisParser from "redis-parser";

const HOST = "127.0.0.1";

/** A Buffer for a bulk or simple string, a number, null, an Error, or an array of such. */
export type Reply = unknown;

interface Batch {
  readonly replies: Reply[];
  readonly expected: number;
  readonly resolve: (replies: Reply[]) => void;
  readonly reject: (error: Error) => void;
}

export class PipelineClient {
  private readonly socket: Socket;
  private readonly waiting: Batch[] = [];
  private failure: Error | undefined;

  private constructor(socket: Socket, timeoutMs: number) {
    this.socket = socket;
    const returnReply = (reply: Reply) => this.take(reply);
    const parser = new RedisParser({
      returnBuffers: true,
      returnReply,
      returnError: returnReply,
      returnFatalError: (error) => this.fail(error),
    });
    socket.on("data", (chunk: Buffer) => parser.execute(chunk));
    socket.on("error", (error) => this.fail(error));
    socket.on("close", () => this.fail(new Error("the server closed the connection")));
    socket.setTimeout(timeoutMs, () => {
      if (this.waiting.length > 0) this.fail(new Error(`no reply within ${timeoutMs} ms`));
    });
  }

  /** Connects to a port of this machine. A reply that takes longer than `timeoutMs` breaks the connection. */
  static connect(port: number, timeoutMs = 60_000): Promise<PipelineClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: HOST, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new PipelineClient(socket, timeoutMs));
      });
    });
  }

  /** Sends `bytes`, which hold `commands` whole commands, and resolves with their replies. */
  batch(bytes: Buffer, commands: number): Promise<Reply[]> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) {
        reject(this.failure);
        return;
      }
      this.waiting.push({ replies: [], expected: commands, resolve, reject });
      this.socket.write(bytes);
    });
  }

  /** Sends one command and resolves with its reply; rejects if that is an error. */
  async command(...args: (string | Buffer)[]): Promise<Reply> {
    const [reply] = await this.batch(encodeCommand(args), 1);
    if (reply instanceof Error) throw reply;
    return reply;
  }

  /** As `command`, for replies that are text. */
  async text(...args: (string | Buffer)[]): Promise<string> {
    return String(await this.command(...args));
  }

  /** Nothing is answered any more. */
  get isBroken(): boolean {
    return this.failure !== undefined;
  }

  close(): void {
    this.socket.destroy();
  }

  private take(reply: Reply): void {
    const batch = this.waiting[0];
    if (batch === undefined) {
      this.fail(new Error("a reply that nobody asked for"));
      return;
    }
    if (batch.replies.push(reply) < batch.expected) return;
    this.waiting.shift();
    batch.resolve(batch.replies);
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.socket.destroy();
    for (const batch of this.waiting.splice(0)) batch.reject(this.failure);
  }
}

/** A command in RESP. */
export function encodeCommand(args: readonly (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = typeof arg === "string" ? Buffer.from(arg) : arg;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

/** The value of one field of INFO; undefined where the server has no such field. */
export function infoField(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)\\r$`, "m").exec(info)?.[1];
}

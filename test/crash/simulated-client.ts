/**
 * A client of a server in the same process: a transport in memory, the requests sent over it, and the replies that
 * came back, each matched with the command that the server was seen to execute. A reply must be, byte for byte, the
 * one that the command made, and in the order of execution; only commands that a gate refused have none of their own.
 */
import type { Random } from "../../src/base/random.ts";
import type { Transport, TransportEvents } from "../../src/server/transport/transport.ts";
import { encodeRequest, replyEnd } from "./resp.ts";

/** A command that the server executed for the client. */
export interface Executed {
  readonly args: readonly string[];
  /** Undefined where the answer came later than the command returned. */
  readonly reply: string | undefined;
  /** What had happened up to and with this command. */
  readonly historyLength: number;
  /** The last change that this client had made by then, as a length of the history. */
  readonly ownLength: number;
}

export interface ClientParts {
  readonly random: Random;
  /** False when the server's process has ended: nothing leaves it any more. */
  readonly isAlive: () => boolean;
  /** A reply arrived for a command that was executed. */
  readonly onReply: (executed: Executed, reply: string) => void;
  /** Something is wrong that the test must fail for. */
  readonly onFault: (text: string) => void;
}

/** What gates answer in place of a command. */
const REFUSALS = ["-OOM ", "-MISCONF ", "-LOADING ", "-ERR The value cannot be read from the cold tier"];

export class SimulatedClient implements Transport {
  readonly remoteAddress = "127.0.0.1:50000";
  readonly localAddress = "127.0.0.1:6379";
  readonly fileDescriptor = 9;
  pendingBytes = 0;
  isClosed = false;
  /** Requests without a reply yet. */
  unanswered = 0;
  refusals = 0;
  /** The database that the client has selected, as far as it has executed. */
  dbIndex = 0;
  ownLength = 0;
  /** The reply to the last request, for who sends one at a time. */
  lastReply = "";
  readonly executed: Executed[] = [];
  private events: TransportEvents | undefined;
  private readonly parts: ClientParts;
  private received = "";
  private unsent: Buffer[] = [];
  private isPaused = false;
  private waitingInput: Buffer[] = [];
  private whenAnswered: (() => void) | undefined;

  constructor(parts: ClientParts) {
    this.parts = parts;
  }

  connect(events: TransportEvents): void {
    this.events = events;
  }

  /** Sends requests as one pipeline, in up to three packets. */
  request(requests: readonly (readonly string[])[]): void {
    this.unanswered += requests.length;
    let bytes = Buffer.from(requests.map(encodeRequest).join(""), "latin1");
    for (let pieces = this.parts.random.below(3); pieces > 0 && bytes.length > 1; pieces--) {
      const length = 1 + this.parts.random.below(bytes.length - 1);
      this.deliver(bytes.subarray(0, length));
      bytes = bytes.subarray(length);
    }
    this.deliver(bytes);
  }

  /** Sends one request and resolves to its reply; never if the server's process ends. */
  async ask(...args: string[]): Promise<string> {
    const answered = new Promise<void>((resolve) => {
      this.whenAnswered = resolve;
    });
    this.request([args]);
    await answered;
    return this.lastReply;
  }

  send(buffer: Buffer, start: number, end: number): boolean {
    if (!this.parts.isAlive() || this.isClosed) return true;
    const bytes = buffer.subarray(start, end);
    if (this.pendingBytes === 0 && this.parts.random.below(6) !== 0) {
      this.receive(bytes);
      return true;
    }
    // The peer is slow: the transport keeps the buffer, whose bytes must stay as they are.
    if (this.pendingBytes === 0) setImmediate(() => this.drain());
    this.pendingBytes += bytes.length;
    this.unsent.push(bytes);
    return false;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    for (const bytes of this.waitingInput.splice(0)) this.deliver(bytes);
  }

  close(): void {
    this.isClosed = true;
  }

  /** The client goes away: commands sent may be executed or not. */
  hangUp(): void {
    this.isClosed = true;
    this.events!.onClose();
  }

  private deliver(bytes: Buffer): void {
    if (this.isClosed) return;
    if (this.isPaused) {
      this.waitingInput.push(bytes);
      return;
    }
    const { random } = this.parts;
    // The server may use the buffer for the next packet at once.
    const shared = Buffer.concat([bytes, random.bytes(8)]);
    this.events!.onData(shared, bytes.length);
    shared.fill(0x78);
  }

  private drain(): void {
    if (!this.parts.isAlive() || this.isClosed) return;
    const unsent = this.unsent;
    this.unsent = [];
    this.pendingBytes = 0;
    for (const bytes of unsent) this.receive(bytes);
    this.events!.onDrain();
  }

  private receive(bytes: Buffer): void {
    this.received += bytes.toString("latin1");
    for (let end = replyEnd(this.received, 0); end >= 0; end = replyEnd(this.received, 0)) {
      const reply = this.received.slice(0, end);
      this.received = this.received.slice(end);
      this.unanswered--;
      this.lastReply = reply;
      this.match(reply);
      this.whenAnswered?.();
    }
  }

  private match(reply: string): void {
    if (REFUSALS.some((text) => reply.startsWith(text))) {
      this.refusals++;
      return;
    }
    const next = this.executed.shift();
    if (next === undefined) this.parts.onFault(`a reply to nothing: ${reply}`);
    else if (next.reply !== undefined && next.reply !== reply) {
      this.parts.onFault(`${next.args.join(" ").slice(0, 80)}: made ${next.reply}, received ${reply}`);
    } else this.parts.onReply(next, reply);
  }
}

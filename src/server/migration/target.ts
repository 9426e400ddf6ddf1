/**
 * A connection to another server, as a client of it: what is to be sent goes out in pieces, and replies of one line
 * come back. Each step has a time limit, as Redis has it: to connect, to write the next 64 KB, to read the next bytes.
 */

import { connect, type Socket } from "node:net";
import { MAX_TIMER_MS } from "../../base/clock.ts";

/** Written at a time: the time limit is for each. */
const PIECE_BYTES = 64 * 1024;
/** With this much not yet written, the sender should wait. */
const ENOUGH_BYTES = 1024 * 1024;
/** A longer line is no reply to what is asked here. */
const MAX_LINE = 64 * 1024;
const MAX_PORT = 65_535;

export type TargetStep = "connecting" | "writing" | "reading";

/** The target cannot be reached, does not take or answer in time, or the connection broke. */
export class TargetFailure extends Error {
  override name = "TargetFailure";
  readonly step: TargetStep;
  readonly isTimeout: boolean;

  constructor(step: TargetStep, isTimeout: boolean) {
    super(`${isTimeout ? "timeout" : "error"} while ${step}`);
    this.step = step;
    this.isTimeout = isTimeout;
  }
}

/** What Redis finds out when it connects; a connection that is refused it notices when it writes. */
const FOUND_BY_CONNECTING: ReadonlySet<string | undefined> = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_FAIL",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "EINVAL",
]);

function failedStep(code: string | undefined): TargetStep {
  return FOUND_BY_CONNECTING.has(code) ? "connecting" : "writing";
}

interface Wait {
  readonly isOver: () => boolean;
  readonly resolve: () => void;
  readonly reject: (failure: TargetFailure) => void;
}

export class Target {
  /** The database that is selected there; undefined if that is not certain. */
  selected: bigint | undefined;
  /** When it was last taken to be used. */
  usedAtMs = 0;
  /** The longest that a step may take. */
  timeoutMs = 0;
  private readonly socket: Socket;
  private readonly lines: string[] = [];
  /** The beginning of the next line. */
  private partial = "";
  private unwrittenBytes = 0;
  private isBroken = false;
  private wait: Wait | undefined;
  private timer: NodeJS.Timeout | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (data) => this.receive(data));
    socket.on("error", () => this.break());
    socket.on("close", () => this.break());
    socket.on("end", () => this.break());
  }

  /** Connects. Rejects with a TargetFailure. */
  static open(host: string, port: number, timeoutMs: number): Promise<Target> {
    if (host === "" || port < 0) return Promise.reject(new TargetFailure("connecting", false));
    if (port === 0 || port > MAX_PORT) return Promise.reject(new TargetFailure("writing", false));
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port });
      const fail = (step: TargetStep, isTimeout: boolean) => {
        clearTimeout(timer);
        socket.destroy();
        reject(new TargetFailure(step, isTimeout));
      };
      const timer = setTimeout(fail, Math.min(timeoutMs, MAX_TIMER_MS), "connecting", true);
      socket.once("error", ({ code }: NodeJS.ErrnoException) => fail(failedStep(code), false));
      socket.once("connect", () => {
        clearTimeout(timer);
        socket.removeAllListeners("error");
        resolve(new Target(socket));
      });
    });
  }

  /** Whether it can be used further. */
  get isUsable(): boolean {
    return !this.isBroken;
  }

  /** The process does not stay for a connection that nobody uses. */
  setInUse(isInUse: boolean): void {
    if (isInUse) this.socket.ref();
    else this.socket.unref();
  }

  /** Sends bytes, which must not change afterwards. */
  send(bytes: Buffer): void {
    if (this.isBroken) return;
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
      const piece = bytes.subarray(start, start + PIECE_BYTES);
      this.unwrittenBytes += piece.length;
      this.socket.write(piece, () => {
        this.unwrittenBytes -= piece.length;
        this.progress();
      });
    }
  }

  /** Whether `room` would wait. */
  get isFull(): boolean {
    return this.isBroken || this.unwrittenBytes >= ENOUGH_BYTES;
  }

  /** Resolves when more should be sent. Rejects with a TargetFailure. */
  room(): Promise<void> {
    return this.until(() => this.unwrittenBytes < ENOUGH_BYTES);
  }

  /** A line that has arrived. */
  takeLine(): string | undefined {
    return this.lines.shift();
  }

  /** The next line, without its end. Rejects with a TargetFailure. */
  async line(): Promise<string> {
    // What arrived before the connection broke counts.
    if (this.lines.length === 0) await this.until(() => this.lines.length > 0);
    return this.lines.shift()!;
  }

  close(): void {
    this.socket.destroy();
    this.break();
  }

  private until(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.wait = { isOver, resolve, reject };
      this.progress();
    });
  }

  /** Something has happened: the one who waits goes on, or gets the full time limit again. */
  private progress(): void {
    clearTimeout(this.timer);
    const { wait } = this;
    if (wait === undefined) return;
    if (this.isBroken) this.fail(false);
    else if (!wait.isOver()) {
      this.timer = setTimeout(() => this.fail(true), Math.min(this.timeoutMs, MAX_TIMER_MS));
    } else {
      this.wait = undefined;
      wait.resolve();
    }
  }

  private fail(isTimeout: boolean): void {
    const { wait } = this;
    this.wait = undefined;
    this.isBroken = true;
    this.socket.destroy();
    wait?.reject(new TargetFailure(this.unwrittenBytes > 0 ? "writing" : "reading", isTimeout));
  }

  private receive(data: Buffer): void {
    const lines = (this.partial + data.toString("latin1")).split("\n");
    this.partial = lines.pop()!;
    for (const line of lines) this.lines.push(line.endsWith("\r") ? line.slice(0, -1) : line);
    if (this.partial.length > MAX_LINE) this.close();
    else this.progress();
  }

  private break(): void {
    if (this.isBroken) return;
    this.isBroken = true;
    // Lines that have arrived are still there to be taken.
    if (this.wait?.isOver() === true) {
      const { wait } = this;
      this.wait = undefined;
      clearTimeout(this.timer);
      wait.resolve();
    } else this.progress();
  }
}

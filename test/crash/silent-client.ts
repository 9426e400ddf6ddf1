/**
 * A client of a server in the same process that sends requests and looks at no reply.
 */
import type { Server } from "../../src/server/server.ts";
import type { Transport, TransportEvents } from "../../src/server/transport/transport.ts";
import { encodeRequest } from "./resp.ts";

export class SilentClient implements Transport {
  readonly remoteAddress = "127.0.0.1:50000";
  readonly localAddress = "127.0.0.1:6379";
  readonly fileDescriptor = 9;
  readonly pendingBytes = 0;
  /** Error replies, for who has them counted. */
  readonly errors: string[] = [];
  private readonly events: TransportEvents;

  constructor(server: Server) {
    this.events = server.accept(this)!;
  }

  /** Sends requests in one packet. */
  request(...requests: readonly (readonly string[])[]): void {
    const bytes = Buffer.from(requests.map(encodeRequest).join(""), "latin1");
    this.events.onData(bytes, bytes.length);
  }

  send(buffer: Buffer, start: number, end: number): boolean {
    // The first reply of a packet is enough to find mistakes in a test.
    if (buffer[start] === 0x2d)
      this.errors.push(buffer.toString("latin1", start, Math.min(end, start + 200)));
    return true;
  }

  pause(): void {}

  resume(): void {}

  close(): void {}
}

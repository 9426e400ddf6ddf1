/**
 * The order of replies and pushes, which of them leave together, and when: an outbox on connections whose transports
 * record what they are given, and an append-only file whose positions the test sets.
 */
import { expect, test } from "vitest";
import { ManualClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { ReplyWriter as Writer } from "../../src/protocol/reply-writer.ts";
import { ClientRegistry } from "../../src/server/client-registry.ts";
import { Connection } from "../../src/server/connection.ts";
import { Outbox } from "../../src/server/outbox.ts";
import { OutputLimits } from "../../src/server/output-limits.ts";
import { Pushes, type PushMessage } from "../../src/server/pushes.ts";
import { ReplyGate } from "../../src/server/reply-gate.ts";
import { Statistics } from "../../src/server/statistics.ts";

class RecordingTransport {
  readonly remoteAddress = "";
  readonly localAddress = "";
  readonly fileDescriptor = -1;
  pendingBytes = 0;
  isSlow = false;
  readonly sent: string[] = [];
  readonly kept: Buffer[] = [];

  send(buffer: Buffer, start: number, end: number): boolean {
    this.sent.push(buffer.toString("latin1", start, end));
    if (!this.isSlow) return true;
    this.kept.push(buffer.subarray(start, end));
    this.pendingBytes += end - start;
    return false;
  }

  pause(): void {}
  resume(): void {}
  close(): void {}
}

class Bench {
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly clients = new ClientRegistry();
  readonly reply = new Writer();
  readonly gate = new ReplyGate();
  readonly limits = new OutputLimits({
    clients: this.clients,
    clock: this.clock,
    world: { log: silentLog },
    config: { values: { "repl-backlog-size": 0 } },
  });
  readonly aof = { appended: 0, gatePosition: Number.POSITIVE_INFINITY, failureText: undefined };
  readonly outbox: Outbox;
  readonly pushes: Pushes;
  client: Connection | undefined;
  flushes = 0;

  constructor() {
    this.outbox = new Outbox({
      reply: this.reply,
      aof: this.aof,
      gate: this.gate,
      limits: this.limits,
      scheduleFlush: () => this.flushes++,
      flushNow: () => this.outbox.flush(),
    });
    this.pushes = new Pushes(this);
  }

  connect(resp: 2 | 3 = 3): { connection: Connection; transport: RecordingTransport } {
    const transport = new RecordingTransport();
    const host = {
      clock: this.clock,
      decoderLimits: { maxBulkLength: 1024, queryBufferLimit: 1024 },
      statistics: new Statistics(),
      run: () => {},
      closed: (connection: Connection) => this.clients.remove(connection),
    };
    const connection = new Connection(this.clients.nextId(), transport, host);
    connection.resp = resp;
    this.clients.add(connection);
    return { connection, transport };
  }

  /** The connection's command runs: answers, and perhaps pushes, in their order. */
  run(connection: Connection, ...actions: (string | (() => void))[]): void {
    this.client = connection;
    for (const action of actions) {
      this.reply.begin(false, false);
      if (typeof action === "string") this.reply.simple(action);
      else action();
      this.reply.finish();
    }
    this.outbox.add(connection);
  }

  push(text: string, ...receivers: Connection[]): void {
    this.pushes.begin(message(text));
    for (const receiver of receivers) this.pushes.deliver(receiver);
  }
}

function message(text: string): PushMessage {
  return {
    writeTo(writer: ReplyWriter) {
      writer.push(1);
      writer.simple(text);
    },
  };
}

test("a push stands behind the replies of before, and before those that follow", () => {
  const bench = new Bench();
  const { connection, transport } = bench.connect();
  const other = bench.connect();
  bench.run(connection, "one");
  bench.run(other.connection, () => bench.push("p", connection), "other");
  bench.run(connection, "two", () => bench.push("own", connection), "three");
  bench.outbox.flush();
  expect(transport.sent.join("")).toBe("+one\r\n>1\r\n+p\r\n+two\r\n>1\r\n+own\r\n+three\r\n");
  expect(other.transport.sent).toEqual(["+other\r\n"]);
});

test("a push to the client of the command goes before its reply, which may have begun", () => {
  const bench = new Bench();
  const { connection, transport } = bench.connect();
  bench.run(connection, "before", () => {
    bench.reply.array(2);
    bench.reply.integer(1);
    bench.push("p", connection);
    bench.reply.integer(2);
  });
  bench.outbox.flush();
  expect(transport.sent.join("")).toBe("+before\r\n>1\r\n+p\r\n*2\r\n:1\r\n:2\r\n");
});

test("messages that follow each other leave with one call, each written once for a protocol", () => {
  const bench = new Bench();
  const third = [bench.connect(3), bench.connect(3), bench.connect(3)];
  const second = [bench.connect(2), bench.connect(2)];
  const all = [...third, ...second].map(({ connection }) => connection);
  let written = 0;
  for (const text of ["a", "b"]) {
    bench.pushes.begin({
      writeTo(writer) {
        written++;
        message(text).writeTo(writer);
      },
    });
    for (const connection of all) bench.pushes.deliver(connection);
  }
  bench.outbox.flush();
  expect(written).toBe(4);
  for (const { transport } of third) expect(transport.sent).toEqual([">1\r\n+a\r\n>1\r\n+b\r\n"]);
  for (const { transport } of second) expect(transport.sent).toEqual(["*1\r\n+a\r\n*1\r\n+b\r\n"]);
});

test("pieces that do not lie together leave with one call all the same", () => {
  const bench = new Bench();
  const { connection, transport } = bench.connect();
  const other = bench.connect();
  bench.push("a", connection);
  bench.push("b", other.connection);
  bench.push("c", connection);
  bench.outbox.flush();
  expect(transport.sent).toEqual([">1\r\n+a\r\n>1\r\n+c\r\n"]);
});

test("large pieces leave one by one, in their order", () => {
  const bench = new Bench();
  const { connection, transport } = bench.connect();
  const large = "x".repeat(20_000);
  bench.run(connection, "one");
  bench.push(large, connection);
  bench.run(connection, "two");
  bench.outbox.flush();
  expect(transport.sent).toEqual(["+one\r\n", `>1\r\n+${large}\r\n`, "+two\r\n"]);
});

test("bytes that a transport keeps do not change when the next messages are written", () => {
  const bench = new Bench();
  const slow = bench.connect();
  slow.transport.isSlow = true;
  const quick = bench.connect();
  for (const text of ["first", "other", "third"]) {
    bench.push(text, quick.connection, slow.connection);
    bench.run(slow.connection, `reply ${text}`);
    bench.outbox.flush();
  }
  expect(Buffer.concat(slow.transport.kept).toString()).toBe(slow.transport.sent.join(""));
});

test("a push waits until what it may tell of is safe, and holds back what follows", () => {
  const bench = new Bench();
  const { connection, transport } = bench.connect();
  const second = bench.connect();
  bench.run(connection, "before");
  bench.aof.gatePosition = 10;
  bench.push("p", connection, second.connection);
  // The command that pushed appends its effect afterwards.
  bench.aof.appended = 20;
  bench.outbox.flush();
  expect(transport.sent).toEqual(["+before\r\n"]);
  expect(second.transport.sent).toEqual([]);
  bench.run(connection, "after");
  bench.outbox.flush();
  bench.aof.gatePosition = 20;
  bench.gate.release(20);
  expect(transport.sent.join("")).toBe("+before\r\n>1\r\n+p\r\n+after\r\n");
  expect(second.transport.sent).toEqual([">1\r\n+p\r\n"]);
});

test("who wants no replies gets pushes", () => {
  const bench = new Bench();
  const { connection, transport } = bench.connect();
  bench.run(connection, "wanted", () => {
    connection.replyMode = "off";
    const { end } = bench.reply;
    bench.reply.simple("unwanted");
    bench.push("p", connection);
    bench.reply.end = Math.max(end, bench.outbox.cutEnd);
  });
  bench.outbox.flush();
  expect(transport.sent.join("")).toBe("+wanted\r\n>1\r\n+p\r\n");
});

test("a connection that is closing, or whose peer has ended, gets none", () => {
  const bench = new Bench();
  const closing = bench.connect();
  closing.connection.closeAfterReply();
  const ended = bench.connect();
  ended.connection.hasEnded = true;
  bench.push("p", closing.connection, ended.connection);
  bench.outbox.flush();
  expect([...closing.transport.sent, ...ended.transport.sent]).toEqual([]);
});

test("a client over its hard limit is closed with the flush, without what waits; others are not", () => {
  const bench = new Bench();
  const limit = { hardLimitBytes: 0, softLimitBytes: 0, softSeconds: 0 };
  bench.limits.configure({ normal: limit, replica: limit, pubsub: { ...limit, hardLimitBytes: 100 } });
  const subscriber = bench.connect();
  subscriber.connection.isSubscribed = true;
  const normal = bench.connect();
  const text = "x".repeat(30);
  for (let i = 0; i < 3; i++) bench.push(text, subscriber.connection, normal.connection);
  expect(subscriber.connection.isClosing).toBe(true);
  expect(subscriber.connection.isClosed).toBe(false);
  bench.outbox.flush();
  expect(subscriber.connection.isClosed).toBe(true);
  expect(subscriber.transport.sent).toEqual([]);
  expect(normal.transport.sent.join("").length).toBeGreaterThan(100);
  expect(bench.clients.outputBufferLimitDisconnections).toBe(1);
});

test("a soft limit may be exceeded for its seconds, in one piece", () => {
  const bench = new Bench();
  const limit = { hardLimitBytes: 0, softLimitBytes: 50, softSeconds: 2 };
  bench.limits.configure({ normal: limit, replica: limit, pubsub: limit });
  const { connection, transport } = bench.connect();
  const waits = (bytes: number, seconds: number) => {
    transport.pendingBytes = bytes;
    bench.limits.checkAll();
    bench.clock.advance(seconds * 1000);
    bench.limits.checkAll();
    return !connection.isClosed;
  };
  expect(waits(50, 2)).toBe(true);
  expect(waits(49, 2)).toBe(true);
  expect(waits(60, 1.5)).toBe(true);
  expect(waits(60, 0.6)).toBe(false);
});

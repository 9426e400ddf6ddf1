/**
 * Counting and timing of calls, with a clock that counts how often it is read: what is slow is found whatever it is
 * among, what is quick costs next to nothing, and the histograms hold as many calls as there were.
 */
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { commandSpecs } from "../../../src/commands/all.ts";
import type { ServerServices } from "../../../src/commands/services.ts";
import { CommandTable, type CompiledCommand } from "../../../src/commands/table.ts";
import { DONE, SUSPENDED } from "../../../src/protocol/outcome.ts";
import { ReplyWriter } from "../../../src/protocol/reply-writer.ts";
import { Request } from "../../../src/protocol/request.ts";
import type { Connection } from "../../../src/server/connection.ts";
import { Calls, settleCalls } from "../../../src/server/observation/calls.ts";
import { LatencyEvents } from "../../../src/server/observation/latency-events.ts";
import { SlowLog } from "../../../src/server/observation/slow-log.ts";

class CountingClock extends ManualClock {
  reads = 0;

  override monotonicMs(): number {
    this.reads++;
    return this.nowMs;
  }
}

/** Calls as the dispatcher makes them, each of which takes as long as it says. */
class Bench {
  readonly clock = new CountingClock(1000);
  readonly slowLog = new SlowLog();
  readonly events = new LatencyEvents(this.clock);
  readonly reply = new ReplyWriter();
  readonly calls = new Calls({
    clock: this.clock,
    reply: this.reply,
    services: {} as ServerServices,
    slowLog: this.slowLog,
    events: this.events,
  });
  readonly client = { address: "1.2.3.4:5", name: "me", isInScript: false } as Connection;
  private readonly table = new CommandTable(commandSpecs);

  constructor(slowMicroseconds = 10_000, thresholdMs = 0) {
    this.slowLog.thresholdMicroseconds = slowMicroseconds;
    this.slowLog.setMaximum(128);
    this.events.thresholdMs = thresholdMs;
    this.calls.configure();
  }

  command(name: string): CompiledCommand {
    return this.table.findByName(name)!;
  }

  /** One call within a batch; `meanwhile` is its handler. */
  call(words: readonly string[], elapsedMs: number, meanwhile: () => void = () => {}): void {
    const command = this.command(words[0]);
    const request = Request.of(...words);
    if (!this.client.isExecuting) this.reply.begin(false, false);
    const begun = this.calls.begin(command, request, this.client);
    meanwhile();
    this.clock.advance(elapsedMs);
    this.calls.end(command, request, this.client, begun, DONE);
  }

  /** A call that is alone in its batch, and is answered some time after its handler. */
  wait(words: readonly string[], times: { handlerMs: number; waitMs: number; restMs: number }): void {
    const command = this.command(words[0]);
    const request = Request.of(...words);
    this.calls.beginBatch(this.client, 1, 100);
    const begun = this.calls.begin(command, request, this.client);
    this.clock.advance(times.handlerMs);
    this.calls.end(command, request, this.client, begun, SUSPENDED);
    this.calls.endBatch();
    this.clock.advance(times.waitMs);
    const resumed = this.clock.monotonicMs();
    this.clock.advance(times.restMs);
    this.calls.endBlocked(command, this.client, resumed);
  }

  batch(...calls: readonly (readonly [words: string, elapsedMs: number])[]): void {
    const bytes = calls.reduce((sum, [words]) => sum + words.length, 0);
    this.calls.beginBatch(this.client, calls.length, bytes);
    for (const [words, elapsedMs] of calls) this.call(words.split(" "), elapsedMs);
    this.calls.endBatch();
  }

  /** So that the first calls, each of which is timed, are over. */
  warmUp(...names: readonly string[]): void {
    for (const name of names) for (let i = 0; i < 65; i++) this.batch([`${name} k v`, 0]);
  }

  logged(): string[] {
    return [...this.slowLog.newest(100)].map(
      ({ words, microseconds }) => `${words.join(" ")}: ${microseconds}`,
    );
  }
}

const QUICK: readonly (readonly [string, number])[] = Array.from({ length: 16 }, (_, i) => [
  `get k${i}`,
  2 ** -9,
]);

describe("the clock", () => {
  test("is read twice for sixteen quick calls of a pipeline", () => {
    const bench = new Bench();
    bench.warmUp("get");
    bench.clock.reads = 0;
    bench.batch(...QUICK);
    expect(bench.clock.reads).toBe(2);
  });

  test("is read for each call if the slow log asks for what is quick, too", () => {
    const bench = new Bench(0);
    bench.warmUp("get");
    bench.slowLog.reset();
    bench.batch(...QUICK);
    expect(bench.logged()).toHaveLength(16);
    expect(bench.logged()[15]).toBe("get k0: 1");
  });
});

describe("a slow call is found", () => {
  test("whatever is before and behind it in the pipeline", () => {
    const bench = new Bench();
    bench.warmUp("get");
    for (const place of [0, 1, 7, 15]) {
      const calls = [...QUICK];
      calls[place] = ["keys *", 12];
      bench.slowLog.reset();
      bench.batch(...calls);
      expect(bench.logged()).toEqual(["keys *: 12000"]);
    }
  });

  test("if it is quick by nature, but what it was given or answers is large", () => {
    const bench = new Bench();
    bench.warmUp("get", "set");
    const large = `set k ${"x".repeat(40_000)}`;
    bench.batch(...QUICK, [large, 20], ...QUICK);
    expect(bench.logged()[0]).toMatch(/^set k x{128}\.\.\. \(39872 more bytes\): 20000$/);
    bench.slowLog.reset();
    bench.calls.beginBatch(bench.client, 16, 500);
    for (let i = 0; i < 16; i++) {
      const isLarge = i === 5;
      bench.call(["get", `k${i}`], isLarge ? 15 : 0, () => isLarge && bench.reply.raw(Buffer.alloc(20_000)));
    }
    bench.calls.endBatch();
    expect(bench.logged()).toEqual(["get k5: 15000"]);
  });

  test("if it is quick by nature, but its handler says that it did much", () => {
    const bench = new Bench();
    bench.warmUp("publish");
    bench.calls.beginBatch(bench.client, 16, 500);
    for (let i = 0; i < 16; i++) {
      const isLarge = i === 5;
      bench.call(["publish", `c${i}`, "x"], isLarge ? 15 : 0, () => isLarge && bench.calls.noteLong());
    }
    bench.calls.endBatch();
    expect(bench.logged()).toEqual(["publish c5 x: 15000"]);
  });

  test("if something held up a run of quick ones: its last call is named", () => {
    const bench = new Bench();
    bench.warmUp("get");
    const calls = [...QUICK];
    calls[3] = ["get k3", 30];
    bench.batch(...calls);
    expect(bench.logged()).toEqual(["get k15: 30029"]);
  });

  test("in a transaction, which is not logged itself", () => {
    const bench = new Bench();
    bench.warmUp("get");
    bench.calls.beginBatch(bench.client, 1, 100);
    bench.call(["exec"], 0, () => {
      Object.assign(bench.client, { isExecuting: true });
      for (let i = 0; i < 40; i++) bench.call(["get", "k"], 0.001);
      bench.call(["keys", "*"], 11);
      Object.assign(bench.client, { isExecuting: false });
    });
    bench.calls.endBatch();
    expect(bench.logged()).toEqual(["keys *: 11000"]);
  });

  test("in a script, under no client", () => {
    const bench = new Bench();
    bench.calls.beginBatch(bench.client, 1, 100);
    bench.call(["eval", "s", "0"], 0, () => {
      Object.assign(bench.client, { isInScript: true });
      bench.call(["keys", "*"], 11);
      Object.assign(bench.client, { isInScript: false });
    });
    bench.calls.endBatch();
    const [script, inner] = bench.slowLog.newest(2);
    expect(script).toMatchObject({ microseconds: 11_000, address: "1.2.3.4:5", name: "me" });
    expect(inner).toMatchObject({ microseconds: 11_000, address: "?:0", name: "" });
  });

  test("when it is over, if it had to wait for the server's work", () => {
    const bench = new Bench(10_000, 5);
    bench.wait(["save"], { handlerMs: 0, waitMs: 50, restMs: 6 });
    expect(bench.logged()).toEqual(["save: 56000"]);
    expect(bench.command("save").calls).toBe(1);
    expect(bench.events.of("command-unblocking")?.longestMs).toBe(6);
  });

  test("by what it did itself, if it waited for a key", () => {
    const bench = new Bench(10_000, 5);
    bench.wait(["blpop", "k", "0"], { handlerMs: 1, waitMs: 5000, restMs: 2 });
    expect(bench.logged()).toEqual([]);
    expect(bench.command("blpop").microseconds).toBe(3000);
    expect(bench.command("blpop").histogram?.total).toBe(1);
    bench.wait(["blpop", "k", "0"], { handlerMs: 4, waitMs: 5000, restMs: 7 });
    expect(bench.logged()).toEqual(["blpop k 0: 11000"]);
    expect(bench.events.of("command-unblocking")?.longestMs).toBe(7);
  });
});

test("what is executed anew, because it needs further keys, counts once", () => {
  const bench = new Bench();
  const command = bench.command("sort");
  const request = Request.of("sort", "k", "by", "w_*");
  Object.assign(bench.client, { mustRepeat: true });
  const begun = bench.calls.begin(command, request, bench.client);
  bench.calls.end(command, request, bench.client, begun, SUSPENDED);
  expect([command.calls, bench.calls.total, bench.client.blockedCall]).toEqual([0, 0, undefined]);
});

test("what is replayed from a log is not observed", () => {
  const bench = new Bench(0);
  Object.assign(bench.client, { isReplay: true });
  bench.batch(["set k v", 5]);
  expect([bench.command("set").calls, bench.calls.total, bench.logged()]).toEqual([0, 0, []]);
});

test("histograms hold all calls: what is not timed counts as what is", () => {
  const bench = new Bench();
  for (let i = 0; i < 100; i++) bench.batch(...QUICK);
  const get = bench.command("get");
  expect(get.calls).toBe(1600);
  settleCalls(get);
  expect(get.histogram?.total).toBe(1600);
  expect(get.microseconds).toBeCloseTo(3125, 0);
});

test("the latency monitor tells fast commands from others", () => {
  const bench = new Bench(-1, 20);
  bench.batch(["get k", 25], ["keys *", 30], ["get k", 10]);
  expect([...bench.events.all()].map(([event, { longestMs }]) => [event, longestMs])).toEqual([
    ["fast-command", 25],
    ["command", 30],
  ]);
  expect(bench.logged()).toEqual([]);
});

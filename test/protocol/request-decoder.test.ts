/**
 * The decoder is driven as a server drives it: all packets pass through one shared buffer that is overwritten with
 * rubbish after `settle`, so that any request that still pointed into it would show.
 */
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Request } from "../../src/protocol/request.ts";
import {
  type DecodeResult,
  type DecoderLimits,
  NEED_MORE,
  PROTOCOL_ERROR,
  QUERY_BUFFER_LIMIT,
  REQUEST,
  RequestDecoder,
} from "../../src/protocol/request-decoder.ts";

const CHUNK_BYTES = 64 * 1024;
const sharedChunk = Buffer.alloc(CHUNK_BYTES);

function limits(changes: Partial<DecoderLimits> = {}): DecoderLimits {
  return { maxBulkLength: 512 * 1024 * 1024, queryBufferLimit: 1024 * 1024 * 1024, ...changes };
}

/** A packet at a random place of the shared buffer. */
function feed(decoder: RequestDecoder, packet: Uint8Array, at = 0): void {
  sharedChunk.set(packet, at);
  decoder.feed(sharedChunk, at, at + packet.length);
}

function settle(decoder: RequestDecoder): void {
  decoder.settle();
  sharedChunk.fill(0xee);
}

function args(decoder: RequestDecoder): string[] {
  const { request } = decoder;
  return Array.from({ length: request.argc }, (_, i) => request.text(i));
}

/** All complete requests that wait, as text. */
function drain(decoder: RequestDecoder): string[][] {
  const requests: string[][] = [];
  while (decoder.next() === REQUEST) requests.push(args(decoder));
  return requests;
}

/** Sends text in packets of at most 64 KB; the requests, and what followed the last. */
function decode(text: string, decoder = new RequestDecoder(limits())): [string[][], DecodeResult] {
  const bytes = Buffer.from(text, "latin1");
  const requests: string[][] = [];
  for (let i = 0; i < bytes.length; i += CHUNK_BYTES) {
    feed(decoder, bytes.subarray(i, i + CHUNK_BYTES));
    requests.push(...drain(decoder));
    settle(decoder);
  }
  return [requests, decoder.next()];
}

function resp(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

const word = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
  maxLength: 20,
});
const shortRequest = fc.array(word, { minLength: 1, maxLength: 5 });
const longRequest = fc.array(word, { minLength: 15, maxLength: 60 });
const largeValue = fc.integer({ min: 1000, max: 30_000 }).map((length) => ["SET", "k", "v".repeat(length)]);
const respRequest = fc
  .oneof({ weight: 4, arbitrary: shortRequest }, longRequest, largeValue)
  .map((words) => ({ bytes: resp(...words), words }));
const inlineRequest = fc
  .tuple(
    fc.array(fc.stringMatching(/^[a-z0-9*$.\x80-\xff]{1,8}$/), { minLength: 1, maxLength: 30 }),
    fc.boolean(),
  )
  .map(([words, quoted]) => {
    // An inline request does not begin like an array.
    const all = ["x", ...words];
    return { bytes: `${quoted ? `"${all.join('" "')}"` : all.join(" ")}\r\n`, words: all };
  });
const noRequest = fc
  .constantFrom("\r\n", "\n", "  \r\n", "*0\r\n", "*-1\r\n")
  .map((bytes) => ({ bytes, words: undefined }));
const pipelines = fc.array(fc.oneof({ weight: 3, arbitrary: respRequest }, inlineRequest, noRequest), {
  maxLength: 12,
});
/** What the server does when a packet has come. */
const steps = fc.array(
  fc.record({
    size: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 20_000 })),
    choice: fc.nat(5),
  }),
  { minLength: 1, maxLength: 30 },
);

describe("any pipeline, cut into any packets", () => {
  it("decodes to the same requests, with looking ahead, parking and resuming in between", () => {
    fc.assert(
      fc.property(pipelines, steps, (pipeline, plan) => {
        const bytes = Buffer.from(pipeline.map((part) => part.bytes).join(""), "latin1");
        const expected = pipeline.flatMap(({ words }) => (words === undefined ? [] : [words]));
        const decoder = new RequestDecoder(limits());
        const requests: string[][] = [];
        let position = 0;
        for (let i = 0; position < bytes.length; i++) {
          const { size, choice } = plan[i % plan.length];
          feed(decoder, bytes.subarray(position, position + size), choice * 100);
          position = Math.min(position + size, bytes.length);
          consume(decoder, choice, requests);
          settle(decoder);
          if (choice === 5) decoder.shrink();
        }
        requests.push(...drain(decoder));
        expect(requests).toEqual(expected);
        settle(decoder);
        expect(decoder.bufferedBytes).toBe(0);
        expect(decoder.bufferCapacity).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  /** Takes requests in one of several ways. */
  function consume(decoder: RequestDecoder, choice: number, requests: string[][]): void {
    if (choice === 0) return; // The connection is parked: everything stays.
    if (choice === 1) {
      // One request, then parked; or parked at that request, to run it later.
      if (decoder.next() === REQUEST) requests.push(args(decoder));
      return;
    }
    if (choice === 2) {
      if (decoder.next() === REQUEST) decoder.rewindToCurrent();
      return;
    }
    if (choice === 3) {
      // The first request is current; what follows is looked at, and comes again.
      if (decoder.next() !== REQUEST) return;
      const current = args(decoder);
      decoder.mark();
      const ahead = drain(decoder);
      decoder.rewind();
      const again = drain(decoder);
      expect(again).toEqual(ahead);
      requests.push(current, ...again);
      return;
    }
    requests.push(...drain(decoder));
  }
});

describe("looking ahead", () => {
  it("comes back to the current request, too", () => {
    const decoder = new RequestDecoder(limits());
    feed(decoder, Buffer.from(`${resp("A")}${resp("B", "1")}\r\nC\r\n${resp("D")}*2\r\n$1\r\n`));
    expect(decoder.next()).toBe(REQUEST);
    expect(decoder.next()).toBe(REQUEST);
    decoder.mark();
    expect(drain(decoder)).toEqual([["C"], ["D"]]);
    decoder.rewind();
    decoder.rewindToCurrent();
    settle(decoder);
    expect(drain(decoder)).toEqual([["B", "1"], ["C"], ["D"]]);
    expect(decoder.next()).toBe(NEED_MORE);
  });

  it("into an error does not lose the requests before it", () => {
    const decoder = new RequestDecoder(limits());
    decoder.authenticated = false;
    const large = resp(...Array.from({ length: 11 }, () => "x"));
    feed(decoder, Buffer.from(`${resp("AUTH", "x")}${large}`));
    decoder.mark();
    expect(drain(decoder)).toEqual([["AUTH", "x"]]);
    expect(decoder.next()).toBe(PROTOCOL_ERROR);
    decoder.rewind();
    expect(decoder.next()).toBe(REQUEST);
    decoder.authenticated = true;
    expect(decoder.next()).toBe(REQUEST);
    expect(decoder.request.argc).toBe(11);
  });

  it("does not matter to a long incomplete request that moves with its packets", () => {
    const decoder = new RequestDecoder(limits());
    const long = Array.from({ length: 40 }, (_, i) => `argument-${i}`);
    const bytes = Buffer.from(`${resp("A")}${resp(...long)}`);
    const cut = bytes.indexOf("argument-30");
    feed(decoder, bytes.subarray(0, cut), 300);
    expect(drain(decoder)).toEqual([["A"]]);
    settle(decoder);
    feed(decoder, bytes.subarray(cut));
    expect(drain(decoder)).toEqual([long]);
  });

  it("over a long incomplete request keeps what was found of it", () => {
    const decoder = new RequestDecoder(limits());
    const long = Array.from({ length: 40 }, (_, i) => `argument-${i}`);
    const bytes = Buffer.from(`${resp("A")}${resp(...long)}${resp("Z")}`);
    const cut = bytes.indexOf("argument-30");
    feed(decoder, bytes.subarray(0, cut));
    decoder.mark();
    expect(drain(decoder)).toEqual([["A"]]);
    decoder.rewind();
    settle(decoder);
    expect(drain(decoder)).toEqual([["A"]]);
    settle(decoder);
    feed(decoder, bytes.subarray(cut), 500);
    expect(drain(decoder)).toEqual([long, ["Z"]]);
  });
});

describe("two connections", () => {
  it("share the request between requests, and nothing else", () => {
    const long = (name: string) => Array.from({ length: 50 }, (_, i) => `${name}${i}`);
    const names = ["a", "b", "c"];
    const decoders = names.map(() => new RequestDecoder(limits()));
    const bytes = names.map((name) => Buffer.from(resp(...long(name))));
    const half = 200;
    for (const [i, decoder] of decoders.entries()) {
      feed(decoder, bytes[i].subarray(0, half));
      expect(decoder.next()).toBe(NEED_MORE);
      settle(decoder);
    }
    for (const [i, decoder] of decoders.entries()) {
      feed(decoder, bytes[i].subarray(half));
      expect(drain(decoder)).toEqual([long(names[i])]);
      settle(decoder);
    }
  });
});

describe("memory", () => {
  afterEach(() => vi.restoreAllMocks());

  it("copies a value of 64 MB that arrives in packets of 64 KB about once", () => {
    const sizeBytes = 64 * 1024 * 1024;
    const counts = countBytes();
    const decoder = new RequestDecoder(limits());
    const head = Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${sizeBytes}\r\n`);
    const packet = Buffer.alloc(CHUNK_BYTES, "v");
    feed(decoder, head);
    expect(decoder.next()).toBe(NEED_MORE);
    settle(decoder);
    for (let sent = 0; sent < sizeBytes; sent += CHUNK_BYTES) {
      feed(decoder, packet);
      expect(decoder.next()).toBe(NEED_MORE);
      settle(decoder);
    }
    // The packet with the last bytes brings the beginning of the next request.
    feed(decoder, Buffer.from(`\r\n${resp("PING")}`));
    expect(decoder.next()).toBe(REQUEST);
    expect(decoder.request.len[2]).toBe(sizeBytes);
    expect(decoder.request.bytes(2).equals(Buffer.alloc(sizeBytes, "v"))).toBe(true);
    expect(drain(decoder)).toEqual([["PING"]]);
    const { copied, allocated } = counts();
    // Not less than once, either: else nothing was counted.
    expect(copied / sizeBytes).toBeGreaterThan(1);
    expect(copied / sizeBytes).toBeLessThan(1.5);
    expect(allocated / sizeBytes).toBeLessThan(1.5);
  });

  it("is not taken for what is only announced", () => {
    const decoder = new RequestDecoder(limits());
    for (const text of ["*2147483647\r\n$536870912\r\n", "x".repeat(3000)]) {
      feed(decoder, Buffer.from(text));
      expect(decoder.next()).toBe(NEED_MORE);
      settle(decoder);
    }
    expect(decoder.bufferCapacity).toBeLessThanOrEqual(256 * 1024);
  });

  it("of a quiet connection is given back, but for the bytes that wait", () => {
    const decoder = new RequestDecoder(limits());
    feed(decoder, Buffer.from(resp("SET", "k", "v".repeat(60_000))));
    settle(decoder);
    feed(decoder, Buffer.from("*1\r\n$4\r\n"));
    expect(drain(decoder)).toHaveLength(1);
    settle(decoder);
    decoder.shrink();
    expect(decoder.bufferedBytes).toBe(8);
    expect(decoder.bufferCapacity).toBe(8);
    feed(decoder, Buffer.from("PING\r\n"));
    expect(drain(decoder)).toEqual([["PING"]]);
    settle(decoder);
    expect(decoder.bufferCapacity).toBe(0);
  });

  it("is told without the part of a request that is understood", () => {
    const decoder = new RequestDecoder(limits());
    const unparsed = (packet: string): number => {
      feed(decoder, Buffer.from(packet));
      drain(decoder);
      settle(decoder);
      return decoder.unparsedBytes;
    };
    expect(unparsed(`*2\r\n$4\r\nECHO\r\n$90000\r\n${"v".repeat(50_000)}`)).toBe(50_000);
    expect(unparsed(`${"v".repeat(40_000)}\r\n*2\r\n$4\r\nECHO\r\n$9\r\nabc`)).toBe(3);
  });

  it("does not hold the arguments of a huge request after it", () => {
    const decoder = new RequestDecoder(limits());
    decode(resp(...Array.from({ length: 50_000 }, () => "")), decoder);
    expect(decoder.request.start.length).toBeLessThan(50_000);
  });
});

describe("time is linear", () => {
  afterEach(() => vi.restoreAllMocks());

  it("in the arguments of a request that arrives in many packets", () => {
    const count = 1_048_576;
    // Not at the beginning of the first packet, so that what is remembered moves with the bytes.
    const bytes = Buffer.from(`${resp("PING")}*${count}\r\n${"$1\r\nx\r\n".repeat(count - 1)}$1\r\ny\r\n`);
    const reserve = vi.spyOn(Request.prototype, "reserve");
    const decoder = new RequestDecoder(limits());
    const lengths: number[] = [];
    for (let i = 0; i < bytes.length; i += CHUNK_BYTES / 2) {
      feed(decoder, bytes.subarray(i, i + CHUNK_BYTES / 2), 300);
      while (decoder.next() === REQUEST) lengths.push(decoder.request.argc);
      if (lengths.length < 2) settle(decoder);
    }
    expect(lengths).toEqual([1, count]);
    expect(decoder.request.text(0) + decoder.request.text(1) + decoder.request.text(count - 1)).toBe("xxy");
    // Room for arguments is doubled 16 times: for each packet, if it began again with a request of its own.
    expect(reserve.mock.calls.length).toBeLessThanOrEqual(17);
  });

  it("in the bytes of a connection that always has some waiting", () => {
    const counts = countBytes();
    const decoder = new RequestDecoder(limits());
    const request = Buffer.from(resp("SET", "key", "v".repeat(1000)));
    const packet = Buffer.concat(Array.from({ length: 60 }, () => request));
    for (let i = 0; i < 16; i++) {
      feed(decoder, packet);
      settle(decoder);
    }
    for (let i = 0; i < 200; i++) {
      feed(decoder, packet);
      for (let k = 0; k < 60; k++) expect(decoder.next()).toBe(REQUEST);
      settle(decoder);
    }
    expect(decoder.bufferedBytes).toBe(16 * packet.length);
    expect(counts().copied / (216 * packet.length)).toBeLessThan(3);
  });
});

describe("limits", () => {
  it("of the query buffer ends the connection", () => {
    const changing = limits({ queryBufferLimit: 100 });
    const decoder = new RequestDecoder(changing);
    feed(decoder, Buffer.from(`*1\r\n$200\r\n${"x".repeat(60)}`));
    expect(decoder.next()).toBe(NEED_MORE);
    settle(decoder);
    feed(decoder, Buffer.alloc(29, "x"));
    expect(decoder.next()).toBe(NEED_MORE);
    expect(decoder.bufferedBytes).toBe(99);
    settle(decoder);
    feed(decoder, Buffer.from("xx"));
    expect(decoder.next()).toBe(QUERY_BUFFER_LIMIT);
    settle(decoder);
    feed(decoder, Buffer.from(resp("PING")));
    expect(decoder.next()).toBe(QUERY_BUFFER_LIMIT);
    expect(decoder.bufferCapacity).toBe(0);
  });

  it("take effect when they are changed", () => {
    const changing = limits({ maxBulkLength: 5 });
    const decoder = new RequestDecoder(changing);
    expect(decode(resp("12345"), decoder)).toEqual([[["12345"]], NEED_MORE]);
    changing.maxBulkLength = 4;
    expect(decode(resp("12345"), decoder)).toEqual([[], PROTOCOL_ERROR]);
    expect(decoder.error).toBe("Protocol error: invalid bulk length");
    changing.maxBulkLength = 5;
    expect(decoder.next()).toBe(REQUEST);
  });

  it("accept a line of 64 KB, and no byte more, whatever the packets", () => {
    const line = "x".repeat(65_536);
    for (const size of [1, 1000, CHUNK_BYTES]) {
      for (const [text, expected] of [
        [`${line}\n`, NEED_MORE],
        [`${line}x`, PROTOCOL_ERROR],
        [`${line}x\n`, PROTOCOL_ERROR],
      ] as const) {
        const decoder = new RequestDecoder(limits());
        const bytes = Buffer.from(text);
        let result: DecodeResult = NEED_MORE;
        for (let i = 0; i < bytes.length && result !== PROTOCOL_ERROR; i += size) {
          feed(decoder, bytes.subarray(i, i + size));
          do result = decoder.next();
          while (result === REQUEST);
          decoder.settle();
        }
        expect(result).toBe(expected);
        if (expected === PROTOCOL_ERROR) expect(decoder.error).toBe("Protocol error: too big inline request");
      }
    }
  });

  it("are strict for a client that has not authenticated", () => {
    const elements = (count: number) => resp(...Array.from({ length: count }, () => "x"));
    for (const [text, error] of [
      [elements(10), undefined],
      [elements(11), "unauthenticated multibulk length"],
      ["*11\r\n", "unauthenticated multibulk length"],
      [resp("x".repeat(16_384)), undefined],
      [resp("x".repeat(16_385)), "unauthenticated bulk length"],
      ["*1\r\n$16385\r\n", "unauthenticated bulk length"],
    ] as const) {
      const decoder = new RequestDecoder(limits());
      decoder.authenticated = false;
      const [requests, result] = decode(text, decoder);
      expect(requests).toHaveLength(error === undefined ? 1 : 0);
      expect(result).toBe(error === undefined ? NEED_MORE : PROTOCOL_ERROR);
      if (error !== undefined) expect(decoder.error).toBe(`Protocol error: ${error}`);
    }
  });
});

describe("malformed requests", () => {
  it.each([
    ["*x\r\n", "invalid multibulk length"],
    ["*\r\n", "invalid multibulk length"],
    ["*+1\r\n", "invalid multibulk length"],
    ["*01\r\n", "invalid multibulk length"],
    ["*2147483648\r\n", "invalid multibulk length"],
    ["*99999999999999999999\r\n", "invalid multibulk length"],
    ["*1\n$4\nPING\n\r\n", "invalid multibulk length"],
    [`*${"1".repeat(65_537)}`, "too big mbulk count string"],
    ["*1\r\nPING\r\n", "expected '$', got 'P'"],
    ["*1\r\n\r\n", "expected '$', got '\r'"],
    ["*1\r\n$x\r\n", "invalid bulk length"],
    ["*1\r\n$\r\n", "invalid bulk length"],
    ["*1\r\n$-1\r\n", "invalid bulk length"],
    ["*1\r\n$04\r\n", "invalid bulk length"],
    ["*1\r\n$4\nPING\r\n", "invalid bulk length"],
    ["*1\r\n$536870913\r\n", "invalid bulk length"],
    [`*1\r\n$${"1".repeat(65_537)}`, "too big bulk count string"],
    [`*1\r\n${"1".repeat(65_537)}`, "too big bulk count string"],
    ['"a\r\n', "unbalanced quotes in request"],
    ['a "b"c\r\n', "unbalanced quotes in request"],
  ])("%j", (text, error) => {
    const decoder = new RequestDecoder(limits());
    const [requests, result] = decode(`${resp("PING")}${text}`, decoder);
    expect([requests, result]).toEqual([[["PING"]], PROTOCOL_ERROR]);
    expect(decoder.error).toBe(`Protocol error: ${error}`);
    // Asked again, the answer is the same: nothing was consumed.
    expect(decoder.next()).toBe(PROTOCOL_ERROR);
  });

  it.each([
    "*",
    "*1",
    "*1\r",
    "*1\r\n",
    "*1\r\n$",
    "*1\r\n$4\r",
    "*1\r\n$4\r\nPING\r",
    "P",
    "*1\r\n\r",
    "*1\r\nx",
    "*0\r",
    "*1\0\r\n",
    "a\0\r\n",
  ])("%j may still become one", (text) => {
    const decoder = new RequestDecoder(limits());
    expect(decode(text, decoder)).toEqual([[], NEED_MORE]);
    expect(decoder.bufferedBytes).toBe(text.length);
  });

  it("a NUL byte hides the rest of a line until the line is too long", () => {
    const decoder = new RequestDecoder(limits());
    expect(decode(`a\0\r\n${"x".repeat(70_000)}\r\n`, decoder)).toEqual([[], PROTOCOL_ERROR]);
    expect(decoder.error).toBe("Protocol error: too big inline request");
  });

  it("an array of a negative number of elements beyond any double is skipped, as any other", () => {
    expect(decode(`*-9223372036854775808\r\n${resp("PING")}`)).toEqual([[["PING"]], NEED_MORE]);
  });

  it("line ends after arguments are not looked at", () => {
    expect(decode("*2\rX$1\r_aYZ$0\r\n..")).toEqual([[["a", ""]], NEED_MORE]);
  });
});

/** Counts the bytes that Buffers copy and allocate from here on (the driver's own writes go another way). */
function countBytes(): () => { copied: number; allocated: number } {
  const copies = vi.spyOn(Buffer.prototype, "copy");
  const moves = vi.spyOn(Buffer.prototype, "copyWithin");
  const allocations = vi.spyOn(Buffer, "allocUnsafeSlow");
  return () => {
    let copied = 0;
    for (const { value } of copies.mock.results) copied += Number(value);
    for (const [, start, end] of moves.mock.calls) copied += Number(end) - Number(start);
    let allocated = 0;
    for (const [sizeBytes] of allocations.mock.calls) allocated += sizeBytes;
    return { copied, allocated };
  };
}

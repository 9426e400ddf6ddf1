/**
 * The reply writer: each reply in both protocols byte for byte, any sequence of replies against a plain
 * concatenation, and what happens to the buffer's memory.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DONE } from "../../src/protocol/outcome.ts";
import { ReplyTooLargeError, ReplyWriter } from "../../src/protocol/reply-writer.ts";

type Write = (reply: ReplyWriter) => unknown;

function written(reply: ReplyWriter): string {
  return reply.buf.toString("latin1", 0, reply.end);
}

function write(resp: 2 | 3, ...writes: Write[]): string {
  const reply = new ReplyWriter();
  reply.resp = resp;
  for (const each of writes) expect(each(reply)).toBe(DONE);
  return written(reply);
}

/** A reply, and its bytes in RESP2 and (if they are others) in RESP3. */
const REPLIES: readonly (readonly [string, Write, string, string?])[] = [
  ["ok", (r) => r.ok(), "+OK\r\n"],
  ["simple", (r) => r.simple("PONG"), "+PONG\r\n"],
  ["simple, of bytes", (r) => r.simple("\xff\x80"), "+\xff\x80\r\n"],
  ["error", (r) => r.error("ERR no"), "-ERR no\r\n"],
  ["error with line ends", (r) => r.error("ERR a\r\nb\n"), "-ERR a  b \r\n"],
  ["error with characters that are no bytes", (r) => r.error("ERR \u010a€"), "-ERR ??\r\n"],
  ["integer 0", (r) => r.integer(0), ":0\r\n"],
  ["integer 9", (r) => r.integer(9), ":9\r\n"],
  ["integer 10", (r) => r.integer(10), ":10\r\n"],
  ["integer -1", (r) => r.integer(-1), ":-1\r\n"],
  ["largest safe integer", (r) => r.integer(Number.MAX_SAFE_INTEGER), ":9007199254740991\r\n"],
  ["smallest safe integer", (r) => r.integer(Number.MIN_SAFE_INTEGER), ":-9007199254740991\r\n"],
  ["bigInteger", (r) => r.bigInteger(-(2n ** 63n)), ":-9223372036854775808\r\n"],
  ["bulk", (r) => r.bulk(Buffer.from("a\r\nb")), "$4\r\na\r\nb\r\n"],
  ["bulk of plain bytes", (r) => r.bulk(Uint8Array.of(0, 255)), "$2\r\n\0\xff\r\n"],
  ["empty bulk", (r) => r.bulk(Buffer.alloc(0)), "$0\r\n\r\n"],
  ["bulkRange", (r) => r.bulkRange(Buffer.from("012345"), 2, 3), "$3\r\n234\r\n"],
  ["bulkText", (r) => r.bulkText("é€"), "$5\r\n\xc3\xa9\xe2\x82\xac\r\n"],
  ["null", (r) => r.null(), "$-1\r\n", "_\r\n"],
  ["nullArray", (r) => r.nullArray(), "*-1\r\n", "_\r\n"],
  ["emptyArray", (r) => r.emptyArray(), "*0\r\n"],
  ["array", (r) => r.array(12), "*12\r\n"],
  ["map", (r) => r.map(12), "*24\r\n", "%12\r\n"],
  ["set", (r) => r.set(3), "*3\r\n", "~3\r\n"],
  ["push", (r) => r.push(3), "*3\r\n", ">3\r\n"],
  ["double", (r) => r.double(0.1), "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n"],
  ["double without fraction", (r) => r.double(-5), "$2\r\n-5\r\n", ",-5\r\n"],
  ["infinite double", (r) => r.double(-Infinity), "$4\r\n-inf\r\n", ",-inf\r\n"],
  ["true", (r) => r.boolean(true), ":1\r\n", "#t\r\n"],
  ["false", (r) => r.boolean(false), ":0\r\n", "#f\r\n"],
  ["verbatim", (r) => r.verbatim("é", "txt"), "$2\r\n\xc3\xa9\r\n", "=6\r\ntxt:\xc3\xa9\r\n"],
  ["bigNumber", (r) => r.bigNumber("123"), "$3\r\n123\r\n", "(123\r\n"],
];

describe("replies", () => {
  it.each(REPLIES.map((each) => ({ name: each[0], each })))("$name", ({ each }) => {
    const [, reply, resp2, resp3 = resp2] = each;
    expect(write(2, reply)).toBe(resp2);
    expect(write(3, reply)).toBe(resp3);
  });

  it("follow each other, whatever their sizes", () => {
    const sizes = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 100_000 }));
    const parts = fc.array(fc.oneof(fc.constantFrom(...REPLIES), sizes), { maxLength: 40 });
    fc.assert(
      fc.property(parts, fc.constantFrom<2 | 3>(2, 3), (replies, resp) => {
        const source = Buffer.alloc(100_001, "0123456789");
        const writes: Write[] = [];
        let expected = "";
        for (const reply of replies) {
          if (typeof reply === "number") {
            writes.push((r) => r.bulkRange(source, 1, reply));
            expected += `$${reply}\r\n${source.toString("latin1", 1, 1 + reply)}\r\n`;
          } else {
            writes.push(reply[1]);
            expected += (resp === 3 ? reply[3] : undefined) ?? reply[2];
          }
        }
        expect(write(resp, ...writes) === expected).toBe(true);
      }),
    );
  });

  it("of any safe integer are its digits", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(write(2, (r) => r.integer(value))).toBe(`:${value}\r\n`);
      }),
    );
  });

  it.each([0, 1, 9, 10, 12_345])("of %d elements get their header when all are written", (elements) => {
    const write = (reply: ReplyWriter, writeAll: () => void): string => {
      reply.resp = 3;
      reply.simple("before");
      writeAll();
      reply.simple("after");
      return reply.buf.toString("latin1", 0, reply.end);
    };
    const closed = new ReplyWriter();
    const headed = new ReplyWriter();
    const moved = new ReplyWriter();
    const add = (reply: ReplyWriter): void => {
      for (let i = 0; i < elements; i++) reply.bulkText(`element ${i}`);
    };
    const expected = write(headed, () => {
      headed.set(elements);
      add(headed);
    });
    expect(
      write(closed, () => {
        const place = closed.end;
        add(closed);
        closed.closeSet(place, elements);
      }),
    ).toBe(expected);
    expect(
      write(moved, () => {
        const place = moved.end;
        add(moved);
        const from = moved.end;
        moved.set(elements);
        moved.moveBefore(place, from);
      }),
    ).toBe(expected);
  });

  it.each([2, 3] as const)("are arrays and maps whose length is known at the end, in RESP%i", (resp) => {
    const closed = new ReplyWriter();
    const headed = new ReplyWriter();
    closed.resp = resp;
    headed.resp = resp;
    headed.map(1);
    headed.bulkText("key");
    headed.array(12);
    const map = closed.end;
    closed.bulkText("key");
    const array = closed.end;
    for (const reply of [headed, closed]) for (let i = 0; i < 12; i++) reply.integer(i);
    closed.closeArray(array, 12);
    closed.closeMap(map, 1);
    const text = (reply: ReplyWriter) => reply.buf.toString("latin1", 0, reply.end);
    expect(text(closed)).toBe(text(headed));
  });

  it("that are errors are counted", () => {
    const reply = new ReplyWriter();
    reply.ok();
    reply.error("ERR one");
    reply.error("ERR two");
    expect(reply.errors).toBe(2);
  });
});

describe("memory", () => {
  it("is not held by a writer that never wrote", () => {
    expect(new ReplyWriter().capacity).toBe(0);
  });

  it("grows to what a huge value needs, not to its double", () => {
    const reply = new ReplyWriter();
    const value = Buffer.alloc(128 * 1024 * 1024, "v");
    reply.ok();
    reply.bulk(value);
    reply.ok();
    expect(reply.capacity).toBeLessThan(1.3 * value.length);
    expect(reply.buf.toString("latin1", 0, 17)).toBe("+OK\r\n$134217728\r\n");
    expect(reply.buf.subarray(17, 17 + value.length).equals(value)).toBe(true);
    expect(reply.buf.toString("latin1", reply.end - 7, reply.end)).toBe("\r\n+OK\r\n");
  });

  it("has an end, told by a typed error, with what was written before intact", () => {
    const reply = new ReplyWriter();
    reply.ok();
    expect(() => reply.reserve(2 ** 31)).toThrow(ReplyTooLargeError);
    expect(written(reply)).toBe("+OK\r\n");
  });

  it("is given up, and not its writer, if he must come to his end", () => {
    const reply = new ReplyWriter();
    reply.ok();
    reply.begin(true, false);
    reply.integer(1);
    reply.begin(true, true);
    reply.integer(2);
    reply.reserve(2 ** 31 - 6);
    expect(reply.hasOverflowed).toBe(true);
    reply.integer(3);
    expect(written(reply)).toBe("+OK\r\n:3\r\n");
    // Never more than fits at all.
    expect(() => reply.reserve(2 ** 31)).toThrow(ReplyTooLargeError);
    reply.integer(4);
    reply.begin(false, false);
    expect(() => reply.reserve(2 ** 31 - 6)).toThrow(ReplyTooLargeError);
  });

  it("that was taken is not written to any more", () => {
    const reply = new ReplyWriter();
    reply.simple("first");
    const first = reply.take();
    reply.simple("second");
    const second = reply.take();
    reply.simple("third");
    expect([first.toString(), second.toString(), written(reply)]).toEqual([
      "+first\r\n",
      "+second\r\n",
      "+third\r\n",
    ]);
  });

  it("that was given back is used again", () => {
    const reply = new ReplyWriter();
    reply.simple("first");
    const first = reply.take();
    reply.simple("second");
    reply.giveBack(first);
    const second = reply.take();
    reply.simple("third");
    expect(reply.buf.buffer).toBe(first.buffer);
    expect(second.toString()).toBe("+second\r\n");
    expect(written(reply)).toBe("+third\r\n");
    reply.giveBack(second);
    expect(written(reply)).toBe("+third\r\n");
  });

  it("of one huge reply is given back when the next replies are small", () => {
    const reply = new ReplyWriter();
    reply.bulk(Buffer.alloc(1_000_000));
    reply.reset();
    reply.shrink();
    expect(reply.capacity).toBeGreaterThan(1_000_000);
    reply.simple("small");
    reply.shrink();
    expect(reply.capacity).toBeLessThanOrEqual(64 * 1024);
    expect(written(reply)).toBe("+small\r\n");
  });

  it("stays while huge replies go on", () => {
    const reply = new ReplyWriter();
    for (let i = 0; i < 3; i++) {
      reply.bulk(Buffer.alloc(1_000_000));
      reply.reset();
      reply.shrink();
      expect(reply.capacity).toBeGreaterThan(1_000_000);
    }
  });

  it("is given back by a writer that is no longer used", () => {
    const reply = new ReplyWriter();
    reply.ok();
    reply.reset();
    reply.shrink();
    expect(reply.capacity).toBeGreaterThan(0);
    reply.shrink();
    expect(reply.capacity).toBe(0);
    reply.ok();
    expect(written(reply)).toBe("+OK\r\n");
  });
});

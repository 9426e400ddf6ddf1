/** Requests whose own bytes are what the encoder would write, and all that only look like it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rawEnd, rawStart } from "../../src/protocol/raw-request.ts";
import { Request } from "../../src/protocol/request.ts";

/** The request as it lies in its encoded bytes, behind `before` and in front of `after`. */
function requestIn(args: readonly Uint8Array[], before: Uint8Array, after: Uint8Array) {
  const request = new Request();
  request.reserve(args.length);
  request.argc = args.length;
  const between: number[] = [];
  const pieces: Uint8Array[] = [before];
  let at = before.length;
  const append = (bytes: Uint8Array, isArgument: boolean) => {
    if (!isArgument) for (let i = 0; i < bytes.length; i++) between.push(at + i);
    pieces.push(bytes);
    at += bytes.length;
  };
  append(Buffer.from(`*${args.length}\r\n`), false);
  args.forEach((arg, i) => {
    append(Buffer.from(`$${arg.length}\r\n`), false);
    request.start[i] = at;
    request.len[i] = arg.length;
    append(arg, true);
    append(Buffer.from("\r\n"), false);
  });
  pieces.push(after);
  request.buf = Buffer.concat(pieces);
  return { request, between, end: at };
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: "max" });
const requests = fc.tuple(
  fc.oneof(
    fc.array(bytes(130), { minLength: 1, maxLength: 12 }),
    fc.array(bytes(3), { minLength: 95, maxLength: 120 }),
    fc.array(bytes(999), { minLength: 1, maxLength: 3 }),
  ),
  bytes(9),
  bytes(9),
);

describe("a request's own bytes", () => {
  test("are found where they are as the encoder would write them", () => {
    fc.assert(
      fc.property(requests, ([args, before, after]) => {
        const { request, end } = requestIn(args, before, after);
        expect(rawStart(request)).toBe(before.length);
        expect(rawEnd(request)).toBe(end);
      }),
    );
  });

  test("are not taken when any byte between the arguments is another", () => {
    fc.assert(
      fc.property(requests, fc.nat(), fc.integer({ min: 1, max: 255 }), (parts, place, difference) => {
        const { request, between } = requestIn(...parts);
        request.buf[between[place % between.length]] ^= difference;
        expect(rawStart(request)).toBe(-1);
      }),
    );
  });

  test("are not taken when they are cut off, too long, or none", () => {
    const { request, between } = requestIn(
      [Buffer.from("GET"), Buffer.from("k")],
      Buffer.alloc(0),
      Buffer.alloc(0),
    );
    const whole = request.buf;
    for (let length = 0; length < whole.length; length++) {
      request.buf = whole.subarray(0, length);
      expect(rawStart(request)).toBe(-1);
    }
    expect(between.length).toBeGreaterThan(0);
    expect(rawStart(Request.of("SET", "key", "value"))).toBe(-1);
    expect(rawStart(Request.of("*3\r\n$3\r\nSET"))).toBe(-1);
    expect(rawStart(new Request())).toBe(-1);
    const long = requestIn([Buffer.from("SET"), Buffer.alloc(1000)], Buffer.alloc(2), Buffer.alloc(2));
    expect(rawStart(long.request)).toBe(-1);
  });
});

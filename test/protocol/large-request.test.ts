/**
 * The memory that a large request arrives in: gone as soon as the request is consumed, or has moved to more room.
 */
import { expect, test } from "vitest";
import { REQUEST, RequestDecoder } from "../../src/protocol/request-decoder.ts";

const PACKET_BYTES = 64 * 1024;
const KEPT_BYTES = 256 * 1024;

test("a large request gives its memory back when it is consumed, and when it moves to a larger buffer", () => {
  const decoder = new RequestDecoder({ maxBulkLength: 2 ** 29, queryBufferLimit: 2 ** 30 });
  const value = Buffer.alloc(3_000_000, "value");
  const head = Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${value.length}\r\n`);
  const bytes = Buffer.concat([head, value, Buffer.from("\r\n*1\r\n$4\r\nPING\r\n")]);
  const requests: Buffer[][] = [];
  const buffers = new Set<Buffer>();
  for (let i = 0; i < bytes.length; i += PACKET_BYTES) {
    // The packet is overwritten as soon as it is settled.
    const packet = Buffer.from(bytes.subarray(i, i + PACKET_BYTES));
    decoder.feed(packet, 0, packet.length);
    while (decoder.next() === REQUEST) {
      const { request } = decoder;
      requests.push(Array.from({ length: request.argc }, (_, j) => Buffer.from(request.bytes(j))));
      if (request.buf !== packet) buffers.add(request.buf);
    }
    decoder.settle();
    packet.fill(0);
  }
  expect(requests.map((words) => words[0].toString())).toEqual(["SET", "PING"]);
  expect(requests[0][2].equals(value)).toBe(true);
  expect(buffers.size).toBeGreaterThan(0);
  for (const buffer of buffers) expect(buffer.length).toBeLessThanOrEqual(KEPT_BYTES);
  expect(decoder.bufferCapacity).toBe(0);
});

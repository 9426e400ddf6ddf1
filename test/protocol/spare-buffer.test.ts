/**
 * How the buffer of a connection grows with what arrives.
 */
import { expect, test } from "vitest";
import { grownSize } from "../../src/protocol/spare-buffer.ts";

const MEGABYTE = 1 << 20;

/** Size of the buffer when all of an argument has arrived in packets of that size. */
function finalSize(argumentBytes: number, packetBytes: number): number {
  let size = packetBytes;
  for (let arrived = packetBytes; arrived < argumentBytes; ) {
    const length = Math.min(packetBytes, argumentBytes - arrived);
    arrived += length;
    if (size < arrived) size = grownSize(arrived, argumentBytes, length);
  }
  return size;
}

test("a large argument takes the same, however it is cut into packets", () => {
  const packets = Array.from({ length: 650 }, (_, i) => 1000 + i * 99);
  expect(new Set(packets.map((bytes) => finalSize(MEGABYTE, bytes)))).toEqual(new Set([MEGABYTE + 65_536]));
});

test("a short argument has its room with the first packets, if that is no mere announcement", () => {
  expect(grownSize(20_000, MEGABYTE, 20_000)).toBe(MEGABYTE + 65_536);
  expect(grownSize(200, MEGABYTE, 100)).toBe(12_800);
});

test("there is no more room than four times what has arrived of a long argument, or twice what is not known", () => {
  expect(grownSize(3000, 512 * MEGABYTE, 1000)).toBe(12_000);
  expect(grownSize(3000, 0, 1000)).toBe(6000);
  expect(grownSize(3000, 2000, 1000)).toBe(6000);
});

/** Annotations and names of AOF files; the block line's bytes are fixed by an example. */
import { describe, expect, test } from "vitest";
import { crc32c } from "../../../src/base/checksum.ts";
import {
  ANNOTATION_MAX_BYTES,
  baseFileName,
  blockChecksum,
  blockLinePrefixLength,
  detectFormat,
  encodeBlockLine,
  encodeTimestampLine,
  incrFileName,
  manifestFileName,
  parseBlockLine,
  parseTimestampLine,
  temporaryFileName,
} from "../../../src/persistence/aof/format.ts";

describe("block lines", () => {
  const block = Buffer.from("*1\r\n$4\r\nPING\r\n");

  test("golden bytes", () => {
    const place = { length: block.length, synced: 16, offset: 30 };
    const lines = [undefined, 0, 7].map((db) => encodeBlockLine({ ...place, db }, crc32c(block)).toString());
    expect(lines).toEqual([
      "#BLOCK:14:bc3555a5:16\r\n",
      "#BLOCK:14:e8351af3:16:0\r\n",
      "#BLOCK:14:f135a239:16:7\r\n",
    ]);
  });

  test("belong to one place of the file", () => {
    const place = { length: 14, synced: 16, db: 0, offset: 30 };
    expect(blockChecksum(1, place)).not.toBe(blockChecksum(1, { ...place, offset: 31 }));
    expect(blockChecksum(1, place)).not.toBe(blockChecksum(1, { ...place, db: undefined }));
    expect(parseBlockLine(encodeBlockLine(place, 1).toString())).toEqual({
      length: 14,
      synced: 16,
      db: 0,
      checksum: blockChecksum(1, place),
    });
  });

  test("come back, and their checksum covers block, length and synced offset", () => {
    const place = { length: 14, synced: 2 ** 45, offset: 30 };
    const line = encodeBlockLine(place, crc32c(block)).toString();
    const parsed = parseBlockLine(line)!;
    expect(parsed).toMatchObject({ length: 14, synced: 2 ** 45 });
    expect(parsed.checksum).toBe(blockChecksum(crc32c(block), place));
    expect(parsed.checksum).toBe(crc32c(Buffer.concat([block, Buffer.from(`14:${2 ** 45}:@30`)])));
    expect(line.length).toBeLessThanOrEqual(ANNOTATION_MAX_BYTES);
  });

  test.each([
    "#BLOCK:14:ea11426d:16\n",
    "#BLOCK:014:ea11426d:16\r\n",
    "#BLOCK:14:EA11426D:16\r\n",
    "#BLOCK:14:ea11426:16\r\n",
    "#BLOCK:-1:ea11426d:16\r\n",
    "#BLOCK:14:ea11426d\r\n",
    "#BLOCK:9999999999999999:ea11426d:16\r\n",
    "#BLOCKS:14:ea11426d:16\r\n",
    "#BLOCK:14:ea11426d:16:\r\n",
    "#BLOCK:14:ea11426d:16:01\r\n",
  ])("%j is none", (line) => {
    expect(parseBlockLine(line)).toBeUndefined();
  });

  test("how far a damaged one is right", () => {
    expect(blockLinePrefixLength("#BLOCK:14:ea11426d:16\r\n")).toBe(23);
    expect(blockLinePrefixLength("#BLOCK:14:ea11426d:16\rx\n")).toBe(22);
    expect(blockLinePrefixLength("#BLOCK:1x:ea11426d:16\r\n")).toBe(8);
    expect(blockLinePrefixLength("#BLOCK;")).toBe(0);
  });
});

test("timestamps", () => {
  expect(encodeTimestampLine(1700000000).toString()).toBe("#TS:1700000000\r\n");
  expect(parseTimestampLine("#TS:1700000000\r\n")).toBe(1700000000);
  for (const line of ["#TS:\r\n", "#TS:1x\r\n", "#TS:1", "#T:1\r\n"])
    expect(parseTimestampLine(line)).toBeUndefined();
});

test("names", () => {
  expect(baseFileName("appendonly.aof", 3, "rdb")).toBe("appendonly.aof.3.base.rdb");
  expect(baseFileName("appendonly.aof", 3, "aof")).toBe("appendonly.aof.3.base.aof");
  expect(incrFileName("appendonly.aof", 4)).toBe("appendonly.aof.4.incr.aof");
  expect(temporaryFileName(manifestFileName("appendonly.aof"))).toBe("temp-appendonly.aof.manifest");
});

test("formats", () => {
  expect(detectFormat(Buffer.from("REDIS0010"))).toBe("rdb");
  expect(detectFormat(Buffer.from("REDI"))).toBe("aof");
  expect(detectFormat(Buffer.from("*1\r\n$4\r\n"))).toBe("aof");
});

/**
 * A piece that is missing in the middle of a file of blocks: it is told from a torn end, and what follows it is found.
 * Method: pieces of any size are cut out of files in which nothing is known to be synced, so nothing else shows it.
 */
import { describe, expect, test } from "vitest";
import { crc32c } from "../../../src/base/checksum.ts";
import { SeededRandom } from "../../../src/base/random.ts";
import { findDisplaced } from "../../../src/persistence/aof/displaced-blocks.ts";
import { encodeBlockLine } from "../../../src/persistence/aof/format.ts";
import { planSalvage } from "../../../src/persistence/aof/salvage.ts";
import { usualSeed } from "../../support/seed.ts";
import { memoryFile } from "../memory-file.ts";
import { BlockFile, command, readAll } from "./aof-files.ts";

const BLOCKS = 40;
const CASES = 25;

function fileOf(valueBytes: number, random: SeededRandom): BlockFile {
  const file = new BlockFile();
  for (let i = 0; i < BLOCKS; i++)
    file.block(command("SET", `key${i}`, "v".repeat(1 + random.below(valueBytes))), 0, 0);
  return file;
}

function without(bytes: Buffer, start: number, end: number): Buffer {
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
}

/** The first block that is whole behind an offset. */
function firstBehind(file: BlockFile, offset: number): number {
  return file.ends.findIndex((end) => end >= offset) + 1;
}

test("wherever a piece is missing, the blocks behind it are found, and how much is missing", async () => {
  const random = new SeededRandom(usualSeed());
  for (let i = 0; i < CASES; i++) {
    const file = fileOf(i % 2 === 0 ? 200 : 20_000, random);
    const start = random.below(file.ends[BLOCKS - 10]);
    const end = Math.min(start + 1 + random.below(8000), file.ends[BLOCKS - 4]);
    const bytes = without(file.bytes, start, end);
    const missingBytes = end - start;
    // Where the piece ends with a block, the line behind it is the first.
    const behind = firstBehind(file, end);
    const blockEnds = file.ends.map((each) => each - missingBytes);
    const found = await findDisplaced(memoryFile(bytes), 0, bytes.length);
    expect(found).toEqual({ start: expect.any(Number), db: 0, missingBytes });
    expect([blockEnds[behind - 1], blockEnds[behind]]).toContain(found!.start);
    const { outcome } = await readAll(bytes);
    expect(outcome.kind).toBe("damaged");
    expect(outcome.validUpTo).toBe(file.ends.filter((each) => each <= start).at(-1) ?? 16);
  }
});

test("a piece of hundreds of megabytes", async () => {
  const lines = [400_000_000, 400_000_100].map((offset, i) => {
    const content = command("SET", "key", "v".repeat(i === 0 ? 500 : 62));
    return Buffer.concat([
      content,
      encodeBlockLine({ length: content.length, synced: 0, offset }, crc32c(content)),
    ]);
  });
  const before = new BlockFile().block(command("SET", "a", "1"));
  const second = 400_000_000 + lines[0].length - lines[0].lastIndexOf("#BLOCK");
  const content = command("SET", "key", "v".repeat(100));
  const offset = second + content.length;
  const next = Buffer.concat([
    content,
    encodeBlockLine({ length: content.length, synced: 0, offset }, crc32c(content)),
  ]);
  const bytes = Buffer.concat([before.bytes, lines[0], next]);
  const found = await findDisplaced(memoryFile(bytes), 0, bytes.length);
  const missingBytes = 400_000_000 - (before.bytes.length + lines[0].lastIndexOf("#BLOCK"));
  expect(found).toEqual({ start: before.bytes.length, db: undefined, missingBytes });
});

describe("no displaced blocks are", () => {
  test("those of a whole file, whether it is damaged elsewhere or not", async () => {
    const { bytes } = fileOf(300, new SeededRandom(1));
    expect(await findDisplaced(memoryFile(bytes), 0, bytes.length)).toBeUndefined();
    for (let at = 20; at < bytes.length; at += 97) {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 4;
      expect(await findDisplaced(memoryFile(damaged), 0, damaged.length)).toBeUndefined();
      expect((await readAll(damaged)).outcome.kind).toBe("torn");
    }
  });

  test("those of a whole file that a value holds, which a power cut has torn", async () => {
    const inner = fileOf(300, new SeededRandom(2)).bytes;
    const file = new BlockFile().block(command("SET", "a", "1"));
    const before = file.bytes.length;
    file.block(command("SET", "backup", inner));
    const torn = Buffer.from(file.bytes);
    torn.fill(0, before, before + 5);
    expect((await readAll(torn)).outcome).toMatchObject({ kind: "torn", validUpTo: before });
    const cut = await readAll(file.bytes.subarray(0, file.bytes.length - 100));
    expect(cut.outcome).toMatchObject({ kind: "truncated", validUpTo: before });
  });
});

test("a length that became larger than the rest of the file does not swallow what was synced", async () => {
  const file = new BlockFile().block(command("SET", "key", "v".repeat(100)));
  for (let i = 0; i < 4; i++) file.block(command("SET", `k${i}`, "v"), file.bytes.length);
  const bytes = Buffer.from(file.bytes);
  bytes.write("$900", bytes.indexOf("$100"));
  expect((await readAll(bytes)).outcome).toMatchObject({ kind: "damaged", validUpTo: 16 });
});

test("a salvage keeps blocks behind a missing piece if it is told to, and says what it leaves out otherwise", async () => {
  const file = fileOf(200, new SeededRandom(3));
  const bytes = without(file.bytes, file.ends[9] + 5, file.ends[11] + 5);
  const missing = file.ends[11] - file.ends[9];
  const usual = await planSalvage(memoryFile(bytes));
  expect(usual.kept.map(({ commands }) => commands)).toEqual([10]);
  expect(usual.lost).toEqual([
    expect.objectContaining({ kind: "damaged", start: file.ends[9] }),
    expect.objectContaining({
      kind: "doubtful",
      end: bytes.length,
      reason: `27 commands in intact blocks, before which ${missing} bytes of the file are missing`,
    }),
  ]);
  const all = await planSalvage(memoryFile(bytes), { keepsDoubtful: true });
  expect(all.kept.map(({ commands }) => commands)).toEqual([10, 27]);
  expect(all.lost).toHaveLength(1);
});

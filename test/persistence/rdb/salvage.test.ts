/**
 * Salvage of RDB files under any damage: what comes out has no key twice and can be loaded, and what the damage is far
 * from is there. Values hold bytes that read as entries.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FileHandle } from "../../../src/base/files.ts";
import type { RdbEntry } from "../../../src/persistence/rdb/reader.ts";
import { type LostPart, salvageRdb } from "../../../src/persistence/rdb/salvage.ts";
import { newScratchMemory } from "../../../src/persistence/rdb/value-check.ts";
import { RdbWriter } from "../../../src/persistence/rdb/writer.ts";
import { usualSeed } from "../../support/seed.ts";
import { memoryFile } from "../memory-file.ts";

const KEYS = 60;

/** A value with entries in it that never were: a whole RDB, or strings one behind the other. */
function deceiving(i: number): Buffer {
  const fake = Buffer.from(`\0\x04fake\x05value`.repeat(3), "latin1");
  return i % 3 === 0 ? Buffer.concat([fake, Buffer.alloc(i, 0x80)]) : Buffer.from(`value ${i} `.repeat(3));
}

async function write(appendEntries: (writer: RdbWriter) => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const writer = new RdbWriter(
    async (chunk) => {
      chunks.push(Buffer.from(chunk));
    },
    { compress: false },
  );
  writer.appendHeader();
  writer.selectDb(0);
  appendEntries(writer);
  writer.appendEnd();
  await writer.drain();
  return Buffer.concat(chunks);
}

function file(): Promise<Buffer> {
  return write((writer) => {
    for (let i = 0; i < KEYS; i++) {
      const [key, value] = [Buffer.from(`key:${i}`), deceiving(i)];
      writer.appendString(key, 0, key.length, value, 0, value.length);
    }
  });
}

const smallKeys = Array.from({ length: 20 }, (_, i) => `key:${String(i).padStart(2, "0")}`);

/** A file with this value and then small ones: the entry of each of these has 12 bytes. */
async function largeAndSmall(value: Buffer): Promise<Buffer> {
  return write((writer) => {
    const small = Buffer.from("abc!");
    writer.appendString(Buffer.from("large"), 0, 5, value, 0, value.length);
    for (const key of smallKeys) writer.appendString(Buffer.from(key), 0, key.length, small, 0, 3);
  });
}

async function salvage(file: FileHandle): Promise<{ entries: RdbEntry[]; lost: LostPart[] }> {
  const entries: RdbEntry[] = [];
  const lost: LostPart[] = [];
  for await (const part of salvageRdb(file, { memory: newScratchMemory() })) {
    if (part.kind === "entry") entries.push(part);
    if (part.kind === "lost") lost.push(part);
  }
  return { entries, lost };
}

describe("salvage", () => {
  test("of a whole file loses nothing", async () => {
    const { entries, lost } = await salvage(memoryFile(await file()));
    expect([entries.length, lost]).toEqual([KEYS, []]);
  });

  test("of a damaged one: no key twice, few that never were, and what is far from the damage", async () => {
    const whole = await file();
    const damage = fc.record({
      at: fc.nat(whole.length - 1),
      length: fc.constantFrom(1, 1, 2, 40, 300),
      byte: fc.constantFrom(0, 1, 0x40, 0x80, 0xff),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, length, byte }) => {
        const damaged = Buffer.from(whole);
        for (let i = at; i < Math.min(whole.length, at + length); i++) damaged[i] ^= byte;
        const { entries, lost } = await salvage(memoryFile(damaged));
        const keys = entries.map(({ db, key }) => `${db} ${key.toString("latin1")}`);
        expect(new Set(keys).size).toBe(keys.length);
        const good = entries.filter(({ key, value }) => {
          const i = Number(key.toString().slice(4));
          return key.toString().startsWith("key:") && value?.equals(deceiving(i)) === true;
        });
        expect(entries.length - good.length).toBeLessThanOrEqual(2);
        expect(good.length).toBeGreaterThanOrEqual(KEYS - 30);
        // Files of old versions have no checksum.
        if (at > 8 && !damaged.equals(whole)) expect(lost.length).toBeGreaterThan(0);
      }),
      { numRuns: 150, seed: usualSeed() },
    );
  });

  test("of what lies behind a large value reads the file by the megabyte, wherever its pieces end", async () => {
    for (const fill of [0, 7, 0x61]) {
      for (let over = -3; over <= 3; over++) {
        const value = Buffer.alloc((1 << 20) + over, fill);
        // The search begins behind the first byte of the value's entry, whose head has 12 bytes.
        const damagedAt = 9 + 2 + 12 + value.length;
        const bytes = await largeAndSmall(value);
        bytes[damagedAt] = 0xee;
        let reads = 0;
        const file = memoryFile(bytes);
        const counted = {
          ...file,
          read(target: Uint8Array, position: number): Promise<number> {
            reads++;
            return file.read(target, position);
          },
        };
        const { entries, lost } = await salvage(counted);
        expect(entries.map(({ key }) => key.toString())).toEqual(["large", ...smallKeys.slice(1)]);
        expect(lost.map(({ start, end }) => [start, end])).toEqual([[damagedAt, damagedAt + 12]]);
        expect(reads).toBeLessThan(200);
      }
    }
  });

  test("tells how far both readings of the file have come", async () => {
    const bytes = await largeAndSmall(Buffer.alloc(5 << 20, "x"));
    bytes[bytes.indexOf("key:10")] = 0xee;
    const told: number[] = [];
    const options = { memory: newScratchMemory(), onProgress: (position: number) => told.push(position) };
    const half = bytes.length / 2;
    let isFirst = true;
    for await (const _ of salvageRdb(memoryFile(bytes), options)) {
      if (isFirst) expect(told.at(-1)).toBeGreaterThan(half);
      isFirst = false;
    }
    expect(told.filter((position) => position < half).length).toBeGreaterThan(10);
    expect(told.at(-1)).toBeGreaterThan(bytes.length * 0.99);
  });
});

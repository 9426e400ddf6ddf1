/**
 * Salvage of RDB files under any damage: what comes out has no key twice and can be loaded, and what the damage is far
 * from is there. Values hold bytes that read as entries.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
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

async function file(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const writer = new RdbWriter(
    async (chunk) => {
      chunks.push(Buffer.from(chunk));
    },
    { compress: false },
  );
  writer.appendHeader();
  writer.selectDb(0);
  for (let i = 0; i < KEYS; i++) {
    const [key, value] = [Buffer.from(`key:${i}`), deceiving(i)];
    writer.appendString(key, 0, key.length, value, 0, value.length);
  }
  writer.appendEnd();
  await writer.drain();
  return Buffer.concat(chunks);
}

async function salvage(bytes: Buffer): Promise<{ entries: RdbEntry[]; lost: LostPart[] }> {
  const entries: RdbEntry[] = [];
  const lost: LostPart[] = [];
  for await (const part of salvageRdb(memoryFile(bytes), { memory: newScratchMemory() })) {
    if (part.kind === "entry") entries.push(part);
    if (part.kind === "lost") lost.push(part);
  }
  return { entries, lost };
}

describe("salvage", () => {
  test("of a whole file loses nothing", async () => {
    const { entries, lost } = await salvage(await file());
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
        const { entries, lost } = await salvage(damaged);
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
});

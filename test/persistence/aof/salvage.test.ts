/**
 * What a salvage keeps of damaged files. In files of blocks that is exact: for any damage that leaves the other bytes
 * where they are, all blocks that it does not touch, and nothing else. In files without checksums: what the heuristic
 * promises, with values made to deceive it.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32c } from "../../../src/base/checksum.ts";
import { encodeBlockLine, encodeTimestampLine } from "../../../src/persistence/aof/format.ts";
import { fitsArity, knownCommand, knownCommandNames } from "../../../src/persistence/aof/known-commands.ts";
import { planSalvage, type SalvageOptions, type SalvagePlan } from "../../../src/persistence/aof/salvage.ts";
import { hasRedisServer, withRedisServer } from "../../support/redis-server.ts";
import { usualSeed } from "../../support/seed.ts";
import { removeFolder, temporaryFolder } from "../../support/temporary-folder.ts";
import { memoryFile } from "../memory-file.ts";
import { BlockFile, command, readAll } from "./aof-files.ts";

const runs = { numRuns: 300, seed: usualSeed() };

function plan(bytes: Buffer, options: SalvageOptions = {}): Promise<SalvagePlan> {
  return planSalvage(memoryFile(bytes), options);
}

/** The commands in the parts that are kept, arguments joined by blanks; "@n" where a database must be selected. */
async function keptCommands(bytes: Buffer, found: SalvagePlan): Promise<string[]> {
  const commands: string[] = [];
  for (const { start, end, db } of found.kept) {
    if (db !== undefined) commands.push(`@${db}`);
    const options = { start, end, inBlocks: found.hasBlocks && start > 0 };
    const { commands: read, outcome } = await readAll(bytes.subarray(0, end), options);
    expect(outcome.validUpTo).toBe(end);
    commands.push(...read);
  }
  return commands;
}

async function salvaged(bytes: Buffer, options: SalvageOptions = {}): Promise<string[]> {
  return keptCommands(bytes, await plan(bytes, options));
}

/** A whole file of blocks that a value may hold. */
function innerFile(): Buffer {
  return new BlockFile()
    .block(command("SET", "inner", "1"), 16)
    .block(Buffer.concat([command("SET", "inner", "2"), command("DEL", "outer")]), 16, 0).bytes;
}

/** Values that look like what a salvage looks for. */
const nastyValue = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(
    innerFile(),
    innerFile().subarray(16),
    Buffer.concat([Buffer.from("text\r\n"), innerFile(), Buffer.from("\r\n")]),
    command("SET", "fake", "1"),
    Buffer.concat([Buffer.from("\r\n"), command("FLUSHALL"), command("SET", "fake", "2")]),
    encodeBlockLine({ length: 0, synced: 16, offset: 16 }, 0),
    Buffer.from("\r\n#BLOCK:0:00000000:0\r\n"),
  ),
);

const block = fc.record({
  commands: fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), nastyValue), { minLength: 1, maxLength: 4 }),
  db: fc.constantFrom(undefined, 0, 3),
});

interface BuiltFile {
  readonly bytes: Buffer;
  readonly ends: readonly number[];
  /** The commands of each block. */
  readonly blocks: readonly (readonly string[])[];
}

function build(blocks: readonly { commands: [string, Buffer][]; db: number | undefined }[]): BuiltFile {
  const file = new BlockFile();
  const texts: string[][] = [];
  for (const { commands } of blocks) {
    const parts = commands.map(([key, value]) => ["SET", key, value] as const);
    file.block(Buffer.concat(parts.map((part) => command(...part))), file.bytes.length, 0);
    texts.push(parts.map(([name, key, value]) => `${name} ${key} ${value.toString("latin1")}`));
  }
  return { bytes: file.bytes, ends: file.ends, blocks: texts };
}

describe("a file of blocks", () => {
  const damage = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.constantFrom(1, 1, 1, 7, 64, 512),
    kind: fc.constantFrom("flip", "zero", "noise"),
    noise: fc.integer({ min: 1, max: 255 }),
  });

  test("keeps exactly the blocks that the damage does not touch", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(block, { minLength: 2, maxLength: 12 }),
        fc.array(damage, { minLength: 1, maxLength: 3 }),
        async (blocks, damages) => {
          const { bytes, ends, blocks: texts } = build(blocks);
          const damaged = Buffer.from(bytes);
          for (const { at, length, kind, noise } of damages) {
            const start = Math.floor(at * (bytes.length - 1));
            for (let i = start; i < Math.min(bytes.length, start + length); i++)
              damaged[i] = kind === "zero" ? 0 : damaged[i] ^ (kind === "flip" ? 1 << (noise % 8) : noise);
          }
          const isSame = (from: number, to: number) =>
            damaged.subarray(from, to).equals(bytes.subarray(from, to));
          const expected = texts.flatMap((each, i) => {
            const isIntact = isSame(i === 0 ? 16 : ends[i - 1], ends[i]);
            return isIntact ? each : [];
          });
          // Behind the last block there may be commands without a line: a crash leaves them, too.
          const last = texts.at(-1)!;
          const found = await plan(damaged);
          const kept = (await keptCommands(damaged, found)).filter((each) => !each.startsWith("@"));
          if (kept.length > expected.length) expect(kept).toEqual([...expected, ...last]);
          else expect(kept).toEqual(expected);
          const isWhole = isSame(0, bytes.length);
          expect(found.lost.length === 0).toBe(isWhole);
        },
      ),
      runs,
    );
  });

  test("a command goes on in the database that its block names", async () => {
    const file = new BlockFile()
      .block(Buffer.concat([command("SELECT", "0"), command("SET", "a", "1")]), 16)
      .block(Buffer.concat([command("SELECT", "7"), command("SET", "b", "2")]), 16, 0)
      .block(command("SET", "c", "3"), 16, 7);
    const damaged = Buffer.from(file.bytes);
    damaged[damaged.indexOf("SELECT\r\n$1\r\n7")] ^= 1;
    expect(await salvaged(damaged)).toEqual(["SELECT 0", "SET a 1", "@7", "SET c 3"]);
  });

  test("a transaction that lost its middle or its beginning goes as a whole", async () => {
    const file = new BlockFile()
      .block(Buffer.concat([command("SET", "a", "1"), command("MULTI"), command("SET", "b", "2")]), 16, 0)
      .block(command("SET", "c", "3"), 16, 0)
      .block(Buffer.concat([command("SET", "d", "4"), command("EXEC")]), 16, 0)
      .block(command("SET", "e", "5"), 16, 0);
    for (const lost of ["SET\r\n$1\r\nc", "SET\r\n$1\r\nb"]) {
      const damaged = Buffer.from(file.bytes);
      damaged[damaged.indexOf(lost)] ^= 1;
      const kept = await salvaged(damaged);
      expect(kept.filter((each) => /[bcd]/.test(each))).toEqual([]);
      expect(kept).toContain("SET e 5");
    }
  });

  test("is recognised when its first line is damaged", async () => {
    const { bytes, blocks } = build([
      { commands: [["a", Buffer.from("1")]], db: 0 },
      { commands: [["b", Buffer.from("2")]], db: 0 },
    ]);
    const damaged = Buffer.from(bytes);
    damaged.fill(0, 0, 10);
    const found = await plan(damaged);
    expect(found.lost).toMatchObject([{ start: 0, end: 16, reason: "The file's first line is damaged" }]);
    expect((await keptCommands(damaged, found)).filter((each) => !each.startsWith("@"))).toEqual(
      blocks.flat(),
    );
  });

  test.each(["#TSREDIS-AOF:3\r\n", "#TSREDIS-AOF:2\n\n"])(
    "is recognised by its blocks with the first line %j",
    async (line) => {
      const { bytes, blocks } = build([
        { commands: [["a", Buffer.from("1")]], db: 0 },
        { commands: [["b", Buffer.from("2")]], db: 0 },
      ]);
      const damaged = Buffer.concat([Buffer.from(line), bytes.subarray(line.length)]);
      const found = await plan(damaged);
      expect(found).toMatchObject({ hasBlocks: true, refusal: undefined, lost: [{ start: 0, end: 16 }] });
      expect((await keptCommands(damaged, found)).filter((each) => !each.startsWith("@"))).toEqual(
        blocks.flat(),
      );
      for (const rest of ["", "#".repeat(495) + "\n", "\0\0\0"]) {
        const empty = await plan(Buffer.from(line + rest));
        expect(empty).toMatchObject({ hasBlocks: true, refusal: undefined, kept: [], lost: [{ start: 0 }] });
      }
    },
  );

  test("a tail without block line, and one of zeros", async () => {
    const whole = build([{ commands: [["a", Buffer.from("1")]], db: 0 }]).bytes;
    const tail = Buffer.concat([whole, command("SET", "b", "2"), command("SET", "c", "3").subarray(0, 9)]);
    expect(await salvaged(tail)).toEqual(["SET a 1", "SET b 2"]);
    const zeros = await plan(Buffer.concat([whole, Buffer.alloc(9000)]));
    expect(zeros.lost).toMatchObject([{ start: whole.length, kind: "zeros" }]);
  });

  test("of another format is refused", async () => {
    expect((await plan(Buffer.from("#TSREDIS-AOF:9\r\n*1\r\n"))).refusal).toContain("Unknown version");
  });
});

describe("a file without checksums", () => {
  const many = Buffer.concat(Array.from({ length: 30 }, (_, i) => command("SET", `k${i}`, "x".repeat(i))));
  const start = Buffer.concat([command("SELECT", "0"), command("SET", "first", "1")]);

  test("that is whole stays as it is, whatever its values", async () => {
    const bytes = Buffer.concat([start, command("SET", "v", innerFile()), command("SET", "w", many), many]);
    const found = await plan(bytes);
    expect([found.lost, found.kept.length]).toEqual([[], 1]);
  });

  test.each([
    ["a length that shrank", "$20\r\nvalue", "$10\r\nvalue"],
    ["a length that grew", "$20\r\nvalue", "$90\r\nvalue"],
    ["a length that is none", "$20\r\nvalue", "$2\0\r\nvalue"],
    ["a lost dollar", "$20\r\nvalue", "%20\r\nvalue"],
    ["a lost asterisk", "*3\r\n$3\r\nSET\r\n$3\r\nbad", "+3\r\n$3\r\nSET\r\n$3\r\nbad"],
    ["more arguments", "*3\r\n$3\r\nSET\r\n$3\r\nbad", "*4\r\n$3\r\nSET\r\n$3\r\nbad"],
    ["fewer arguments", "*3\r\n$3\r\nSET\r\n$3\r\nbad", "*2\r\n$3\r\nSET\r\n$3\r\nbad"],
    ["another command", "SET\r\n$3\r\nbad", "SDT\r\n$3\r\nbad"],
    ["a lost line end", "\r\n$20\r\nvalue", "\r $20\r\nvalue"],
  ])("%s costs that command", async (_, good, bad) => {
    const command20 = command("SET", "bad", `value${"y".repeat(15)}`);
    const bytes = Buffer.concat([start, command20, many]);
    const at = bytes.indexOf(good);
    const damaged = Buffer.from(bytes);
    Buffer.from(bad, "latin1").copy(damaged, at);
    const found = await plan(damaged);
    const kept = (await keptCommands(damaged, found)).filter((each) => !each.startsWith("@"));
    expect(kept).toEqual([...(await readAll(start)).commands, ...(await readAll(many)).commands]);
    expect(found.lost.reduce((sum, { start: a, end }) => sum + end - a, 0)).toBe(command20.length);
  });

  const nasty: [string, Buffer][] = [
    ["commands", many],
    ["text and commands", Buffer.concat([Buffer.from("some text\r\n"), many])],
    ["commands and text", Buffer.concat([many, Buffer.from("and some text")])],
    ["a log that was cut off", Buffer.concat([many, many.subarray(0, 50)])],
    ["commands within a value within a value", command("SET", "deep", command("SET", "deeper", many))],
    ["text, commands, text", Buffer.concat([Buffer.from("a\r\nb\r\n"), many, Buffer.from("\r\nc\r\n")])],
    ["an EXEC", Buffer.concat([Buffer.from("\r\n"), command("EXEC"), command("FLUSHALL")])],
  ];

  test.each(nasty)("never takes out of a value: %s", async (_, value) => {
    const command20 = command("SET", "bad", value);
    const after = Buffer.concat([command("SET", "after", "1"), command("SET", "after", "2")]);
    const bytes = Buffer.concat([start, command20, after]);
    const from = start.length;
    const header = command20.indexOf(value) + from;
    // Any bit of the command's own frame.
    for (let bit = from * 8; bit < header * 8; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] ^= 1 << (bit & 7);
      const kept = await salvaged(damaged);
      expect(
        kept.filter((each) => /^SET k|^FLUSHALL|^SET deep|^EXEC/.test(each)),
        `bit ${bit}`,
      ).toEqual([]);
      expect(kept.at(-1), `bit ${bit}`).toBe("SET after 2");
    }
  });

  test("a run between two damaged places counts if it is long", async () => {
    const long = Buffer.concat(
      Array.from({ length: 200 }, (_, i) => command("SET", `k${i}`, "x".repeat(400))),
    );
    for (const [run, isKept] of [
      [many, false],
      [long, true],
    ] as const) {
      const bad = command("SET", "bad", "value");
      const bytes = Buffer.concat([start, bad, run, bad, command("SET", "last", "1")]);
      bytes[start.length] ^= 1;
      bytes[start.length + bad.length + run.length + 4] ^= 1;
      const kept = await salvaged(bytes);
      expect(kept.some((each) => each.startsWith("SET k1 "))).toBe(isKept);
      expect(kept.at(-1)).toBe("SET last 1");
      const found = await plan(bytes);
      expect(found.lost.some(({ kind }) => kind === "doubtful")).toBe(!isKept);
      expect(await salvaged(bytes, { keepsDoubtful: true })).toContain(
        "SET k1 x".padEnd(isKept ? 407 : 8, "x"),
      );
    }
  });

  test("transactions stay whole", async () => {
    const group = [command("MULTI"), command("SET", "g", "1"), command("SET", "g", "2"), command("EXEC")];
    const bytes = Buffer.concat([start, ...group, many]);
    const whole = (await readAll(bytes)).commands.length;
    for (let bit = start.length * 8; bit < (start.length + Buffer.concat(group).length) * 8; bit++) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3] ^= 1 << (bit & 7);
      const kept = await salvaged(damaged);
      const words = kept.map((each) => each.split(" ")[0].toUpperCase());
      expect(words.filter((each) => each === "MULTI").length, `bit ${bit}`).toBe(
        words.filter((each) => each === "EXEC").length,
      );
      // What was flipped inside a value nobody can see.
      if (kept.length === whole) continue;
      const inside = kept.filter((each) => each.startsWith("SET g"));
      expect(inside, `bit ${bit}`).toEqual([]);
      expect(kept.at(-1)).toBe(`SET k29 ${"x".repeat(29)}`);
    }
  });

  test("behind a gap the database must be known", async () => {
    const bad = command("SET", "bad", "value");
    const other = Buffer.concat([command("SELECT", "4"), command("SET", "in4", "1")]);
    const bytes = Buffer.concat([
      start,
      other,
      bad,
      command("SET", "where", "1"),
      command("SELECT", "0"),
      many,
    ]);
    bytes[start.length + other.length] ^= 1;
    const found = await plan(bytes);
    expect(found.lost.map(({ kind }) => kind)).toEqual(["damaged", "database"]);
    expect(await keptCommands(bytes, found)).not.toContain("SET where 1");
    const assumed = await salvaged(bytes, { assumedDatabase: 4 });
    expect(assumed[assumed.indexOf("SET where 1") - 1]).toBe("@4");
    const single = Buffer.concat([start, bad, command("SET", "where", "1")]);
    single[start.length] ^= 1;
    expect((await salvaged(single)).slice(-2)).toEqual(["@0", "SET where 1"]);
  });

  test("timestamps stay, and unknown commands if that is wanted", async () => {
    const bytes = Buffer.concat([start, encodeTimestampLine(5), command("MY.COMMAND", "k"), many]);
    expect(await salvaged(bytes)).not.toContain("MY.COMMAND k");
    expect(await salvaged(bytes, { keepsUnknown: true })).toContain("MY.COMMAND k");
    expect((await plan(bytes, { keepsUnknown: true })).lost).toEqual([]);
  });

  test("any flipped bit: nothing that was not there, and all that is far from it", async () => {
    const bytes = Buffer.concat([start, command("SET", "v", innerFile()), many]);
    const all = new Set((await readAll(bytes)).commands);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
        const damaged = Buffer.from(bytes);
        damaged[bit >> 3] ^= 1 << (bit & 7);
        const kept = (await salvaged(damaged)).filter((each) => !each.startsWith("@"));
        // What was flipped inside a value nobody can see.
        const changed = kept.filter((each) => !all.has(each));
        expect(changed.length).toBeLessThanOrEqual(1);
        const missing = [...all].filter((each) => !kept.includes(each));
        expect(missing.length).toBeLessThanOrEqual(2);
      }),
      runs,
    );
  });
});

test("checksums of blocks belong to their place", () => {
  const content = command("SET", "k", "v");
  const place = { length: content.length, synced: 0, db: 0, offset: 100 };
  const here = encodeBlockLine(place, crc32c(content));
  expect(here.equals(encodeBlockLine({ ...place, offset: 101 }, crc32c(content)))).toBe(false);
});

describe("the list of commands", () => {
  test("knows how many arguments there may be", () => {
    expect(fitsArity(knownCommand("set")!, 2)).toBe(false);
    expect(fitsArity(knownCommand("set")!, 5)).toBe(true);
    expect(fitsArity(knownCommand("exec")!, 2)).toBe(false);
    expect(knownCommand("xgroup|create")).toMatchObject({ firstKey: 2 });
  });

  test.skipIf(!hasRedisServer)("is Redis's", async () => {
    const folder = temporaryFolder();
    try {
      await withRedisServer([], folder, async (client) => {
        type Row = [string, number, unknown, number];
        const rows = (await client.call("COMMAND")) as Row[];
        const wrong = rows.filter(([name, arity, , firstKey]) => {
          const known = knownCommand(name);
          if (known === undefined) return !knownCommandNames().some((each) => each.startsWith(`${name}|`));
          return known.arity !== arity || known.firstKey !== firstKey;
        });
        expect(rows.length).toBeGreaterThan(200);
        expect(wrong.map(([name]) => name)).toEqual([]);
      });
    } finally {
      removeFolder(folder);
    }
  });
});

/**
 * The AOF reader: what it yields and what it says of files that are whole, cut, torn by a power cut, or damaged.
 * Chunks are tiny in most tests, so that everything is cut by a chunk's end somewhere.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { BLOCKS_HEADER, encodeFilling, encodeTimestampLine } from "../../../src/persistence/aof/format.ts";
import { BlockFile, command, readAll } from "./aof-files.ts";

/** Numbered commands, some in transactions, so that "a prefix, nothing twice" can be seen. */
function numbered(from: number, count: number, valueBytes = 50): Buffer {
  const parts: Buffer[] = [];
  for (let i = from; i < from + count; i++) {
    if (i % 7 === 3)
      parts.push(command("MULTI"), command("SET", "a", `${i}`), command("INCR", "b"), command("exec"));
    else if (i % 7 === 5) parts.push(encodeTimestampLine(1700000000 + i));
    else parts.push(command("SET", `key ${i}`, "v".repeat((i * 31) % valueBytes)));
  }
  return Buffer.concat(parts);
}

/** Whether `part` is how `whole` begins. */
function expectPrefix(part: string[], whole: string[]): void {
  expect(part).toEqual(whole.slice(0, part.length));
}

const values = fc.oneof(
  fc.uint8Array({ maxLength: 30 }),
  fc.constantFrom("", "multi", "exec", "\r\n#BLOCK:0:00000000:0\r\n").map((text) => Buffer.from(text)),
);
const commands = fc.array(fc.array(values, { minLength: 1, maxLength: 5 }), { maxLength: 30 });

function words(list: Uint8Array[][]): string[] {
  return list.map((args) => args.map((arg) => Buffer.from(arg).toString("latin1")).join(" "));
}

function isTransactional(args: Uint8Array[]): boolean {
  return /^(multi|exec)$/i.test(Buffer.from(args[0]).toString("latin1"));
}

describe("whole files", () => {
  test("yields every command of a plain file and of a file of blocks, whatever the values and chunks", async () => {
    await fc.assert(
      fc.asyncProperty(
        commands,
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 9 }),
        async (all, chunkBytes, perBlock) => {
          const list = all.filter((args) => !isTransactional(args));
          const encoded = list.map((args) => command(...args.map((arg) => Buffer.from(arg))));
          const plain = await readAll(Buffer.concat(encoded), { chunkBytes });
          expect(plain.commands).toEqual(words(list));
          expect(plain.outcome).toMatchObject({ kind: "clean", hasBlocks: false, problem: undefined });
          const file = new BlockFile();
          for (let i = 0; i < encoded.length; i += perBlock)
            file.block(Buffer.concat(encoded.slice(i, i + perBlock)), 16);
          const blocks = await readAll(file.bytes, { chunkBytes });
          expect(blocks.commands).toEqual(words(list));
          expect(blocks.outcome).toMatchObject({
            kind: "clean",
            hasBlocks: true,
            intactBlocks: file.ends.length,
            validUpTo: file.bytes.length,
            verifiedUpTo: file.bytes.length,
            syncedUpTo: file.ends.length === 0 ? 0 : 16,
          });
        },
      ),
    );
  });

  test("says where commands begin and end, what their time was, and what belongs to a transaction", async () => {
    const set = command("SET", "a", "1");
    const group = Buffer.concat([command("multi"), set, command("EXEC")]);
    const file = Buffer.concat([set, encodeTimestampLine(1700000000), group, set]);
    const { AofReader } = await import("../../../src/persistence/aof/reader.ts");
    const { memoryFile } = await import("../memory-file.ts");
    const reader = await AofReader.open(memoryFile(file), { chunkBytes: 5 });
    const seen: unknown[] = [];
    for await (const { offset, endOffset, timestampSeconds, isInTransaction } of reader.commands()) {
      seen.push([file.subarray(offset, endOffset).toString("latin1"), timestampSeconds, isInTransaction]);
    }
    expect(seen).toEqual([
      [set.toString(), undefined, false],
      [command("multi").toString(), 1700000000, true],
      [set.toString(), 1700000000, true],
      [command("EXEC").toString(), 1700000000, true],
      [set.toString(), 1700000000, false],
    ]);
  });

  test("an empty file, a header alone, empty blocks, other annotations", async () => {
    expect((await readAll(Buffer.alloc(0))).outcome).toMatchObject({ kind: "clean", validUpTo: 0 });
    expect((await readAll(BLOCKS_HEADER)).outcome).toMatchObject({
      kind: "clean",
      hasBlocks: true,
      intactBlocks: 0,
    });
    const file = new BlockFile()
      .block(numbered(0, 3))
      .block(Buffer.alloc(0), 100)
      .block(Buffer.alloc(0), 120);
    const note = Buffer.concat([Buffer.from(`#${"n".repeat(900)}\n`), command("GET", "k")]);
    file.block(note);
    for (const chunkBytes of [1, 3, 1000]) {
      const result = await readAll(file.bytes, { chunkBytes });
      expect(result.outcome).toMatchObject({ kind: "clean", intactBlocks: 4 });
      expect(result.commands[result.commands.length - 1]).toBe("GET k");
    }
  });

  test("a command of many chunks, in a block of many more", async () => {
    const big = Buffer.alloc(3_000_000);
    for (let i = 0; i < big.length; i++) big[i] = Math.imul(i, 0x9e3779b1) >>> 24;
    const content = Buffer.concat([
      command("SET", "big", big),
      numbered(0, 1000),
      command("APPEND", "big", big),
    ]);
    const file = new BlockFile().block(content).block(command("PING"));
    const result = await readAll(file.bytes, { chunkBytes: 65536 });
    expect(result.outcome.kind).toBe("clean");
    expect(result.commands[0].length).toBe("SET big ".length + big.length);
    expect(result.commands[result.commands.length - 1]).toBe("PING");
  });

  test("begins after a preamble, and ends where the manifest says", async () => {
    const rest = numbered(0, 10);
    const file = Buffer.concat([Buffer.from("REDIS0010...junk"), rest, Buffer.from("garbage")]);
    const result = await readAll(file, { start: 16, end: 16 + rest.length });
    expect(result.outcome).toMatchObject({ kind: "clean", validUpTo: 16 + rest.length });
    expect(result.commands).toEqual((await readAll(rest)).commands);
    const short = await readAll(rest, { end: rest.length + 1 });
    expect(short.outcome.kind).toBe("damaged");
    expect(short.outcome.problem?.reason).toContain("but it has only");
  });

  test("ends at an annotation on demand, after having verified what comes before", async () => {
    const file = new BlockFile().block(numbered(0, 4));
    const before = file.bytes.length;
    file.block(
      Buffer.concat([command("SET", "a", "1"), encodeTimestampLine(1800000000), command("SET", "a", "2")]),
    );
    const onAnnotation = (_: number, text: string) => text.includes("1800000000");
    const result = await readAll(file.bytes, { onAnnotation, chunkBytes: 7 });
    expect(result.outcome).toMatchObject({
      kind: "clean",
      validUpTo: before + command("SET", "a", "1").length,
    });
    expect(result.commands[result.commands.length - 1]).toBe("SET a 1");
    const damaged = Buffer.from(file.bytes);
    damaged[damaged.length - 50] ^= 1;
    expect((await readAll(damaged, { onAnnotation })).outcome).toMatchObject({
      kind: "torn",
      validUpTo: before,
    });
    const plain = Buffer.concat([
      command("SET", "a", "1"),
      encodeTimestampLine(1800000000),
      Buffer.from("garbage"),
    ]);
    expect((await readAll(plain, { onAnnotation })).outcome).toMatchObject({
      kind: "clean",
      validUpTo: command("SET", "a", "1").length,
    });
  });
});

describe("cut files", () => {
  test.each(["plain", "blocks"])("%s: cut at any offset, all whole commands before it come", async (form) => {
    const file = new BlockFile();
    for (let i = 0; i < 5; i++) file.block(numbered(i * 6, 6));
    const bytes = form === "blocks" ? file.bytes : numbered(0, 30);
    const whole = await readAll(bytes);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { commands, ends, outcome } = await readAll(bytes.subarray(0, cut), { chunkBytes: 50 });
      expectPrefix(commands, whole.commands);
      const complete = whole.ends.filter((end) => end <= cut).length;
      // A group that is not whole is missing as a whole.
      expect(complete - commands.length).toBeLessThan(4);
      if (complete > commands.length) expect(whole.commands[commands.length]).toBe("MULTI");
      expect(["clean", "truncated"]).toContain(outcome.kind);
      expect(outcome.validUpTo).toBeLessThanOrEqual(cut);
      expect(outcome.validUpTo).toBeGreaterThanOrEqual(ends[ends.length - 1] ?? 0);
      // One "#" behind a block may be filling that was cut off.
      const isFilling = bytes[cut - 1] === 0x23 && outcome.validUpTo === cut - 1;
      if (outcome.kind === "clean" && !isFilling) expect(outcome.validUpTo).toBe(cut);
      // What is left after cutting at validUpTo is clean.
      const repaired = await readAll(bytes.subarray(0, outcome.validUpTo));
      expect(repaired.outcome.kind).toBe("clean");
      expect(repaired.commands).toEqual(commands);
      if (form === "blocks" && outcome.hasBlocks) {
        const intact = [BLOCKS_HEADER.length, ...file.ends].filter((end) => end <= cut).pop();
        expect(outcome.verifiedUpTo).toBe(intact);
      }
    }
  });

  test("followed by zeros only, as a power cut leaves a file that had grown", async () => {
    const file = new BlockFile().block(numbered(0, 6)).block(numbered(6, 6)).bytes;
    for (const bytes of [file, numbered(0, 12)]) {
      for (let cut = 1; cut <= bytes.length; cut++) {
        const zeroed = Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(600)]);
        const { commands, outcome } = await readAll(zeroed, { chunkBytes: 64 });
        const expected = await readAll(bytes.subarray(0, cut));
        expect(outcome.kind).toBe("truncated");
        expect(outcome.validUpTo).toBe(expected.outcome.validUpTo);
        expect(commands).toEqual(expected.commands);
      }
    }
  });
});

describe("filling behind the last block", () => {
  const file = new BlockFile().block(numbered(0, 6));

  test("is no data, wherever it begins and ends", async () => {
    const { commands } = await readAll(file.bytes);
    const size = file.bytes.length;
    for (let length = 1; length < 1100; length++) {
      const bytes = Buffer.concat([file.bytes, encodeFilling(size, size + length)]);
      const { outcome, commands: found } = await readAll(bytes, { chunkBytes: 100 });
      expect(found).toEqual(commands);
      // Also where it is cut off within a line.
      expect([length, outcome.kind]).toEqual([length, "clean"]);
      const whole = bytes.lastIndexOf(0x0a) + 1;
      expect(outcome).toMatchObject({ validUpTo: whole, dataUpTo: size, verifiedUpTo: size });
    }
  });

  test("is told from what somebody else wrote behind it", async () => {
    const end = Math.ceil(file.bytes.length / 512) * 512 + 512;
    const filling = encodeFilling(file.bytes.length, end);
    const bytes = Buffer.concat([file.bytes, filling, command("SET", "stock", "wrote this")]);
    const { outcome, commands } = await readAll(bytes);
    expect(commands[commands.length - 1]).toBe("SET stock wrote this");
    expect(outcome).toMatchObject({ kind: "clean", validUpTo: bytes.length, dataUpTo: bytes.length });
    const changed = Buffer.concat([file.bytes, filling]);
    changed[file.bytes.length + 3] = 0x2d;
    expect((await readAll(changed)).outcome).toMatchObject({ kind: "clean", dataUpTo: changed.length });
  });

  test("does not pass for a value where it shows through", async () => {
    const value = Buffer.alloc(3000, "x");
    const valueStart = file.bytes.length + "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4000\r\n".length;
    const sector = Math.ceil(valueStart / 512) * 512;
    encodeFilling(sector, sector + 512).copy(value, sector - valueStart);
    const set = command("SET", "k", value);
    const unfinished = Buffer.concat([file.bytes, set, command("SET", "after", "x")]);
    const { outcome } = await readAll(unfinished, { chunkBytes: 100 });
    expect(outcome).toMatchObject({ kind: "torn", validUpTo: file.bytes.length, problem: { kind: "zeros" } });
    const finished = new BlockFile().block(numbered(0, 6)).block(set);
    expect((await readAll(finished.bytes)).outcome.kind).toBe("clean");
  });
});

describe("files of blocks with bad bytes", () => {
  const synced = new BlockFile();
  for (let i = 0; i < 4; i++) synced.block(numbered(i * 6, 6), synced.bytes.length);

  test("every flipped bit in what is known to be synced is damage, and nothing of its block is used", async () => {
    const last = synced.ends[synced.ends.length - 2]; // the last line vouches for everything up to here
    const whole = await readAll(synced.bytes);
    for (let bit = 0; bit < last * 8; bit++) {
      const bytes = Buffer.from(synced.bytes);
      bytes[bit >> 3] ^= 1 << (bit & 7);
      const { commands, outcome } = await readAll(bytes);
      expect([bit, outcome.kind]).toEqual([bit, "damaged"]);
      expectPrefix(commands, whole.commands);
      if (bit >= BLOCKS_HEADER.length * 8) {
        const intact = [BLOCKS_HEADER.length, ...synced.ends].filter((end) => end <= bit >> 3).pop();
        expect(outcome.validUpTo).toBe(intact);
      }
    }
  });

  test("every flipped bit in what nothing vouches for is a torn end", async () => {
    const file = new BlockFile();
    for (let i = 0; i < 3; i++) file.block(numbered(i * 6, 6));
    const whole = await readAll(file.bytes);
    for (let bit = BLOCKS_HEADER.length * 8; bit < file.bytes.length * 8; bit++) {
      const bytes = Buffer.from(file.bytes);
      bytes[bit >> 3] ^= 1 << (bit & 7);
      const { commands, outcome } = await readAll(bytes);
      const intact = [BLOCKS_HEADER.length, ...file.ends].filter((end) => end <= bit >> 3).pop()!;
      // A bit that makes the last line longer than the file leaves a file that ends inside an annotation.
      if (outcome.kind === "truncated") {
        expect(outcome.problem?.kind).toBe("annotation");
      } else {
        expect([bit, outcome.kind, outcome.validUpTo]).toEqual([bit, "torn", intact]);
      }
      expectPrefix(commands, whole.commands);
    }
  });

  test("a sector of zeros inside a value of an unfinished block", async () => {
    const file = new BlockFile().block(numbered(0, 6));
    const good = command("SET", "before", "x");
    const value = Buffer.alloc(3000, "x");
    const valueStart = file.bytes.length + good.length + "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4000\r\n".length;
    const sector = Math.ceil(valueStart / 512) * 512;
    value.fill(0, sector - valueStart, sector - valueStart + 512);
    const unfinished = Buffer.concat([
      file.bytes,
      good,
      command("SET", "k", value),
      command("SET", "after", "x"),
    ]);
    const { commands, outcome } = await readAll(unfinished, { chunkBytes: 100 });
    expect(outcome).toMatchObject({
      kind: "torn",
      validUpTo: file.bytes.length + good.length,
      problem: { kind: "zeros" },
    });
    expect(commands[commands.length - 1]).toBe("SET before x");
    // Where a checksum covers it, zeros are data.
    const finished = new BlockFile().block(numbered(0, 6)).block(unfinished.subarray(file.bytes.length));
    expect((await readAll(finished.bytes)).outcome.kind).toBe("clean");
    // In a transaction, all of it goes.
    const group = Buffer.concat([command("MULTI"), good, command("SET", "k", value), command("EXEC")]);
    const inGroup = await readAll(Buffer.concat([file.bytes, group]));
    expect(inGroup.outcome).toMatchObject({ kind: "torn", validUpTo: file.bytes.length });
  });

  test("a block that overlaps a transaction is used only with the rest of it", async () => {
    const file = new BlockFile().block(command("SET", "a", "1"));
    const before = file.bytes.length;
    file.block(Buffer.concat([command("MULTI"), command("SET", "a", "2")]));
    const middle = file.bytes.length;
    file.block(Buffer.concat([command("SET", "b", "2"), command("EXEC")]));
    const whole = await readAll(file.bytes, { chunkBytes: 10 });
    expect(whole.commands).toEqual(["SET a 1", "MULTI", "SET a 2", "SET b 2", "EXEC"]);
    const torn = Buffer.from(file.bytes);
    torn[middle + 20] ^= 4;
    const result = await readAll(torn, { chunkBytes: 10 });
    expect(result.commands).toEqual(["SET a 1"]);
    expect(result.outcome).toMatchObject({ kind: "torn", validUpTo: before, verifiedUpTo: before });
    const cut = await readAll(file.bytes.subarray(0, middle), { chunkBytes: 10 });
    expect(cut.outcome).toMatchObject({ kind: "truncated", validUpTo: before, problem: { kind: "multi" } });
  });

  test.each([
    ["a newer version", "#TSREDIS-AOF:3\r\n", "Unknown version of the block format: #TSREDIS-AOF:3"],
    ["a block line without the first line", "#BLOCK:0:00000000:0\r\n", "does not announce blocks"],
    ["a malformed line", `#TSREDIS-AOF:2\r\n#BLOCK:00:00000000:0\r\n`, "is malformed"],
    [
      "a wrong length",
      `#TSREDIS-AOF:2\r\n#BLOCK:5:00000000:0\r\n`,
      "ends a block of 5 bytes, but there are 0",
    ],
    [
      "a wrong checksum",
      `#TSREDIS-AOF:2\r\n#BLOCK:0:00000000:0\r\n`,
      "Wrong checksum of the block of 0 bytes that ends at offset 16",
    ],
  ])("%s", async (_, text, reason) => {
    const { outcome } = await readAll(Buffer.from(text));
    expect(outcome.problem?.reason).toContain(reason);
    expect(outcome.kind).not.toBe("clean");
  });

  test("a synced offset beyond the line itself is not believed", async () => {
    const file = new BlockFile().block(command("PING"), 10_000);
    expect((await readAll(file.bytes)).outcome.problem?.reason).toContain(
      "says more was synced than there is",
    );
  });

  test("forged block lines in values do not make reading slow, nor lose anything", async () => {
    const forged = "\r\n#BLOCK:100000:00000000:300000\r\n".repeat(20000);
    const file = new BlockFile().block(command("SET", "a", "1"));
    const before = file.bytes.length;
    file.block(Buffer.concat([command("SET", "k", forged), command("SET", "k", forged)]));
    const bytes = Buffer.from(file.bytes);
    bytes[before + 3] ^= 1;
    const { outcome, commands } = await readAll(bytes);
    expect(["torn", "damaged"]).toContain(outcome.kind);
    expect(outcome.validUpTo).toBe(before);
    expect(commands).toEqual(["SET a 1"]);
  });
});

describe("a power cut", () => {
  test("takes the beginning of a transaction, of which filling is left: what follows is not used either", async () => {
    const bytes = encodeFilling(0, 1024);
    const rest = [Buffer.from("ULTI\r\n"), command("SET", "a", "1"), Buffer.from("*4\r\n$3\r\nSE")];
    BLOCKS_HEADER.copy(bytes);
    Buffer.concat(rest).copy(bytes, 64);
    const { commands, outcome } = await readAll(bytes);
    expect([commands, outcome.kind, outcome.validUpTo]).toEqual([[], "torn", BLOCKS_HEADER.length]);
  });

  test("leaves a prefix, with everything that was synced, and is never taken for damage", async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 1000; seed++) {
      const random = new SeededRandom(seed);
      const file = new BlockFile();
      let known = BLOCKS_HEADER.length; // what the writer knew to be synced
      let durable = BLOCKS_HEADER.length;
      for (let i = 0; i < 3 + random.below(12); i++) {
        if (random.below(4) === 0) known = file.bytes.length;
        // A sync that has begun covers what was written, though the writer does not know yet.
        durable = Math.max(durable, known);
        file.block(numbered(i * 9, random.below(9), 900), known);
      }
      if (random.below(3) === 0) durable = file.ends[random.below(file.ends.length)];
      durable = Math.max(durable, known);
      // What is lost shows what was there before: nothing, or filling.
      const isOverFilling = random.below(2) === 0;
      const grown =
        random.below(3) === 0 ? durable + random.below(file.bytes.length - durable + 1) : file.bytes.length;
      const sectorBytes = 512;
      const size = isOverFilling
        ? Math.ceil(file.bytes.length / sectorBytes + random.below(3)) * sectorBytes
        : Math.max(durable, grown);
      const before = isOverFilling ? encodeFilling(0, size) : Buffer.alloc(size);
      const bytes = Buffer.from(before);
      file.bytes.copy(bytes, 0, 0, size);
      // The writer leaves no line feed behind its last block.
      if (isOverFilling && file.bytes.length < size) bytes[file.bytes.length] = 0x23;
      for (
        let sector = Math.floor(durable / sectorBytes) * sectorBytes;
        sector < bytes.length;
        sector += sectorBytes
      ) {
        const [from, to] = [Math.max(sector, durable), Math.min(bytes.length, sector + sectorBytes)];
        if (random.below(2) === 0) before.copy(bytes, from, from, to);
      }
      const whole = await readAll(file.bytes);
      const { commands, ends, outcome } = await readAll(bytes, { chunkBytes: 200 });
      outcomes.add(outcome.kind);
      expect([seed, outcome.kind]).not.toEqual([seed, "damaged"]);
      expectPrefix(commands, whole.commands);
      const required = whole.ends.filter((end) => end <= known).length;
      expect([seed, commands.length]).toEqual([seed, Math.max(commands.length, required)]);
      expect(outcome.validUpTo).toBeGreaterThanOrEqual(ends[ends.length - 1] ?? 0);
      const repaired = await readAll(bytes.subarray(0, outcome.validUpTo));
      expect(repaired.commands).toEqual(commands);
      expect(repaired.outcome.kind).toBe("clean");
    }
    expect(outcomes).toEqual(new Set(["clean", "truncated", "torn"]));
  });
});

describe("plain files with bad bytes", () => {
  test.each([
    ["garbage between commands", "garbage\r\n", "Expected a command ('*') or an annotation ('#'), got: 'g'"],
    ["a wrong prefix", "*1\r\n!3\r\n", "Expected prefix '$', got: '!'"],
    ["no line end after a value", "*1\r\n$4\r\nPINGxx", "Expected \\r\\n, got: 7878"],
    ["a number with something after it", "*1x\r\n", "Expected \\r\\n, got: 780d"],
    ["a byte beyond ASCII", "*1\xe9\r\n", "Expected \\r\\n, got: ffffffe90d"],
    [
      "a negative length",
      "*1\r\n$-1\r\n",
      "Expected to read string of -1 bytes, which is not in the suitable range",
    ],
    [
      "a length that no C long holds",
      "*1\r\n$99999999999999999999\r\n",
      "Expected to read string of 9223372036854775807 bytes, which is not in the suitable range",
    ],
    ["no arguments", "*0\r\n", "Expected a command of at least one argument, got: *0"],
    ["a line without end", `*${"1".repeat(200)}\r\n`, "Expected \\r\\n, got: 0000"],
    ["MULTI inside MULTI", "*1\r\n$5\r\nMULTI\r\n*1\r\n$5\r\nmulti\r\n", "Unexpected MULTI in AOF a.aof"],
    ["EXEC without MULTI", "*1\r\n$4\r\nEXEC\r\n", "Unexpected EXEC in AOF a.aof"],
  ])("%s", async (_, text, reason) => {
    const good = numbered(0, 4);
    const bytes = Buffer.concat([good, Buffer.from(text, "latin1"), command("PING")]);
    for (const chunkBytes of [1, 1000]) {
      const { commands, outcome } = await readAll(bytes, { chunkBytes, name: "a.aof" });
      expect(outcome).toMatchObject({ kind: "damaged", validUpTo: good.length, problem: { reason } });
      expect(commands).toEqual((await readAll(good)).commands);
    }
  });

  test("blanks and signs in numbers are read as C reads them", async () => {
    expect((await readAll(Buffer.from("* 1\r\n$+4\r\nPING\r\n"))).commands).toEqual(["PING"]);
  });

  test("a length beyond the file is an end, with what was there", async () => {
    const { outcome } = await readAll(Buffer.from("*1\r\n$9223372036854775805\r\nabc"));
    expect(outcome.kind).toBe("truncated");
    expect(outcome.problem).toMatchObject({
      offset: 26,
      reason: "Expected to read 9223372036854775807 bytes, got 3 bytes",
    });
  });

  test("arbitrary bytes never crash the reader", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), fc.boolean(), async (bytes, hasHeader) => {
        const file = hasHeader ? Buffer.concat([BLOCKS_HEADER, bytes]) : bytes;
        const { outcome } = await readAll(file, { chunkBytes: 9 });
        expect(outcome.validUpTo).toBeLessThanOrEqual(file.length);
      }),
      { numRuns: 1000 },
    );
  });
});

/**
 * Goal: the encoder's bytes are the commands it was given, in RESP, with SELECT, MULTI, EXEC and #TS where they
 * belong.
 * Method: random sequences, read back by a small decoder of our own, plus exact bytes for each building block. Tiny
 * blocks make the open block move between chunks.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { BlockLog } from "../../../src/persistence/aof/block-log.ts";
import { AofEncoder, BLOCK_LINE_ROOM } from "../../../src/persistence/aof/encoder.ts";
import { Request } from "../../../src/protocol/request.ts";

function newEncoder(sizeBytes = 0, clock = new ManualClock(1_700_000_000_500)): AofEncoder {
  const allocate = (needed: number, open: Buffer): Buffer =>
    Buffer.concat([open, Buffer.alloc(needed + sizeBytes - open.length, "?")]);
  const encoder = new AofEncoder(clock, Buffer.alloc(BLOCK_LINE_ROOM + sizeBytes), allocate);
  encoder.timestamps = false;
  return encoder;
}

function textOf(encoder: AofEncoder): string {
  return encoder.buf.toString("latin1", encoder.blockStart, encoder.end);
}

/** RESP arrays of bulk strings, one per command. */
function resp(...commands: string[][]): string {
  return commands
    .map((words) => `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`)
    .join("");
}

describe("AofEncoder", () => {
  it("writes a request as it came, after a SELECT", () => {
    const encoder = newEncoder();
    encoder.command(Request.of("set", "key", "a\r\nb"));
    encoder.select(11);
    encoder.select(0);
    encoder.command(Request.of("DEL", "key"));
    encoder.select(11);
    encoder.command(Request.of("DEL", ""));
    expect(textOf(encoder)).toBe(
      resp(["SELECT", "0"], ["set", "key", "a\r\nb"], ["DEL", "key"], ["SELECT", "11"], ["DEL", ""]),
    );
  });

  it("writes the same whether a request's bytes can be copied as a whole or not", () => {
    const words = ["set", "key", "a\r\nb", ""];
    const request = Request.of(...words);
    const decoded = new Request();
    decoded.buf = Buffer.from(`..${resp(words)}..`, "latin1");
    decoded.argc = words.length;
    let at = 2;
    words.forEach((word, i) => {
      at = decoded.buf.indexOf(`$${word.length}\r\n`, at) + 4;
      decoded.start[i] = at;
      decoded.len[i] = word.length;
    });
    const texts = [request, decoded].map((each) => {
      const encoder = newEncoder();
      encoder.beginGroup();
      encoder.command(each);
      encoder.command(each);
      encoder.endGroup();
      return textOf(encoder);
    });
    expect(texts[0]).toBe(texts[1]);
    expect(texts[0]).toContain(`${resp(["MULTI"])}${resp(words, words)}${resp(["EXEC"])}`);
  });

  it("selects again in another file", () => {
    const encoder = newEncoder();
    encoder.select(3);
    encoder.command(Request.of("DEL", "a"));
    encoder.startFile();
    encoder.command(Request.of("DEL", "b"));
    expect(textOf(encoder)).toBe(resp(["SELECT", "3"], ["DEL", "a"], ["SELECT", "3"], ["DEL", "b"]));
  });

  it("builds commands from parts", () => {
    const encoder = newEncoder();
    encoder.begin(5);
    encoder.argumentText("PEXPIREAT");
    encoder.argumentRange(Buffer.from("..key.."), 2, 3);
    encoder.argumentInteger(1_700_000_000_123);
    encoder.argumentInteger(-42);
    encoder.argumentInteger(0);
    expect(textOf(encoder)).toBe(resp(["SELECT", "0"], ["PEXPIREAT", "key", "1700000000123", "-42", "0"]));
  });

  it("puts MULTI and EXEC around more than one command, with the first SELECT outside", () => {
    const encoder = newEncoder();
    encoder.beginGroup();
    encoder.endGroup();
    encoder.beginGroup();
    encoder.command(Request.of("INCR", "a"));
    encoder.endGroup();
    encoder.select(1);
    encoder.beginGroup();
    encoder.command(Request.of("INCR", "b"));
    encoder.beginGroup();
    encoder.select(2);
    encoder.command(Request.of("INCR", "c"));
    encoder.command(Request.of("INCR", "d"));
    encoder.endGroup();
    expect(encoder.isMidway).toBe(true);
    encoder.endGroup();
    expect(encoder.isMidway).toBe(false);
    const group = [["MULTI"], ["INCR", "b"], ["SELECT", "2"], ["INCR", "c"], ["INCR", "d"], ["EXEC"]];
    expect(textOf(encoder)).toBe(resp(["SELECT", "0"], ["INCR", "a"], ["SELECT", "1"], ...group));
  });

  it("announces each second once, before the commands of it, and not inside a group", () => {
    const clock = new ManualClock(1_700_000_000_500);
    const encoder = newEncoder(0, clock);
    encoder.timestamps = true;
    encoder.command(Request.of("INCR", "a"));
    clock.advance(499);
    encoder.command(Request.of("INCR", "b"));
    clock.advance(1);
    encoder.beginGroup();
    encoder.command(Request.of("INCR", "c"));
    clock.advance(5000);
    encoder.command(Request.of("INCR", "d"));
    encoder.endGroup();
    clock.advance(-3000);
    encoder.command(Request.of("INCR", "e"));
    clock.advance(3000);
    encoder.command(Request.of("INCR", "f"));
    expect(textOf(encoder)).toBe(
      `#TS:1700000000\r\n${resp(["SELECT", "0"], ["INCR", "a"], ["INCR", "b"])}` +
        `#TS:1700000001\r\n${resp(["MULTI"], ["INCR", "c"], ["INCR", "d"], ["EXEC"])}` +
        `#TS:1700000003\r\n${resp(["INCR", "e"])}#TS:1700000006\r\n${resp(["INCR", "f"])}`,
    );
  });

  it("refuses to leave a command unfinished", () => {
    const encoder = newEncoder();
    expect(() => encoder.argumentText("GET")).toThrow("outside a command");
    encoder.begin(2);
    encoder.argumentText("DEL");
    expect(encoder.isMidway).toBe(true);
    expect(() => encoder.begin(1)).toThrow("lacks 1 arguments");
    expect(() => encoder.endGroup()).toThrow("endGroup without beginGroup");
  });

  it("copies arguments of every length, wherever the buffer ends", () => {
    const arbitraryWords = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(arbitraryWords, { maxLength: 8 }),
        fc.nat(400),
        fc.boolean(),
        (commands, size, isGroup) => {
          const encoder = newEncoder(size);
          if (isGroup) encoder.beginGroup();
          for (const words of commands) encoder.command(Request.of(...words));
          if (isGroup) encoder.endGroup();
          const texts = commands.map((words) => words.map((word) => Buffer.from(word).toString("latin1")));
          const expected = isGroup && texts.length > 1 ? [["MULTI"], ...texts, ["EXEC"]] : texts;
          const select = texts.length > 0 ? [["SELECT", "0"]] : [];
          expect(textOf(encoder)).toBe(resp(...select, ...expected));
        },
      ),
    );
  });
});

describe("BlockLog", () => {
  it("keeps blocks as they were until they are released, and its memory bounded", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(200_000), fc.nat(3)), { maxLength: 40 }), (steps) => {
        const log = new BlockLog(new ManualClock(0));
        log.encoder.timestamps = false;
        const held: { endPosition: number; bytes: () => Buffer; copy: Buffer }[] = [];
        steps.forEach(([size, action], i) => {
          log.encoder.command(Request.of("SET", String(i), Buffer.alloc(size, i)));
          if (action === 0) return;
          const { chunk, start, length, endPosition } = log.endBlock();
          expect(endPosition).toBe(log.appended);
          const bytes = (): Buffer => chunk.buf.subarray(start, start + length);
          held.push({ endPosition, bytes, copy: Buffer.from(bytes()) });
          log.markWritten();
          if (action < 3) return;
          const keep = held.length >> 1;
          const upTo = held[held.length - keep - 1].endPosition;
          held.splice(0, held.length - keep);
          log.release(upTo);
        });
        for (const { bytes, copy } of held) expect(bytes().equals(copy)).toBe(true);
        while (log.appended > log.ended) log.endBlock();
        while (log.nextUnwritten() !== undefined) log.markWritten();
        log.release(log.appended);
        expect(log.memoryBytes).toBeLessThanOrEqual(10 * 256 * 1024);
      }),
    );
  });

  it("gives the memory of a large block back when it is released", () => {
    const log = new BlockLog(new ManualClock(0));
    log.encoder.timestamps = false;
    const value = Buffer.alloc(3 << 20, "v");
    log.encoder.command(Request.of("SET", "before", "1"));
    log.encoder.command(Request.of("SET", "key", value));
    log.encoder.command(Request.of("SET", "key", Buffer.concat([value, value])));
    const { chunk, start, length } = log.endBlock();
    const written = chunk.buf.toString("latin1", start, start + length);
    const commands = [
      ["SELECT", "0"],
      ["SET", "before", "1"],
      ["SET", "key", value.toString()],
    ];
    expect(written === resp(...commands, ["SET", "key", value.toString().repeat(2)])).toBe(true);
    log.markWritten();
    log.release(log.appended);
    expect(chunk.buf.length).toBe(0);
    expect(log.memoryBytes).toBeLessThanOrEqual(2 * 256 * 1024);
  });

  it("does not end a block inside a group", () => {
    const log = new BlockLog(new ManualClock(0));
    log.encoder.beginGroup();
    log.encoder.command(Request.of("INCR", "a"));
    expect(() => log.endBlock()).toThrow("in the middle");
  });
});

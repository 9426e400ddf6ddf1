/**
 * The stream holds exactly what was appended, from any offset that it still has to its end, however that was appended,
 * committed and trimmed.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { ReplicationStream } from "../../../src/server/replication/stream.ts";

const FIRST = 1000;
const BACKLOG = 64 * 1024;

function bytesFrom(stream: ReplicationStream, offset: number): string {
  let text = "";
  for (let at = offset; at < stream.endOffset; ) {
    const { buffer, start, end } = stream.pieceAt(at, stream.endOffset);
    text += buffer.toString("latin1", start, end);
    at += end - start;
  }
  return text;
}

function resp(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

function newStream(): ReplicationStream {
  return new ReplicationStream(new ManualClock(1_700_000_000_000), FIRST);
}

/** Appends a command in database `db`; what that makes of it. */
function append({ encoder }: ReplicationStream, db: number, ...words: readonly string[]): string {
  const select = encoder.writtenDb === db ? "" : resp("SELECT", String(db));
  encoder.select(db);
  encoder.begin(words.length);
  for (const word of words) encoder.argumentText(word);
  return select + resp(...words);
}

describe("the stream", () => {
  test("has all that was appended since it was trimmed", () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ kind: fc.constant("append"), size: fc.nat(30_000) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("append"), size: fc.nat(300_000) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("commit"), size: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("cut"), size: fc.constant(0) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("trim"), size: fc.nat(100_000) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("group"), size: fc.nat(20_000) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const stream = newStream();
        let all = "";
        for (const [i, { kind, size }] of steps.entries()) {
          if (kind === "append") all += append(stream, i % 3, "SET", "x".repeat(size));
          else if (kind === "commit") stream.commit();
          else if (kind === "cut") expect(stream.cut()).toBe(FIRST + all.length);
          else if (kind === "trim") stream.trim(stream.endOffset - size, BACKLOG);
          else {
            stream.encoder.beginGroup();
            const first = append(stream, 0, "A", "y".repeat(size));
            const before = stream.endOffset;
            stream.commit();
            expect(stream.endOffset).toBe(before);
            const place = first.lastIndexOf("*2\r\n$1\r\nA");
            const second = append(stream, 0, "B");
            stream.encoder.endGroup();
            all += `${first.slice(0, place)}${resp("MULTI")}${first.slice(place)}${second}${resp("EXEC")}`;
          }
          expect(stream.appendedOffset).toBe(FIRST + all.length);
        }
        stream.commit();
        expect(stream.endOffset).toBe(FIRST + all.length);
        const from = Math.max(stream.firstOffset, stream.endOffset - 50_000);
        expect(bytesFrom(stream, from)).toBe(all.slice(from - FIRST));
        expect(bytesFrom(stream, stream.firstOffset)).toBe(all.slice(stream.firstOffset - FIRST));
      }),
    );
  });

  test("keeps the backlog, and what somebody still needs, and little more", () => {
    const stream = newStream();
    for (let i = 0; i < 2000; i++) {
      append(stream, 0, "SET", "x".repeat(1000));
      stream.commit();
      stream.trim(Number.POSITIVE_INFINITY, BACKLOG);
      expect(stream.heldBytes).toBeGreaterThanOrEqual(Math.min(BACKLOG, stream.endOffset - FIRST));
    }
    expect(stream.heldBytes).toBeLessThan(BACKLOG + 2 * 64 * 1024);
    expect(stream.memoryBytes).toBeLessThan(stream.heldBytes * 1.1 + 64 * 1024);
    const needed = stream.endOffset;
    for (let i = 0; i < 2000; i++) append(stream, 0, "SET", "x".repeat(1000));
    stream.commit();
    stream.trim(needed, BACKLOG);
    expect(stream.firstOffset).toBeLessThanOrEqual(needed);
    expect(bytesFrom(stream, needed)).toHaveLength(stream.endOffset - needed);
  });

  test("a PING selects no database", () => {
    const stream = newStream();
    stream.appendControl("PING");
    append(stream, 2, "INCR", "a");
    stream.appendControl("REPLCONF", "GETACK", "*");
    append(stream, 2, "INCR", "a");
    stream.cut();
    stream.appendControl("PING");
    append(stream, 2, "INCR", "a");
    stream.commit();
    const change = resp("INCR", "a");
    const select = resp("SELECT", "2");
    const acknowledge = resp("REPLCONF", "GETACK", "*");
    expect(bytesFrom(stream, FIRST)).toBe(
      `${resp("PING")}${select}${change}${acknowledge}${change}${resp("PING")}${select}${change}`,
    );
  });
});

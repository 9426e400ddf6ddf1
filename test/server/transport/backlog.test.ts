/**
 * A backlog gives back what was added, byte for byte, and keeps no foreign memory for small pieces.
 */
import { expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.ts";
import { Backlog, isSmall } from "../../../src/server/transport/backlog.ts";
import { usualSeed } from "../../support/seed.ts";

test("gives back what was added, in its order, whatever is taken meanwhile", () => {
  const seed = usualSeed();
  const random = new SeededRandom(seed);
  const backlog = new Backlog();
  const added: Buffer[] = [];
  const taken: Buffer[] = [];
  for (let i = 0; i < 2000; i++) {
    if (random.below(3) === 0) {
      const chunk = backlog.take();
      if (chunk !== undefined) taken.push(Buffer.from(chunk));
      continue;
    }
    const length = 1 + random.below(random.below(50) === 0 ? 200_000 : 3000);
    const source = Buffer.alloc(length + 10, i);
    const isFree = backlog.add(source, 5, 5 + length);
    added.push(Buffer.from(source.subarray(5, 5 + length)));
    expect(isFree).toBe(isSmall(length));
    if (isFree) source.fill(0xff);
  }
  for (let chunk = backlog.take(); chunk !== undefined; chunk = backlog.take())
    taken.push(Buffer.from(chunk));
  expect(Buffer.concat(taken).equals(Buffer.concat(added)), `seed ${seed}`).toBe(true);
});

test("many small pieces take little more memory than their bytes", () => {
  const backlog = new Backlog();
  const source = Buffer.alloc(256 * 1024, "x");
  for (let i = 0; i < 10_000; i++) backlog.add(source, i, i + 100);
  const memories = new Set<ArrayBufferLike>();
  for (let chunk = backlog.take(); chunk !== undefined; chunk = backlog.take()) memories.add(chunk.buffer);
  const bytes = [...memories].reduce((sum, memory) => sum + memory.byteLength, 0);
  expect(memories.has(source.buffer)).toBe(false);
  expect(bytes).toBeLessThan(1_300_000);
});

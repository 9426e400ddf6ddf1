/** What share of the event loop's time a snapshot takes while the loop has other things to do. */
import { expect, test } from "vitest";
import { ManualClock } from "../../src/base/clock.ts";
import type { FileHandle } from "../../src/base/files.ts";
import { SeededRandom } from "../../src/base/random.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { RdbSnapshotFile } from "../../src/persistence/rdb-snapshot-file.ts";

const STEP_MS = 0.01;
const STEPS = 50_000;

/** Of all the time until the steps are done, with turns of the loop that take so long. */
async function shareOfTime({
  isBackground,
  isAwaited = false,
  turnMs,
}: {
  readonly isBackground: boolean;
  readonly isAwaited?: boolean;
  readonly turnMs: number;
}): Promise<number> {
  const clock = new ManualClock(0);
  const keyspace = new Keyspace({
    databases: 1,
    clock,
    random: new SeededRandom(1),
    hashSeed: Buffer.from("0123456789abcdef"),
  });
  if (isAwaited) keyspace.snapshots.hasten(keyspace.databases[0], 1, () => {});
  const nextTurn = async () => clock.advance(turnMs);
  const file = new RdbSnapshotFile(
    { clock, keyspace, isMidway: () => false, nextTurn, sleep: async (ms) => clock.advance(ms) },
    {} as FileHandle,
    { compress: true, checksum: true, syncEveryBytes: 0, maxBytesPerSecond: () => 0, isBackground },
  );
  function* steps(): Generator<undefined, void> {
    for (let i = 0; i < STEPS; i++) {
      clock.advance(STEP_MS);
      yield;
    }
  }
  await file.inSlices(steps());
  return (STEPS * STEP_MS) / clock.nowMs;
}

test("a third of a busy loop's time, a sixth in the background", async () => {
  expect(await shareOfTime({ isBackground: false, turnMs: 1 })).toBeCloseTo(1 / 3, 1);
  expect(await shareOfTime({ isBackground: true, turnMs: 1 })).toBeCloseTo(1 / 6, 1);
});

test("a third in the background, too, while somebody waits for a value to be written", async () => {
  expect(await shareOfTime({ isBackground: true, isAwaited: true, turnMs: 1 })).toBeCloseTo(1 / 3, 1);
});

test("less where others keep the processor, and nearly all of a loop that is idle", async () => {
  expect(await shareOfTime({ isBackground: false, turnMs: 20 })).toBeLessThan(0.06);
  expect(await shareOfTime({ isBackground: true, turnMs: 20 })).toBeLessThan(0.03);
  expect(await shareOfTime({ isBackground: true, turnMs: 0.01 })).toBeGreaterThan(0.9);
});

/**
 * While data is loaded: when the event loop has its turn, and how long the first clients wait before they are refused.
 */
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { Config } from "../../src/server/config/config.ts";
import type { Connection } from "../../src/server/connection.ts";
import { EarlyClients } from "../../src/server/early-clients.ts";
import { LoadProgress } from "../../src/server/load-progress.ts";

const MEGABYTE = 1 << 20;

function loading(totalBytes: number) {
  const clock = new ManualClock(1000);
  const told: string[] = [];
  const log = { ...silentLog, notice: (text: string) => void told.push(text) };
  const progress = new LoadProgress({ clock, log }, new Config());
  progress.begin(totalBytes);
  return { clock, progress, told };
}

describe("the event loop has its turn", () => {
  test("every loading-process-events-interval-bytes", () => {
    const { progress } = loading(100 * MEGABYTE);
    const turns: number[] = [];
    for (let offset = 0; offset < 10 * MEGABYTE; offset += MEGABYTE / 2)
      if (progress.reached(offset, 0) !== undefined) turns.push(offset / MEGABYTE);
    expect(turns).toEqual([0, 2, 4, 6, 8]);
  });

  test("after a while, however little was loaded, and the log is told", () => {
    const { clock, progress, told } = loading(MEGABYTE);
    let turns = 0;
    for (let command = 0; command < 12_000; command++) {
      clock.advance(1);
      if (progress.reached(command, command) !== undefined) turns++;
    }
    expect(turns).toBe(480);
    expect(told).toEqual([
      expect.stringMatching(/^Loading: 5\d{3} of 1048576 bytes \(0\.48 %\)/),
      expect.stringMatching(/^Loading: 10\d{3} of 1048576 bytes \(0\.9\d %\)/),
    ]);
  });
});

describe("who comes early waits", () => {
  async function waitsFor(totalBytes: number, loadedBytes: number): Promise<number> {
    const { clock, progress } = loading(totalBytes);
    void progress.reached(loadedBytes, 0);
    const begun = clock.monotonicMs();
    const early = new EarlyClients({
      clock,
      progress,
      isLoading: () => true,
      unheardBytes: () => 2 * MEGABYTE,
      resume: () => {},
    });
    const client = { parkAgain: () => {} } as Connection;
    while (early.postpones(client)) clock.advance(10);
    return clock.monotonicMs() - begun;
  }

  test("half a second where there is much to load, two where a few commands take long", async () => {
    expect(await waitsFor(100 * MEGABYTE, MEGABYTE)).toBe(500);
    expect(await waitsFor(MEGABYTE, MEGABYTE / 2)).toBe(2000);
  });

  test("not at all once as much is loaded as Redis loads before it hears anybody", async () => {
    expect(await waitsFor(100 * MEGABYTE, 2 * MEGABYTE)).toBe(0);
  });
});

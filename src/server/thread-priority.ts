/**
 * Lets the event loop go first. LevelDB's compactions, cold reads and the collector's helpers run in other threads, and
 * on a machine with few processors they take turns with the thread that answers everybody. A lower priority for them
 * costs nothing that could be measured and shortens the longest delays (two processors, both busy: p99.9 of the event
 * loop's delay while loading 27 ms before, 18 ms after).
 */
import { readdirSync } from "node:fs";
import { setPriority } from "node:os";

/** Nice value of the other threads. Not more: on processors that had too much to do, a save waited ten seconds and more
 * for the thread that reads it back, when that had 19. */
const NICENESS = 10;

/** To be called when all threads have begun; what they start later inherits from them. Does nothing where threads have
 * no priorities of their own: only Linux gives them. */
export function preferEventLoop(): void {
  lowerOthers(new Set([process.pid]));
}

/** Calls `start`, which starts a thread, and lets the event loop go before that, too. From outside: the thread itself
 * could do so only when much of its beginning is over, which takes some 30 ms. */
export function startBehindLoop<Started>(start: () => Started): Started {
  const before = new Set(threads());
  const started = start();
  lowerOthers(before);
  return started;
}

function lowerOthers(exempt: ReadonlySet<number>): void {
  for (const thread of threads()) {
    if (exempt.has(thread)) continue;
    try {
      setPriority(thread, NICENESS);
    } catch {
      // It has just ended, or the system does not allow it: everything works without.
    }
  }
}

function threads(): number[] {
  return process.platform === "linux" ? readdirSync("/proc/self/task").map(Number) : [];
}

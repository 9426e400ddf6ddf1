/**
 * Lets the event loop go first. LevelDB's compactions, cold reads and the collector's helpers run in other threads, and
 * on a machine with few processors they take turns with the thread that answers everybody. A lower priority for them
 * costs nothing that could be measured and shortens the longest delays (two processors, both busy: p99.9 of the event
 * loop's delay while loading 27 ms before, 18 ms after).
 */
import { readdirSync } from "node:fs";
import { setPriority } from "node:os";

/** Nice value of the other threads. */
const NICENESS = 10;
/** The same of one that has much to do, and for which nobody waits. */
const LAST_NICENESS = 19;

/** To be called when all threads have begun; what they start later inherits from them. Does nothing where threads have
 * no priorities of their own: only Linux gives them. */
export function preferEventLoop(): void {
  for (const thread of threads()) if (thread !== process.pid) lowerPriority(thread, NICENESS);
}

/** Calls `start`, which starts a thread, and lets all others go before that. From outside: the thread itself could only
 * do so when much of its beginning is over, which takes some 30 ms. */
export function beginLast<Started>(start: () => Started): Started {
  const before = new Set(threads());
  const started = start();
  for (const thread of threads()) if (!before.has(thread)) lowerPriority(thread, LAST_NICENESS);
  return started;
}

function threads(): number[] {
  return process.platform === "linux" ? readdirSync("/proc/self/task").map(Number) : [];
}

function lowerPriority(thread: number, niceness: number): void {
  try {
    setPriority(thread, niceness);
  } catch {
    // It has just ended, or the system does not allow it: everything works without.
  }
}

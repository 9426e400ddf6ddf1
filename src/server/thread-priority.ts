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
/** The same of the thread that reads dumps back: it has most of a processor to do, and nobody waits for it. */
export const VERIFIER_NICENESS = 19;

/** To be called when all threads have begun; what they start later inherits from them. Does nothing where threads have
 * no priorities of their own: only Linux gives them. */
export function preferEventLoop(): void {
  if (process.platform !== "linux") return;
  for (const thread of readdirSync("/proc/self/task")) {
    if (Number(thread) === process.pid) continue;
    try {
      setPriority(Number(thread), NICENESS);
    } catch {
      // It has just ended, or the system does not allow it: everything works without.
    }
  }
}

/**
 * Processor time of the main thread alone, where the system tells (Linux):
 *
 *     /proc/self/task/<pid>/stat: "pid (name) state ..." and numbers; the 14th and 15th are ticks in user and in
 *     system mode, a hundredth of a second each.
 */
import { readFileSync } from "node:fs";

const MICROSECONDS_PER_TICK = 10_000;
/** Behind the name, which may have blanks in it. */
const USER_FIELD = 11;

export interface ThreadTime {
  readonly userMicroseconds: number;
  readonly systemMicroseconds: number;
}

/** Undefined where it cannot be found out. */
export function mainThreadTime(): ThreadTime | undefined {
  try {
    const text = readFileSync(`/proc/self/task/${process.pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [user, system] = fields.slice(USER_FIELD, USER_FIELD + 2).map(Number);
    if (Number.isNaN(user + system)) return undefined;
    return {
      userMicroseconds: user * MICROSECONDS_PER_TICK,
      systemMicroseconds: system * MICROSECONDS_PER_TICK,
    };
  } catch {
    return undefined;
  }
}

/**
 * ACL LOG: what was denied, newest first. The same again within a minute is counted in the entry that there is.
 */
import type { AclLogEntry } from "../../commands/access.ts";

const SAME_WITHIN_MS = 60_000;
/** So many entries are looked through for one that is the same. */
const ENTRIES_COMPARED = 10;

/** What was denied, and to whom. */
export type AclLogEvent = Pick<AclLogEntry, "reason" | "context" | "object" | "username" | "client">;

type Entry = Omit<AclLogEntry, "ageSeconds">;

export class AclLog {
  /** How often something was denied, by reason. */
  readonly counts = { auth: 0, command: 0, key: 0, channel: 0 };
  private entries: Entry[] = [];
  private nextId = 0;
  private readonly maxLength: () => number;

  /** @param maxLength acllog-max-len */
  constructor(maxLength: () => number) {
    this.maxLength = maxLength;
  }

  add(event: AclLogEvent, nowMs: number): void {
    const { counts, entries } = this;
    counts[event.reason]++;
    const at = entries
      .slice(0, ENTRIES_COMPARED)
      .findIndex((entry) => Math.abs(entry.updatedMs - nowMs) <= SAME_WITHIN_MS && isSame(entry, event));
    const [known] = at < 0 ? [] : entries.splice(at, 1);
    const { count, id, createdMs } = known ?? { count: 0, id: this.nextId++, createdMs: nowMs };
    entries.unshift({ ...event, count: count + 1, id, createdMs, updatedMs: nowMs });
    // An entry that was there before stays, whatever the limit is by now: so does Redis.
    if (known === undefined) entries.length = Math.min(entries.length, this.maxLength());
  }

  /** The newest entries, at most `count`. */
  list(count: number, nowMs: number): AclLogEntry[] {
    return this.entries
      .slice(0, count)
      .map((entry) => ({ ...entry, ageSeconds: (nowMs - entry.updatedMs) / 1000 }));
  }

  clear(): void {
    this.entries = [];
  }
}

function isSame(a: AclLogEvent, b: AclLogEvent): boolean {
  return (
    a.reason === b.reason && a.context === b.context && a.object === b.object && a.username === b.username
  );
}

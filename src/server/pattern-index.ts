/**
 * Patterns that clients are subscribed to, found by their heads: what matches a pattern begins with all that stands in
 * it before the first special character. So a channel is compared only with patterns whose head it begins with, and
 * others cost it nothing, however many there are.
 */
import { globMatchRange } from "../base/glob.ts";

/** Up to so many are all compared, which is quicker than to look for them. */
const COMPARED_PATTERNS = 16;
/** Heads are cut to a multiple of this, so that there are few lengths to look for. */
const HEAD_STEP_BYTES = 4;
const HEAD_MAX_BYTES = 64;

export interface Pattern {
  readonly bytes: Buffer;
  /** One character per byte. */
  readonly name: string;
  readonly head: string;
  /** Higher than that of all that came before. */
  readonly order: number;
}

export class PatternIndex {
  /** In the order in which they came. */
  private readonly patterns = new Map<string, Pattern>();
  private readonly byHead = new Map<string, Pattern | Set<Pattern>>();
  /** How many patterns have a head of so many steps. */
  private readonly countByLength = new Uint32Array(HEAD_MAX_BYTES / HEAD_STEP_BYTES + 1);
  private added = 0;

  /** A pattern, one character per byte, that is not there yet. */
  add(name: string): void {
    const head = headOf(name);
    const pattern = { name, head, bytes: Buffer.from(name, "latin1"), order: this.added++ };
    this.patterns.set(name, pattern);
    this.countByLength[head.length / HEAD_STEP_BYTES]++;
    const present = this.byHead.get(head);
    if (present === undefined) this.byHead.set(head, pattern);
    else if (present instanceof Set) present.add(pattern);
    else this.byHead.set(head, new Set([present, pattern]));
  }

  /** A pattern that is there. */
  remove(name: string): void {
    const pattern = this.patterns.get(name)!;
    const { head } = pattern;
    this.patterns.delete(name);
    this.countByLength[head.length / HEAD_STEP_BYTES]--;
    const present = this.byHead.get(head);
    if (present instanceof Set && present.size > 1) present.delete(pattern);
    else this.byHead.delete(head);
  }

  /**
   * Calls back for each pattern that a channel matches, in the order in which they came. The channel is `length` bytes
   * of `source` from `start`.
   */
  forMatches(source: Buffer, start: number, length: number, found: (pattern: Pattern) => void): void {
    if (this.patterns.size > COMPARED_PATTERNS) {
      for (const pattern of this.foundByHead(source, start, length)) found(pattern);
      return;
    }
    for (const pattern of this.patterns.values()) {
      if (globMatchRange(pattern.bytes, source, start, length)) found(pattern);
    }
  }

  private foundByHead(source: Buffer, start: number, length: number): Pattern[] {
    const all: Pattern[] = [];
    const steps = Math.min(this.countByLength.length - 1, Math.floor(length / HEAD_STEP_BYTES));
    for (let step = 0; step <= steps; step++) {
      if (this.countByLength[step] === 0) continue;
      const head = source.toString("latin1", start, start + step * HEAD_STEP_BYTES);
      const present = this.byHead.get(head);
      if (present === undefined) continue;
      for (const pattern of present instanceof Set ? present : [present]) {
        if (globMatchRange(pattern.bytes, source, start, length)) all.push(pattern);
      }
    }
    return all.sort((a, b) => a.order - b.order);
  }
}

/** What all that matches begins with, cut to whole steps. */
function headOf(name: string): string {
  const special = name.search(/[*?[\\]/);
  const length = Math.min(special === -1 ? name.length : special, HEAD_MAX_BYTES);
  return name.slice(0, length - (length % HEAD_STEP_BYTES));
}

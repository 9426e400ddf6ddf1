/**
 * The source of a script that is debugged, line by line, with its breakpoints: how both are shown.
 */
import type { DebugLog } from "./debug-log.ts";

const MAX_BREAKPOINTS = 64;
const OUT_OF_RANGE = "<out of range source code line>";

export class SourceListing {
  /** Where the script is. */
  currentLine = -1;
  /** In the order in which they were set. */
  readonly breakpoints: number[] = [];
  private readonly lines: readonly string[];

  /** @param source one character a byte; line ends behind the last line do not count */
  constructor(source: string) {
    const text = source.replace(/[\r\n]+$/, "");
    this.lines = text === "" ? [] : text.split("\n");
  }

  isBreakpoint(line: number): boolean {
    return this.breakpoints.includes(line);
  }

  /** Whether there is room for another breakpoint. */
  get isFull(): boolean {
    return this.breakpoints.length >= MAX_BREAKPOINTS;
  }

  /** False if there is no such line. */
  addBreakpoint(line: number): boolean {
    if (line < 1 || line > this.lines.length) return false;
    if (!this.isBreakpoint(line)) this.breakpoints.push(line);
    return true;
  }

  /** False if there is none. */
  removeBreakpoint(line: number): boolean {
    const place = this.breakpoints.indexOf(line);
    if (place >= 0) this.breakpoints.splice(place, 1);
    return place >= 0;
  }

  /** Shows one line: `->` is where the script is, `#` a breakpoint. */
  show(log: DebugLog, line: number): void {
    const arrow = line === this.currentLine ? "->" : "  ";
    const mark = this.isBreakpoint(line) ? "#" : " ";
    log.add(`${arrow}${mark}${String(line).padEnd(3)} ${this.lines[line - 1] ?? OUT_OF_RANGE}`);
  }

  /** Shows the lines that are at most `context` lines away from `around`; with 0 as `around`, all. */
  showAround(log: DebugLog, around: number, context: number): void {
    for (let line = 1; line <= this.lines.length; line++) {
      if (around === 0 || Math.abs(around - line) <= context) this.show(log, line);
    }
  }
}

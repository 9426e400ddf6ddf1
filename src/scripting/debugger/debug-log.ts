/**
 * What a debugger has to say: lines that are gathered until the client is next told something. Texts are one character
 * a byte. A value that is too long is cut, and the first time a hint tells how to have it whole.
 */

/** How long values are at first, and how short they can be made. */
const INITIAL_LENGTH = 256;
const LEAST_LENGTH = 60;
const CUT = " ...";
const CUT_HINT = "<hint> The above reply was trimmed. Use 'maxlen 0' to disable trimming.";

export class DebugLog {
  private lines: string[] = [];
  private maximum = INITIAL_LENGTH;
  private isHintGiven = false;

  /** Length at which values are cut; 0 if they are not. */
  get maximumLength(): number {
    return this.maximum;
  }

  /** Sets it, to a length that makes sense. Who does so needs no hint. */
  setMaximumLength(length: number): void {
    this.isHintGiven = true;
    this.maximum = length === 0 ? 0 : Math.max(length, LEAST_LENGTH);
  }

  add(line: string): void {
    this.lines.push(line);
  }

  /** Adds a line that may be cut. */
  addValue(line: string): void {
    if (this.maximum === 0 || line.length <= this.maximum) {
      this.add(line);
      return;
    }
    this.add(line.slice(0, this.maximum) + CUT);
    if (this.isHintGiven) return;
    this.isHintGiven = true;
    this.add(CUT_HINT);
  }

  /** What was added since the last call. */
  take(): readonly string[] {
    const { lines } = this;
    this.lines = [];
    return lines;
  }
}

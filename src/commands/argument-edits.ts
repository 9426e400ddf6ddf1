/**
 * Texts that take the place of some arguments of a command when it is repeated from the log: of XADD the id that was
 * chosen. One object of this class serves all commands of its kind, one after the other.
 */
export class ArgumentEdits {
  private count = 0;
  private readonly positions: number[] = [];
  private readonly texts: Buffer[] = [];
  private readonly lengths: number[] = [];

  get isEmpty(): boolean {
    return this.count === 0;
  }

  clear(): void {
    this.count = 0;
  }

  /** Puts the first `length` bytes of `text` in the place of argument `position`. They must stay as they are until the
   * edits have been used. */
  put(position: number, text: Buffer, length: number): void {
    this.positions[this.count] = position;
    this.texts[this.count] = text;
    this.lengths[this.count] = length;
    this.count++;
  }

  /** The number of the edit for an argument, for the two below; -1 if it has none. */
  find(position: number): number {
    for (let i = 0; i < this.count; i++) if (this.positions[i] === position) return i;
    return -1;
  }

  textOf(edit: number): Buffer {
    return this.texts[edit];
  }

  lengthOf(edit: number): number {
    return this.lengths[edit];
  }
}

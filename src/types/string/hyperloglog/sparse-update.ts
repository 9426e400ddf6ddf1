/**
 * Raising one register of a sparse HyperLogLog where it lies. The opcode that covers the register is divided: what it
 * covers before, a VAL of one register, what it covers behind. Then equal VALs side by side are joined, as far as five
 * opcodes reach. That is Redis's way, followed exactly, because which of many possible opcodes describe the registers
 * shows in the bytes.
 *
 * It takes two steps, between which the owner of the bytes makes room: `plan` finds out what must happen and changes
 * nothing, `apply` does it. Positions are kept relative to the value, which may move in between.
 */
import { HEADER_BYTES } from "./format.ts";
import { VAL, XZERO } from "./sparse.ts";

/** The register already holds as much. */
export const UNCHANGED = 0;
/** `growth` and `apply` tell the rest. */
export const CHANGED = 1;
/** No opcode covers the register. */
export const DAMAGED = 2;
/** More than a sparse register can hold. */
export const TOO_LARGE = 3;

/** The largest value of a VAL, and the most registers of a VAL and of a ZERO. */
const VALUE_MAX = 32;
const VAL_RUN_MAX = 4;
const ZERO_RUN_MAX = 64;
/** XZERO, VAL, XZERO. */
const LONGEST_SEQUENCE = 5;
const JOINED_OPCODES = 5;
const NONE = -1;

export class SparseUpdate {
  /** By how many bytes the planned update lengthens the value: -1 to 3. What `apply` joins is not counted. */
  growth = 0;
  /** The opcode to be divided, and the one before it, or NONE. */
  private at = 0;
  private opcodeBytes = 0;
  private previous = NONE;
  private first = 0;
  private run = 0;
  private readonly sequence = new Uint8Array(LONGEST_SEQUENCE);
  private sequenceBytes = 0;
  // Registers are often raised in order. Then the search goes on two opcodes before the last one found: no update
  // since has changed any opcode before that place, and it knows the one before whatever is found next.
  private resumeAt = HEADER_BYTES;
  private resumeFirst = 0;
  private lastIndex = NONE;

  /** Must be called when the value is another one, or was changed in other ways. */
  begin(): void {
    this.resumeAt = HEADER_BYTES;
    this.resumeFirst = 0;
    this.lastIndex = NONE;
  }

  /** Prepares raising register `index` to `value`, in the value of `length` bytes at `start`. */
  plan(bytes: Buffer, start: number, length: number, index: number, value: number): number {
    if (value > VALUE_MAX) return TOO_LARGE;
    if (index <= this.lastIndex) this.begin();
    if (!this.find(bytes, start, length, index)) return DAMAGED;
    if (this.previous === NONE && this.resumeAt > HEADER_BYTES) {
      this.begin();
      this.find(bytes, start, length, index);
    }
    this.lastIndex = index;
    const opcode = bytes[start + this.at];
    const present = opcode >= VAL ? ((opcode >>> 2) & 31) + 1 : 0;
    if (present >= value) return UNCHANGED;
    this.sequenceBytes = 0;
    this.append(present, index - this.first);
    this.append(value, 1);
    this.append(present, this.first + this.run - 1 - index);
    this.growth = this.sequenceBytes - this.opcodeBytes;
    return CHANGED;
  }

  /**
   * Does what was planned. `length` is the value's length as it was; if it grows, there is room. Returns the new one.
   */
  apply(bytes: Buffer, start: number, length: number): number {
    const { growth, sequence, sequenceBytes } = this;
    const at = start + this.at;
    const rest = at + this.opcodeBytes;
    if (growth !== 0) bytes.copyWithin(rest + growth, rest, start + length);
    for (let i = 0; i < sequenceBytes; i++) bytes[at + i] = sequence[i];
    return this.join(bytes, start, start + length + growth) - start;
  }

  /** Finds the opcode that covers the register; false if there is none. */
  private find(bytes: Buffer, start: number, length: number, index: number): boolean {
    const end = start + length;
    let at = start + this.resumeAt;
    let first = this.resumeFirst;
    let previous = NONE;
    let previousFirst = 0;
    let before = NONE;
    let beforeFirst = 0;
    while (at < end) {
      const opcode = bytes[at];
      let run = opcode + 1;
      let opcodeBytes = 1;
      if (opcode >= VAL) run = (opcode & 3) + 1;
      else if (opcode >= XZERO) {
        // An XZERO that is cut off counts as if a zero byte followed. If it is divided, all of it is written.
        opcodeBytes = at + 1 < end ? 2 : 1;
        run = (((opcode & 63) << 8) | (opcodeBytes === 2 ? bytes[at + 1] : 0)) + 1;
      }
      if (index < first + run) {
        this.at = at - start;
        this.opcodeBytes = opcodeBytes;
        this.first = first;
        this.run = run;
        this.previous = previous === NONE ? NONE : previous - start;
        if (before !== NONE) {
          this.resumeAt = before - start;
          this.resumeFirst = beforeFirst;
        }
        return true;
      }
      before = previous;
      beforeFirst = previousFirst;
      previous = at;
      previousFirst = first;
      at += opcodeBytes;
      first += run;
    }
    return false;
  }

  /** Adds `run` registers that hold `value` to the sequence that takes the opcode's place. */
  private append(value: number, run: number): void {
    const { sequence } = this;
    if (run === 0) return;
    if (value > 0) sequence[this.sequenceBytes++] = VAL | ((value - 1) << 2) | (run - 1);
    else if (run <= ZERO_RUN_MAX) sequence[this.sequenceBytes++] = run - 1;
    else {
      sequence[this.sequenceBytes++] = XZERO | ((run - 1) >>> 8);
      sequence[this.sequenceBytes++] = (run - 1) & 0xff;
    }
  }

  /** Joins equal VALs from the opcode before the divided one on. Returns the new end. */
  private join(bytes: Buffer, start: number, end: number): number {
    let at = start + (this.previous === NONE ? HEADER_BYTES : this.previous);
    for (let left = JOINED_OPCODES; left > 0 && at < end; left--) {
      const opcode = bytes[at];
      if (opcode < VAL) {
        at += opcode < XZERO ? 1 : 2;
        continue;
      }
      const next = at + 1 < end ? bytes[at + 1] : 0;
      // Equal but for the number of registers: it is a VAL, too, of the same value.
      const run = (opcode & 3) + 1 + (next & 3) + 1;
      if ((opcode | 3) === (next | 3) && run <= VAL_RUN_MAX) {
        // Stays on it, for it may join with the next one as well.
        bytes[at + 1] = (opcode & ~3) | (run - 1);
        bytes.copyWithin(at, at + 1, end);
        end--;
      } else at++;
    }
    return end;
  }
}

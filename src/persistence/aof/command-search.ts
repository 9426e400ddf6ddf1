/**
 * Finds where the next command begins behind damaged bytes of a file without checksums (one of stock Redis). It can
 * only be found by its looks, and a value may hold bytes that look like commands. So a place counts only if
 *
 *   - a line begins there, and the line before is not the length of a value (`$...`);
 *   - a command begins there that a log may hold, by its name and the number of its arguments;
 *   - no value whose length line is intact reaches over it: one that ends, as a value must, with a line end behind
 *     which something can begin.
 *
 * What remains doubtful, a value whose own length line is what was damaged, shows only in what follows: salvage.ts
 * decides about that.
 */
import type { FileHandle } from "../../base/files.ts";
import { fitsArity, knownCommand, needsSubcommand } from "./known-commands.ts";

const CHUNK_BYTES = 1 << 20;
/** A command's first three lines are no longer; nor is the length line of a value. */
const HEAD_BYTES = 256;
const LF = 0x0a;
const DOLLAR = 0x24;
const STAR = 0x2a;
const CR = 0x0d;

const LENGTH_LINE = /^\$([0-9]{1,12})\r\n/;
const COMMAND_HEAD = /^\*([0-9]{1,9})\r\n\$([0-9]{1,2})\r\n/;

/** The first place in file[from, limit) where a command seems to begin; undefined if there is none. */
export async function findCommand(
  file: FileHandle,
  from: number,
  limit: number,
): Promise<number | undefined> {
  const search = new CommandSearch(file, limit);
  return search.run(from);
}

class CommandSearch {
  readonly #file: FileHandle;
  readonly #limit: number;
  readonly #chunk: Buffer;
  #base = 0;
  #end = 0;
  /** Values with an intact length line reach up to here. */
  #coveredUpTo = 0;
  readonly #ending: Buffer = Buffer.alloc(3);

  constructor(file: FileHandle, limit: number) {
    this.#file = file;
    this.#limit = limit;
    this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES + HEAD_BYTES);
  }

  async run(from: number): Promise<number | undefined> {
    const chunk = this.#chunk;
    let isAfterLength = false;
    // One byte more, so that a line end right before is seen.
    for (let start = Math.max(0, from - 1); start < this.#limit; start += CHUNK_BYTES) {
      await this.#load(start);
      for (let at = from === 0 && start === 0 ? 0 : this.#lineAfter(0); at !== -1; at = this.#lineAfter(at)) {
        const first = chunk[at];
        const isFree = !isAfterLength && this.#base + at >= this.#coveredUpTo;
        if (first === STAR && isFree && this.#isCommand(at)) return this.#base + at;
        isAfterLength = first === DOLLAR;
        if (isAfterLength) await this.#takeLength(at);
      }
    }
    return undefined;
  }

  /** Where the next line begins after the line end at or behind `index`; -1 if that is the next chunk's to say. */
  #lineAfter(index: number): number {
    const lineEnd = this.#chunk.indexOf(LF, index);
    return lineEnd === -1 || lineEnd >= CHUNK_BYTES || lineEnd + 1 >= this.#end ? -1 : lineEnd + 1;
  }

  async #load(start: number): Promise<void> {
    const wanted = Math.min(this.#chunk.length, this.#limit - start);
    this.#base = start;
    this.#end = await this.#file.read(this.#chunk.subarray(0, wanted), start);
    if (this.#end < wanted) throw new Error("The file became shorter while it was read");
  }

  /** A log may hold the command that begins here. */
  #isCommand(at: number): boolean {
    const head = this.#chunk.toString("latin1", at, Math.min(this.#end, at + HEAD_BYTES));
    const match = COMMAND_HEAD.exec(head);
    if (match === null) return false;
    const [all, count, length] = match;
    const name = head.slice(all.length, all.length + Number(length)).toLowerCase();
    if (head.slice(all.length + Number(length), all.length + Number(length) + 2) !== "\r\n") return false;
    const known = knownCommand(name);
    if (known === undefined) return needsSubcommand(name);
    return known.isWrite && fitsArity(known, Number(count));
  }

  /** A value's length line: does the value end as one must? Then nothing begins within it. */
  async #takeLength(at: number): Promise<void> {
    const match = LENGTH_LINE.exec(this.#chunk.toString("latin1", at, Math.min(this.#end, at + 16)));
    if (match === null) return;
    const end = this.#base + at + match[0].length + Number(match[1]);
    if (end <= this.#coveredUpTo || end + 2 > this.#limit) return;
    const ending = this.#ending;
    const count = Math.min(3, this.#limit - end);
    if (end >= this.#base && end + count <= this.#base + this.#end) {
      this.#chunk.copy(ending, 0, end - this.#base, end - this.#base + count);
    } else {
      await this.#file.read(ending.subarray(0, count), end);
    }
    const follows = count === 3 ? ending[2] : STAR;
    const canFollow = follows === STAR || follows === DOLLAR || follows === 0x23;
    if (ending[0] === CR && ending[1] === LF && canFollow) this.#coveredUpTo = end + 2;
  }
}

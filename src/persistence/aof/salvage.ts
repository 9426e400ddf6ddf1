/**
 * Finds out what of a damaged AOF file can be kept, and what is lost. Changes nothing; who writes the new file
 * (tools/check-aof) follows the plan that comes out of it.
 *
 * The verifier reads up to where something is wrong. From there the next place is looked for where commands begin, and
 * so on up to the end:
 *
 *   - In a file of checksummed blocks that is the next intact block (evidence.ts). Exact: what is damaged is left out,
 *     whole blocks at a time, and nothing else. Where only blocks follow before which a piece of the file is missing,
 *     they are doubtful (displaced-blocks.ts).
 *   - In a file without checksums it is the next place that looks like a command (command-search.ts). The commands from
 *     there on (a run) are believed if the run reaches the end of the file; or if it is long, and ends in the middle of
 *     a command. A shorter one might be a value that holds commands and whose own length was damaged, and one that ends
 *     with something that begins no command most likely is: it is left out, and said to be doubtful.
 *
 * Transactions stay whole: if MULTI or EXEC is lost, the commands of the group are left out.
 *
 * Behind a gap the selected database may not be known. A block says it. Otherwise, if the whole file selects only one
 * database, it is that one; if not, commands are left out up to the next SELECT, unless the caller knows the database.
 */
import type { FileHandle } from "../../base/files.ts";
import { findCommand } from "./command-search.ts";
import { CommandWalk } from "./command-walk.ts";
import { findDisplaced } from "./displaced-blocks.ts";
import { findBlock, isUnwritten } from "./evidence.ts";
import { BLOCKS_HEADER, BLOCKS_HEADER_PREFIX } from "./format.ts";
import { isNearText, SalvageRun, type Segment } from "./salvage-run.ts";
import { type AofOutcome, AofVerifier } from "./verifier.ts";

/** A part of the file that is kept. Its ends lie between commands, and outside transactions. */
export interface KeptRange {
  readonly start: number;
  readonly end: number;
  readonly commands: number;
  /** The database to be selected before it; undefined where what comes before says it. */
  readonly db: number | undefined;
  /** Up to here its block lines are right as they are; `start` if it begins behind a gap. */
  readonly sealedUpTo: number;
}

export interface LostRange {
  readonly start: number;
  readonly end: number;
  readonly reason: string;
  /** "damaged": cannot be used. "zeros": nothing but zero bytes, or filling. "doubtful": may be part of a value.
   * "command": well-formed, but no server would execute it. "transaction": its other end is lost. "database": in which
   * database it was is not known. */
  readonly kind: "damaged" | "zeros" | "doubtful" | "command" | "transaction" | "database";
}

export interface SalvagePlan {
  readonly hasBlocks: boolean;
  /** The file begins with a block format that this version does not know, or is shorter than it must be: not to be
   * touched. (With blocks of ours behind it, or nothing at all, that line is damaged.) */
  readonly refusal: string | undefined;
  readonly size: number;
  readonly start: number;
  readonly kept: readonly KeptRange[];
  /** In order, none adjacent to another of the same kind and reason. Empty: the file is as it should be. */
  readonly lost: readonly LostRange[];
}

export interface SalvageOptions {
  /** Offset of the first command (after an RDB preamble). Default 0. */
  readonly start?: number;
  /** Bytes from here on are void. Default: the file's size. */
  readonly end?: number;
  readonly name?: string;
  /** Keep doubtful runs. */
  readonly keepsDoubtful?: boolean;
  /** Keep commands that Redis 7 does not know: of modules. */
  readonly keepsUnknown?: boolean;
  /** The database of commands of which it is not known. */
  readonly assumedDatabase?: number;
  readonly onProgress?: (position: number) => void;
}

/** A run that does not reach the file's end is believed from this size on. */
const TRUSTED_COMMANDS = 64;
const TRUSTED_BYTES = 64 * 1024;
/** What a file begins with, but for the digit. */
const FIRST_SELECT = "*2\r\n$6\r\nSELECT\r\n$1\r\n?\r\n";
const DAMAGED_START_BYTES = 16;
const CR = 0x0d;
const FIRST_LINE_DAMAGED = "The file's first line is damaged";

export async function planSalvage(file: FileHandle, options: SalvageOptions = {}): Promise<SalvagePlan> {
  return new Planner(file, options).plan();
}

/** Where commands begin again. */
interface FoundPlace {
  readonly start: number;
  readonly db: number | undefined;
  /** See AofVerifierOptions. */
  readonly missingBytes?: number;
}

interface Run {
  readonly run: SalvageRun;
  readonly outcome: AofOutcome;
}

class Planner {
  readonly #file: FileHandle;
  readonly #options: SalvageOptions;
  readonly #start: number;
  #size = 0;
  #hasBlocks = false;
  readonly #kept: { segment: Segment; db: number | undefined; sealedUpTo: number; followsGap: boolean }[] =
    [];
  readonly #lost: LostRange[] = [];
  readonly #databases = new Set<number>();

  constructor(file: FileHandle, options: SalvageOptions) {
    this.#file = file;
    this.#options = options;
    this.#start = options.start ?? 0;
  }

  async plan(): Promise<SalvagePlan> {
    this.#size = Math.min(await this.#file.size(), this.#options.end ?? Number.POSITIVE_INFINITY);
    let from: number | undefined = this.#start;
    let db: number | undefined;
    let missingBytes = 0;
    let isTrusted = true;
    let followsGap = false;
    const first = await this.#findFirstBlock();
    if (first !== undefined) {
      this.#lose(0, first.start, FIRST_LINE_DAMAGED, "damaged");
      from = first.start;
      db = first.db;
    } else if (await this.#isOnlyDamagedHeader()) {
      this.#hasBlocks = true;
      this.#lose(0, this.#size, FIRST_LINE_DAMAGED, "damaged");
      from = undefined;
    }
    while (from !== undefined && from < this.#size) {
      const found: Run = await this.#read(from, followsGap, missingBytes);
      const { problem, kind } = found.outcome;
      if (problem?.kind === "version") return this.#refuse(problem.reason);
      this.#hasBlocks ||= found.outcome.hasBlocks;
      let resume: number | undefined;
      const isDoubtful = missingBytes > 0 && this.#options.keepsDoubtful !== true;
      if (isDoubtful) resume = this.#rejectDisplaced(found, missingBytes);
      else if (isTrusted || this.#isBelievable(found)) resume = await this.#accept(found, db);
      else resume = this.#rejectRun(found);
      if (kind === "clean") break;
      const next: FoundPlace | undefined =
        resume === undefined ? await this.#findNext(found.outcome) : { start: resume, db: undefined };
      const end = next?.start ?? this.#size;
      if (end > found.outcome.validUpTo) await this.#loseDamaged(found, end);
      from = next?.start;
      db = next?.db;
      missingBytes = next?.missingBytes ?? 0;
      followsGap = true;
      isTrusted = this.#hasBlocks || resume !== undefined;
    }
    if (this.#databases.size === 0) await this.#lookForFirstSelect();
    const kept = this.#settleDatabases();
    this.#lost.sort((a, b) => a.start - b.start);
    return this.#plan(undefined, kept);
  }

  #plan(refusal: string | undefined, kept: readonly KeptRange[]): SalvagePlan {
    return {
      hasBlocks: this.#hasBlocks,
      refusal,
      size: this.#size,
      start: this.#start,
      kept,
      lost: this.#lost,
    };
  }

  #refuse(reason: string): SalvagePlan {
    return this.#plan(reason, []);
  }

  /** In a file of blocks whose first line is damaged: the first block. */
  async #findFirstBlock(): Promise<{ start: number; db: number | undefined } | undefined> {
    if (this.#start !== 0 || this.#size < BLOCKS_HEADER.length) return undefined;
    const head = Buffer.alloc(BLOCKS_HEADER.length);
    await this.#file.read(head, 0);
    if (head.equals(BLOCKS_HEADER)) return undefined;
    // Also where it names another version: that has no such blocks (format.ts).
    const found = await findBlock(this.#file, 0, this.#size);
    if (found === undefined) return undefined;
    this.#hasBlocks = true;
    return found;
  }

  /** Whether the file says that it consists of blocks of another version, and holds nothing. */
  async #isOnlyDamagedHeader(): Promise<boolean> {
    const { length } = BLOCKS_HEADER;
    if (this.#start !== 0 || this.#size < length) return false;
    const head = Buffer.alloc(length);
    await this.#file.read(head, 0);
    if (head.equals(BLOCKS_HEADER) || !head.toString("latin1").startsWith(BLOCKS_HEADER_PREFIX)) return false;
    return this.#size === length || isUnwritten(this.#file, length, this.#size);
  }

  async #read(from: number, followsGap: boolean, missingBytes: number): Promise<Run> {
    const { end, name } = this.#options;
    const verifier = await AofVerifier.open(this.#file, {
      start: from,
      inBlocks: this.#hasBlocks && from > this.#start,
      missingBytes,
      ...(end === undefined ? {} : { end: Math.min(end, this.#size) }),
      ...(name === undefined ? {} : { name }),
    });
    const inBlocks = this.#hasBlocks || (await this.#beginsWithBlocks());
    const run = new SalvageRun(this.#file, from, followsGap, !inBlocks, this.#options.keepsUnknown ?? false);
    for (let extent = await verifier.advance(); extent !== undefined; extent = await verifier.advance()) {
      await run.take(extent.start, extent.end);
      this.#options.onProgress?.(extent.end);
    }
    const outcome = verifier.outcome!;
    run.finish(outcome.validUpTo);
    return { run, outcome };
  }

  async #beginsWithBlocks(): Promise<boolean> {
    if (this.#start !== 0) return false;
    const head = Buffer.alloc(BLOCKS_HEADER.length);
    return (await this.#file.read(head, 0)) === head.length && head.equals(BLOCKS_HEADER);
  }

  /** Whether a run that was found by its looks is no part of a value. */
  #isBelievable({ run, outcome }: Run): boolean {
    if (this.#options.keepsDoubtful === true || outcome.kind === "clean") return run.commands > 0;
    const { problem, validUpTo } = outcome;
    if (problem?.kind === "start") return false;
    return run.commands >= TRUSTED_COMMANDS && validUpTo - run.start >= TRUSTED_BYTES;
  }

  /** Keeps a run. Returns where to go on if that is known. */
  async #accept(found: Run, db: number | undefined): Promise<number | undefined> {
    const { run, outcome } = found;
    const { problem, validUpTo } = outcome;
    if (problem?.kind === "start" && !this.#hasBlocks) return this.#acceptUpToValue(found, db);
    if (problem?.kind === "nesting" && problem.itemOffset !== undefined) {
      const { name, end: afterIt } = await this.#commandAt(problem.itemOffset);
      if (name === "multi") {
        // A MULTI within a transaction: the first one's end is missing.
        this.#keep(run, db, outcome);
        const end = (await this.#endOfBrokenGroup(validUpTo, problem.itemOffset)) ?? problem.itemOffset;
        this.#lose(validUpTo, end, "A transaction without its end", "transaction");
        return end;
      }
      // Of a block that holds half a transaction nothing can be used.
      const end = this.#hasBlocks ? validUpTo : afterIt;
      const { openSince } = run;
      if (openSince !== undefined) run.cutAt(openSince);
      this.#keep(run, db, outcome);
      if (openSince !== undefined)
        this.#lose(openSince, end, "A transaction whose beginning is lost", "transaction");
      else this.#lose(problem.itemOffset, end, "An EXEC without MULTI", "command");
      return this.#hasBlocks ? undefined : end;
    }
    this.#keep(run, db, outcome);
    if (problem?.kind !== "multi") return undefined;
    // The transaction that a file may end in; unless its EXEC is there and damaged.
    const end = await this.#endOfBrokenGroup(validUpTo, this.#size);
    if (end !== undefined) this.#lose(validUpTo, end, "A transaction without its end", "transaction");
    return end;
  }

  /** Keeps a run behind which no command begins: perhaps the last ones were none either. */
  async #acceptUpToValue(found: Run, db: number | undefined): Promise<undefined> {
    const { run, outcome } = found;
    const { validUpTo } = outcome;
    const head = Buffer.alloc(DAMAGED_START_BYTES);
    await this.#file.read(head, validUpTo);
    const isZeros = head.every((byte) => byte === 0);
    if (!isZeros && !isDamagedStart(head)) {
      let valueEnd = validUpTo;
      if (head[0] !== CR) {
        const next = await findCommand(this.#file, validUpTo + 1, this.#size);
        valueEnd = (next ?? this.#size) - 2;
      }
      const end = run.takeBack(valueEnd);
      this.#lose(end, validUpTo, "A command that ends where none begins", "damaged");
    }
    this.#keep(run, db, outcome);
  }

  /** The end of a damaged EXEC in file[start, limit), which begins with a MULTI; undefined if there is none. */
  async #endOfBrokenGroup(start: number, limit: number): Promise<number | undefined> {
    const walk = new CommandWalk(this.#file, start, limit);
    do {
      while (walk.next()) {
        if (walk.argumentCount === 1 && isNearText(walk.name, "exec")) return walk.endOffset;
      }
    } while (await walk.advance());
    return undefined;
  }

  /** Leaves a run out that may be part of a value. */
  #rejectRun({ run, outcome }: Run): undefined {
    this.#lose(
      run.start,
      outcome.validUpTo,
      `${run.commands} commands that may be part of a value`,
      "doubtful",
    );
    return undefined;
  }

  /** Leaves blocks out that were written for another place: a value may hold such, of another file. */
  #rejectDisplaced({ run, outcome }: Run, missingBytes: number): undefined {
    const { validUpTo } = outcome;
    const reason = `${run.commands} commands in intact blocks, before which ${missingBytes} bytes of the file are missing`;
    this.#lose(run.start, validUpTo, reason, "doubtful");
  }

  #keep(run: SalvageRun, db: number | undefined, outcome: AofOutcome): void {
    for (const each of run.databases) this.#databases.add(each);
    for (const { start, end, reason } of run.bad) this.#lose(start, end, reason, "command");
    for (const segment of run.segments) {
      const isWhole = segment.start === this.#start;
      const followsGap = !isWhole && segment.followsSelect;
      // What comes before the first SELECT of a file is of database 0.
      const isBeforeSelect = segment.knownFrom === undefined || segment.commandsBefore > 0;
      if (isWhole && segment.commands > 0 && isBeforeSelect) this.#databases.add(0);
      const sealedUpTo = isWhole ? Math.min(outcome.verifiedUpTo, segment.end) : segment.start;
      const ownDb = segment.start === run.start ? db : undefined;
      this.#kept.push({ segment, db: ownDb, sealedUpTo, followsGap });
    }
  }

  async #commandAt(offset: number): Promise<{ name: string; end: number }> {
    const walk = new CommandWalk(this.#file, offset, this.#size);
    do {
      if (walk.next()) return { name: walk.name, end: walk.endOffset };
    } while (await walk.advance());
    return { name: "", end: this.#size };
  }

  /** Where commands begin again behind what is wrong. */
  async #findNext(outcome: AofOutcome): Promise<FoundPlace | undefined> {
    const { problem, validUpTo } = outcome;
    if (this.#hasBlocks) {
      const blockStart = Math.max(outcome.verifiedUpTo, validUpTo);
      const inPlace = await findBlock(this.#file, blockStart, this.#size, blockStart);
      return inPlace ?? findDisplaced(this.#file, blockStart, this.#size);
    }
    if (problem?.kind === "multi") return undefined;
    const from = Math.max(validUpTo, problem?.itemOffset ?? 0) + 1;
    const start = await findCommand(this.#file, from, this.#size);
    return start === undefined ? undefined : { start, db: undefined };
  }

  async #loseDamaged({ outcome }: Run, end: number): Promise<void> {
    const { validUpTo, problem } = outcome;
    const isEmpty = await isUnwritten(this.#file, validUpTo, end);
    if (isEmpty) {
      this.#lose(validUpTo, end, `Nothing but zero bytes${this.#hasBlocks ? " or filling" : ""}`, "zeros");
      return;
    }
    const at = problem === undefined || problem.offset === validUpTo ? "" : ` (at offset ${problem.offset})`;
    this.#lose(validUpTo, end, `${problem?.reason || "The file ends inside a command"}${at}`, "damaged");
  }

  #lose(start: number, end: number, reason: string, kind: LostRange["kind"]): void {
    if (end > start) this.#lost.push({ start, end, reason, kind });
  }

  /** No SELECT is left: perhaps the one that a file begins with can still be read. */
  async #lookForFirstSelect(): Promise<void> {
    const head = Buffer.alloc(FIRST_SELECT.length);
    await this.#file.read(head, this.#start);
    const raw = head.toString("latin1");
    const text = raw.slice(0, 8) + raw.slice(8, 14).toUpperCase() + raw.slice(14);
    const near = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"].filter((digit) =>
      isNearText(text, FIRST_SELECT.replace("?", digit), 1),
    );
    if (near.length === 1) this.#databases.add(Number(near[0]));
  }

  /** Decides for each part behind a gap which database it is in, or leaves out what of it is not known. */
  #settleDatabases(): KeptRange[] {
    const { assumedDatabase } = this.#options;
    const [only] = this.#databases.size <= 1 ? this.#databases : [assumedDatabase];
    const kept: KeptRange[] = [];
    let isKnown = true;
    for (const { segment, db, sealedUpTo, followsGap } of this.#kept) {
      const { start, end, commands, knownFrom, commandsBefore } = segment;
      const known = db ?? assumedDatabase ?? only;
      const selectsFirst = commandsBefore === 0 && knownFrom !== undefined;
      if (followsGap) isKnown = false;
      if (isKnown || commands === 0 || selectsFirst) {
        kept.push({ start, end, commands, db: undefined, sealedUpTo });
        isKnown ||= selectsFirst;
      } else if (known !== undefined) {
        kept.push({ start, end, commands, db: known, sealedUpTo });
        isKnown = true;
      } else {
        const reason = "Commands whose database is not known";
        this.#lose(start, knownFrom ?? end, reason, "database");
        if (knownFrom !== undefined) {
          kept.push({
            start: knownFrom,
            end,
            commands: commands - commandsBefore,
            db: undefined,
            sealedUpTo: knownFrom,
          });
          isKnown = true;
        }
      }
    }
    return kept.filter((range) => range.end > range.start);
  }
}

/** Whether a command begins so whose first byte alone is wrong. */
function isDamagedStart(head: Buffer): boolean {
  return /^.[1-9][0-9]{0,8}\r\n\$/s.test(head.toString("latin1"));
}

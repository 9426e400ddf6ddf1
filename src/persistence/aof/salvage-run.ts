/**
 * One stretch of usable bytes during a salvage: walks over its commands, which the verifier has found well-formed, and
 * says what of them can be kept on their own. In a file without checksums a flipped bit may have made a command that no
 * server would execute; it is left out, and if it is one of a transaction, the transaction.
 *
 * It also follows which database is selected, because commands behind a gap mean something only in the right one.
 */
import type { FileHandle } from "../../base/files.ts";
import { CommandWalk } from "./command-walk.ts";
import { fitsArity, knownCommand, needsSubcommand } from "./known-commands.ts";

/** What of a stretch can be kept, in one piece. */
export interface Segment {
  readonly start: number;
  end: number;
  commands: number;
  /** Offset from which on the selected database is known: at a SELECT, or behind a transaction that holds one. */
  knownFrom: number | undefined;
  /** Commands before that. */
  commandsBefore: number;
  /** What was left out right before it may have been a SELECT. */
  readonly followsSelect: boolean;
}

/** A command, or transaction, that cannot be kept. */
export interface BadSpan {
  readonly start: number;
  readonly end: number;
  readonly reason: string;
}

/** One of the last commands of a run. */
interface RecentCommand {
  /** Where it begins, or its transaction. */
  readonly offset: number;
  readonly valueStart: number;
  readonly valueLength: number;
  /** Of the segment, before it. */
  readonly commandsBefore: number;
}

/** So many of the last commands are remembered. */
const RECENT_COMMANDS = 256;

export class SalvageRun {
  readonly start: number;
  readonly segments: Segment[] = [];
  bad: BadSpan[] = [];
  commands = 0;
  /** Behind a gap, or behind a command that was left out: a MULTI may have been in it, and all commands since may
   * belong to its transaction. */
  openSince: number | undefined;
  /** All databases that were selected. */
  readonly databases: Set<number> = new Set<number>();
  readonly #file: FileHandle;
  readonly #checksCommands: boolean;
  readonly #allowsUnknown: boolean;
  /** A ring. */
  readonly #recent: RecentCommand[] = [];
  #recentNext = 0;
  #segment: Segment;
  #groupStart: number | undefined;
  #groupCommands = 0;
  #groupReason: string | undefined;
  /** The group holds a SELECT, or what may have been one. */
  #selectsInGroup = false;
  /** Right behind MULTI, which is as good as before it. */
  #groupSelectsFirst = false;

  /**
   * @param followsGap whether something was lost right before it
   * @param checksCommands whether a command may be bad though it is well-formed: without checksums
   */
  constructor(
    file: FileHandle,
    start: number,
    followsGap: boolean,
    checksCommands: boolean,
    allowsUnknown: boolean,
  ) {
    this.#file = file;
    this.openSince = followsGap ? start : undefined;
    this.start = start;
    this.#checksCommands = checksCommands;
    this.#allowsUnknown = allowsUnknown;
    this.#segment = this.#newSegment(start, true);
  }

  /** Takes usable bytes, each time where the last ones ended. */
  async take(start: number, end: number): Promise<void> {
    const walk = new CommandWalk(this.#file, start, end);
    do {
      while (walk.next()) this.#takeCommand(walk);
    } while (await walk.advance());
    if (walk.isStuck) throw new Error("The file changed while it was read");
    this.#segment.end = end;
  }

  /** All is taken. */
  finish(end: number): void {
    this.#segment.end = end;
    this.#closeSegment();
  }

  #newSegment(start: number, followsSelect: boolean): Segment {
    return { start, end: start, commands: 0, knownFrom: undefined, commandsBefore: 0, followsSelect };
  }

  #closeSegment(): void {
    if (this.#segment.end > this.#segment.start) this.segments.push(this.#segment);
  }

  #takeCommand(walk: CommandWalk): void {
    this.commands++;
    if (this.#checksCommands) this.#remember(walk);
    const reason = this.#checksCommands ? this.#whyBad(walk) : undefined;
    if (this.#groupStart !== undefined) {
      this.#takeGroupCommand(walk, reason);
    } else if (reason !== undefined) {
      this.#leaveOut(walk.offset, walk.endOffset, reason, mayBeSelect(walk));
    } else if (walk.name === "multi") {
      this.#groupStart = walk.offset;
      this.#groupCommands = 1;
      this.#groupReason = undefined;
      this.#selectsInGroup = false;
      this.#groupSelectsFirst = false;
    } else {
      this.#segment.commands++;
      if (walk.name !== "select") return;
      this.databases.add(databaseOf(walk)!);
      this.#know(walk.offset, 1);
    }
  }

  #takeGroupCommand(walk: CommandWalk, reason: string | undefined): void {
    const begun = this.#groupStart!;
    this.#groupCommands++;
    this.#groupReason ??= reason;
    if (reason !== undefined && mayBeSelect(walk)) this.#selectsInGroup = true;
    if (walk.name === "select" && reason === undefined) {
      if (this.#groupCommands === 2) this.#groupSelectsFirst = true;
      this.#selectsInGroup = true;
      this.databases.add(databaseOf(walk)!);
    }
    if (walk.name !== "exec") return;
    this.#groupStart = undefined;
    this.openSince = undefined;
    if (this.#groupReason !== undefined) {
      this.#leaveOut(begun, walk.endOffset, `${this.#groupReason}, in a transaction`, this.#selectsInGroup);
      return;
    }
    if (this.#groupSelectsFirst) this.#know(begun, 0);
    this.#segment.commands += this.#groupCommands;
    if (this.#selectsInGroup) this.#know(walk.endOffset, 0);
  }

  /** From this offset on the database is known. `itself`: commands counted that lie behind it. */
  #know(from: number, itself: number): void {
    if (this.#segment.knownFrom !== undefined) return;
    this.#segment.knownFrom = from;
    this.#segment.commandsBefore = this.#segment.commands - itself;
  }

  #leaveOut(start: number, end: number, reason: string, hidesSelect: boolean): void {
    this.bad.push({ start, end, reason });
    this.openSince = end;
    this.#segment.end = start;
    this.#closeSegment();
    this.#segment = this.#newSegment(end, hidesSelect);
  }

  #remember(walk: CommandWalk): void {
    const recent = {
      offset: this.#groupStart ?? walk.offset,
      valueStart: walk.lastArgumentOffset,
      valueLength: walk.lastArgumentLength,
      commandsBefore: this.#segment.commands,
    };
    this.#recent[this.#recentNext] = recent;
    this.#recentNext = (this.#recentNext + 1) % RECENT_COMMANDS;
  }

  /**
   * Something that begins no command lies at the run's end. A value whose length lost a bit may be the reason: then it
   * really ends at `valueEnd`, and what was taken for commands since lies within it. Takes the commands from there on
   * back; if no value's length is so near to the right one, the last command alone.
   * @returns where the run ends now
   */
  takeBack(valueEnd: number): number {
    let found: RecentCommand | undefined;
    const newestFirst = [...this.#recent.slice(this.#recentNext), ...this.#recent.slice(0, this.#recentNext)];
    newestFirst.reverse();
    for (const each of newestFirst) {
      const length = valueEnd - each.valueStart;
      if (!isNearText(String(length), String(each.valueLength))) continue;
      found = each;
      break;
    }
    found ??= newestFirst[0];
    if (found === undefined) return this.start;
    this.bad = this.bad.filter(({ start }) => start < found.offset);
    this.cutAt(found.offset);
    const segment = this.segments.at(-1);
    if (segment === undefined || segment.end <= found.offset) return found.offset;
    segment.end = found.offset;
    segment.commands = found.commandsBefore;
    if (segment.knownFrom !== undefined && segment.knownFrom >= segment.end) segment.knownFrom = undefined;
    return found.offset;
  }

  /** Takes back everything from an offset on where a segment, or the run, begins. */
  cutAt(offset: number): void {
    while (this.segments.length > 0 && this.segments.at(-1)!.start >= offset) this.segments.pop();
  }

  #whyBad(walk: CommandWalk): string | undefined {
    const { name } = walk;
    const known = knownCommand(needsSubcommand(name) ? `${name}|${subcommandOf(walk)}` : name);
    if (known === undefined) {
      return this.#allowsUnknown && name !== ""
        ? undefined
        : `Unknown command '${printable(walk.argument(0)!)}'`;
    }
    if (!fitsArity(known, walk.argumentCount)) return `Wrong number of arguments for '${name}'`;
    if (name === "select" && databaseOf(walk) === undefined) return "SELECT of no database";
    return undefined;
  }
}

function subcommandOf(walk: CommandWalk): string {
  const second = walk.argument(1);
  return second === undefined ? "" : second.toString("latin1", 0, 32).toLowerCase();
}

/** Whether a command that makes no sense may have been a SELECT before it was damaged. */
function mayBeSelect({ argumentCount, name }: CommandWalk): boolean {
  return argumentCount <= 3 && (name.length === 6 || argumentCount !== 2);
}

/** The database that a SELECT names. */
export function databaseOf(walk: CommandWalk): number | undefined {
  const text = walk.argument(1)?.toString("latin1", 0, 16) ?? "";
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
}

/** A damaged byte has so many wrong bits at most, to be recognised. */
const WRONG_BITS_MAX = 2;

/** Whether two texts of one length differ in a few bits only. */
export function isNearText(a: string, b: string, wrongBitsMax: number = WRONG_BITS_MAX): boolean {
  if (a.length !== b.length) return false;
  let bits = 0;
  for (let i = 0; i < a.length; i++) {
    for (let rest = a.charCodeAt(i) ^ b.charCodeAt(i); rest !== 0; rest &= rest - 1) bits++;
  }
  return bits <= wrongBitsMax;
}

const SHOWN_BYTES = 64;

/** Bytes as people can read them in a line; long ones are cut. */
export function printable(bytes: Buffer): string {
  let text = "";
  for (const byte of bytes.subarray(0, SHOWN_BYTES)) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c && byte !== 0x27;
    text += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return bytes.length > SHOWN_BYTES ? `${text}...` : text;
}

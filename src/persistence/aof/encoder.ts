/**
 * Turns executed commands into the RESP bytes of the append-only file, straight into the open block's buffer.
 * Owns what those bytes mean in sequence: which database the last one selected, which second was last announced by
 * a `#TS:` line, and whether a MULTI is open. Does not know about files or blocks: block-log.ts gives it room and
 * decides where a block begins and ends.
 *
 * Invariant: outside a group, and with no command begun, the bytes from `blockStart` to `end` are whole commands.
 *
 * This is the hot path of every write: nothing is allocated per command, and lengths are written digit by digit.
 */
import { copyBytes } from "../../base/byte-copy.ts";
import type { Clock } from "../../base/clock.ts";
import { integerLength, writeInteger } from "../../base/numbers.ts";
import { rawEnd, rawStart } from "../../protocol/raw-request.ts";
import type { Request } from "../../protocol/request.ts";
import { NO_DATABASE } from "../gathered-bytes.ts";
import { OLD_LINE } from "./format.ts";

/** Room kept free behind the open block, for the line that closes it (see block-log.ts). */
export const BLOCK_LINE_ROOM = 64;

const CR = 13;
const LF = 10;
const STAR = 42;
const DOLLAR = 36;

const MULTI = Buffer.from("*1\r\n$5\r\nMULTI\r\n");
const EXEC = Buffer.from("*1\r\n$4\r\nEXEC\r\n");
const SELECT_HEAD = Buffer.from("*2\r\n$6\r\nSELECT\r\n");
const TIMESTAMP_HEAD = Buffer.from("#TS:");
const OLD = Buffer.from(OLD_LINE);

/** The most that can come before a command: a #TS line, MULTI, SELECT with its argument, #OLD, `*argc`; and EXEC, which
 * comes after. */
const AROUND_COMMAND = 128;
/** The most that surrounds one argument: `$`, ten digits and two line ends. */
const AROUND_ARGUMENT = 15;

/** A buffer of at least `neededBytes` that begins with a copy of `open`, the open block's bytes in the present one. */
export type AllocateBlockRoom = (neededBytes: number, open: Buffer) => Buffer;

/** The bytes of `SELECT db`, with which a block is continued in another file. */
export function encodeSelect(db: number): Buffer {
  const text = String(db);
  return Buffer.concat([SELECT_HEAD, Buffer.from(`$${text.length}\r\n${text}\r\n`)]);
}

/** The open group, out of its block. */
export interface LiftedGroup {
  readonly bytes: Buffer;
  /** Where in them MULTI will stand. */
  readonly offset: number;
  readonly depth: number;
  readonly db: number;
}

export class AofEncoder {
  /** Holds the open block; replaced when it is full. */
  buf: Buffer;
  /** Offset in `buf` of the open block's first byte. */
  blockStart = 0;
  /** Offset in `buf` behind the last appended byte. */
  end = 0;
  /** Database that the bytes so far leave selected in the present file; -1 at the start of a file. */
  writtenDb = NO_DATABASE;
  /** Whether `#TS:` lines are written (aof-timestamp-enabled). */
  timestamps = true;

  private readonly clock: Clock;
  private readonly allocate: AllocateBlockRoom;
  private limit: number;
  private wantedDb = 0;
  private nextTimestampMs = 0;
  private argumentsLeft = 0;
  private namesOldKeys = false;
  private groupDepth = 0;
  private groupCommands = 0;
  private groupStart = 0;
  /** As of the beginning of the group: bytes of the block, and the database selected. */
  private bytesBefore = 0;
  private dbBefore = NO_DATABASE;

  constructor(clock: Clock, buffer: Buffer, allocate: AllocateBlockRoom) {
    this.clock = clock;
    this.allocate = allocate;
    this.buf = buffer;
    this.limit = this.buf.length - BLOCK_LINE_ROOM;
  }

  /** Names the database that the commands from now on work in. A SELECT is written only before the next command,
   * and only if the file has another one selected. */
  select(db: number): void {
    this.wantedDb = db;
  }

  /** Says that all keys of the next command exist. */
  noteOldKeys(): void {
    this.namesOldKeys = true;
  }

  /** Appends a decoded request as it came. */
  command(request: Request): void {
    const raw = rawStart(request);
    if (raw < 0) {
      this.encode(request);
      return;
    }
    const length = rawEnd(request) - raw;
    if (this.end + AROUND_COMMAND + length > this.limit) this.grow(AROUND_COMMAND + length);
    this.beginUnchecked();
    copyBytes(request.buf, raw, this.buf, this.end, length);
    this.end += length;
  }

  private encode(request: Request): void {
    const argc = request.argc;
    const start = request.start;
    const len = request.len;
    const need = AROUND_COMMAND + argc * AROUND_ARGUMENT + request.argumentBytes;
    if (this.end + need > this.limit) this.grow(need);
    this.beginUnchecked();
    this.putLength(STAR, argc);
    const source = request.buf;
    for (let i = 0; i < argc; i++) this.put(source, start[i], len[i]);
  }

  /** Begins a command of `argc` arguments, its name included. Exactly that many argument calls must follow. */
  begin(argc: number): void {
    if (argc < 1) throw new Error("AOF command without a name");
    if (this.end + AROUND_COMMAND > this.limit) this.grow(AROUND_COMMAND);
    this.beginUnchecked();
    this.argumentsLeft = argc;
    this.putLength(STAR, argc);
  }

  /** Appends one argument: ASCII text such as a command's name or an option. */
  argumentText(text: string): void {
    const length = text.length;
    this.takeArgument(length);
    this.putLength(DOLLAR, length);
    const buf = this.buf;
    let position = this.end;
    for (let i = 0; i < length; i++) buf[position++] = text.charCodeAt(i);
    buf[position] = CR;
    buf[position + 1] = LF;
    this.end = position + 2;
  }

  /** Appends one argument: `length` bytes of `source` from `start`. */
  argumentRange(source: Uint8Array, start: number, length: number): void {
    this.takeArgument(length);
    this.put(source, start, length);
  }

  /** Appends one argument: a safe integer in decimal digits. */
  argumentInteger(value: number): void {
    const length = integerLength(value);
    this.takeArgument(length);
    this.putLength(DOLLAR, length);
    this.end = writeInteger(this.buf, this.end, value);
    this.putLineEnd();
  }

  /** Everything until the matching `endGroup` takes effect as a whole: it is wrapped in MULTI and EXEC as soon as it
   * is more than one command. Groups may nest; the outermost counts. */
  beginGroup(): void {
    if (this.groupDepth++ > 0) return;
    this.groupCommands = 0;
    this.bytesBefore = this.end - this.blockStart;
    this.dbBefore = this.writtenDb;
  }

  /** Takes an open group out, if there is something before it in the block: what then is there is whole. It must be put
   * back before anything else is appended. */
  liftGroup(): LiftedGroup | undefined {
    if (this.groupDepth === 0 || this.bytesBefore === 0) return undefined;
    const start = this.blockStart + this.bytesBefore;
    const lifted = {
      bytes: Buffer.from(this.buf.subarray(start, this.end)),
      offset: this.groupStart - start,
      depth: this.groupDepth,
      db: this.writtenDb,
    };
    this.dropGroup();
    return lifted;
  }

  putGroup({ bytes, offset, depth, db }: LiftedGroup): void {
    if (this.end + bytes.length > this.limit) this.grow(bytes.length);
    this.bytesBefore = this.end - this.blockStart;
    this.dbBefore = this.writtenDb;
    this.groupStart = this.end + offset;
    this.groupDepth = depth;
    this.writtenDb = db;
    this.buf.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** Takes the open group back, as if it had never begun. */
  dropGroup(): void {
    if (this.groupDepth === 0) throw new Error("dropGroup without beginGroup");
    this.groupDepth = 0;
    this.end = this.blockStart + this.bytesBefore;
    this.writtenDb = this.dbBefore;
  }

  endGroup(): void {
    if (this.groupDepth === 0) throw new Error("endGroup without beginGroup");
    if (--this.groupDepth > 0 || this.groupCommands < 2) return;
    if (this.end + EXEC.length > this.limit) this.grow(EXEC.length);
    this.putBytes(EXEC);
  }

  /** True while the bytes up to `end` are not whole: inside a group, or a command lacks arguments. */
  get isMidway(): boolean {
    return this.groupDepth > 0 || this.argumentsLeft > 0;
  }

  /** The next bytes go to another file, which starts with no database selected and no second announced. */
  startFile(): void {
    this.writtenDb = NO_DATABASE;
    this.nextTimestampMs = 0;
  }

  /** Places the next block at `offset` of `buffer`. */
  startBlock(buffer: Buffer, offset: number): void {
    this.buf = buffer;
    this.limit = buffer.length - BLOCK_LINE_ROOM;
    this.blockStart = offset;
    this.end = offset;
  }

  /** Writes what must stand before a command. There is room. */
  private beginUnchecked(): void {
    if (this.argumentsLeft > 0) throw new Error(`AOF command lacks ${this.argumentsLeft} arguments`);
    if (this.groupDepth > 0) this.countGroupCommand();
    else if (this.timestamps && this.clock.nowMs >= this.nextTimestampMs) this.putTimestamp();
    if (this.wantedDb !== this.writtenDb) this.putSelect();
    // The group begins behind its first SELECT, so that MULTI can be put there once a second command shows up.
    if (this.groupDepth > 0 && this.groupCommands === 1) this.groupStart = this.end;
    if (this.namesOldKeys) this.putOld();
  }

  /** Counts a command of a group; the second one puts MULTI in front of the first, which until then stood alone. */
  private countGroupCommand(): void {
    if (++this.groupCommands === 1) {
      if (this.timestamps && this.clock.nowMs >= this.nextTimestampMs) this.putTimestamp();
      return;
    }
    if (this.groupCommands !== 2) return;
    this.buf.copyWithin(this.groupStart + MULTI.length, this.groupStart, this.end);
    this.buf.set(MULTI, this.groupStart);
    this.end += MULTI.length;
  }

  private takeArgument(length: number): void {
    if (this.argumentsLeft === 0) throw new Error("AOF argument outside a command");
    this.argumentsLeft--;
    const need = length + AROUND_ARGUMENT;
    if (this.end + need > this.limit) this.grow(need);
  }

  private put(source: Uint8Array, start: number, length: number): void {
    this.putLength(DOLLAR, length);
    const buf = this.buf;
    copyBytes(source, start, buf, this.end, length);
    const position = this.end + length;
    buf[position] = CR;
    buf[position + 1] = LF;
    this.end = position + 2;
  }

  private putLength(prefix: number, length: number): void {
    const buf = this.buf;
    buf[this.end] = prefix;
    const position = writeInteger(buf, this.end + 1, length);
    buf[position] = CR;
    buf[position + 1] = LF;
    this.end = position + 2;
  }

  private putLineEnd(): void {
    this.buf[this.end] = CR;
    this.buf[this.end + 1] = LF;
    this.end += 2;
  }

  private putBytes(bytes: Buffer): void {
    this.buf.set(bytes, this.end);
    this.end += bytes.length;
  }

  private putTimestamp(): void {
    const second = Math.floor(this.clock.nowMs / 1000);
    this.nextTimestampMs = (second + 1) * 1000;
    this.putBytes(TIMESTAMP_HEAD);
    this.end = writeInteger(this.buf, this.end, second);
    this.putLineEnd();
  }

  private putOld(): void {
    this.putBytes(OLD);
    this.namesOldKeys = false;
  }

  private putSelect(): void {
    this.putBytes(SELECT_HEAD);
    this.putLength(DOLLAR, integerLength(this.wantedDb));
    this.end = writeInteger(this.buf, this.end, this.wantedDb);
    this.putLineEnd();
    this.writtenDb = this.wantedDb;
  }

  /** Moves the open block to a larger buffer. The old one is left alone, since its earlier blocks may be on their way
   * to the disk. */
  private grow(need: number): void {
    const openBytes = this.end - this.blockStart;
    const open = this.buf.subarray(this.blockStart, this.end);
    const next = this.allocate(openBytes + need + BLOCK_LINE_ROOM, open);
    this.groupStart -= this.blockStart;
    this.startBlock(next, 0);
    this.end = openBytes;
  }
}

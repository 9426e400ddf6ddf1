/**
 * What ZUNION, ZINTER and ZDIFF combine: sorted sets, and sets, whose members count as if their scores were 1. An
 * operand is gone through element by element, and members are looked up in it; both at the same time, in the same
 * operand too.
 */
import { WRONG_TYPE } from "../../protocol/errors.ts";
import type { TableElement } from "../../types/element-table/bucket.ts";
import { SET } from "../../types/set/set-encoding.ts";
import type { SetMembers } from "../../types/set/set-members.ts";
import { SORTED_SET, type SortedElements } from "../../types/sorted-set/sorted-set.ts";
import { scoreIn } from "../../types/sorted-set/table-score.ts";
import type { CommandContext } from "../context.ts";
import { setTools } from "../set-access.ts";
import { sortedSetTools } from "../sorted-set-access.ts";

export interface Operand {
  /** Of the entry; 0 if there is none. */
  readonly address: number;
  readonly size: number;
  /** What the scores of this operand are multiplied with. */
  weight: number;
  /** Goes before the first element. Only one operand can be gone through at a time. */
  begin(): void;
  /** Goes to the next element; false after the last. */
  next(): boolean;
  /** The element that `next` went to. */
  readonly score: number;
  readonly memberBuffer: Buffer;
  readonly memberStart: number;
  readonly memberLength: number;
  /** Root of the table of its members; 0 if it has none, because it is small or not there. */
  readonly tableRoot: number;
  /** The score of the member that this element of the table is. */
  scoreIn(element: TableElement): number;
  /** The score of this member, NaN if it is not in the operand. */
  scoreOf(buffer: Buffer, start: number, length: number): number;
}

/** A sorted set, or the absence of a key. */
class SortedSetOperand implements Operand {
  readonly address: number;
  readonly size: number;
  readonly tableRoot: number;
  weight = 1;
  private readonly ctx: CommandContext;
  private elements!: SortedElements;
  private left = 0;

  constructor(ctx: CommandContext, address: number) {
    this.ctx = ctx;
    this.address = address;
    if (address === 0) {
      this.size = 0;
      this.tableRoot = 0;
      return;
    }
    const { elements } = sortedSetTools(ctx.keyspace).entry.open(ctx.db, address);
    this.size = elements.size;
    this.tableRoot = elements.tableRoot;
  }

  begin(): void {
    this.left = this.size;
    if (this.size === 0) return;
    this.elements = sortedSetTools(this.ctx.keyspace).entry.open(this.ctx.db, this.address).elements;
  }

  next(): boolean {
    if (this.left === 0) return false;
    if (this.left === this.size) this.elements.seek(0);
    else this.elements.next();
    this.left--;
    return true;
  }

  get score(): number {
    return this.elements.score;
  }

  get memberBuffer(): Buffer {
    return this.elements.memberBuffer;
  }

  get memberStart(): number {
    return this.elements.memberStart;
  }

  get memberLength(): number {
    return this.elements.memberLength;
  }

  scoreOf(buffer: Buffer, start: number, length: number): number {
    if (this.size === 0) return Number.NaN;
    const { elements } = sortedSetTools(this.ctx.keyspace).other.open(this.ctx.db, this.address);
    return elements.find(buffer, start, length) ? elements.score : Number.NaN;
  }

  scoreIn(element: TableElement): number {
    return scoreIn(element);
  }
}

class SetOperand implements Operand {
  readonly address: number;
  readonly size: number;
  readonly tableRoot: number;
  weight = 1;
  readonly score = 1;
  private readonly ctx: CommandContext;
  private members!: SetMembers;

  constructor(ctx: CommandContext, address: number) {
    this.ctx = ctx;
    this.address = address;
    const { members } = setTools(ctx.keyspace).entry.open(ctx.db, address);
    this.size = members.size;
    this.tableRoot = members.tableRoot;
  }

  begin(): void {
    this.members = setTools(this.ctx.keyspace).entry.open(this.ctx.db, this.address).members;
    this.members.begin();
  }

  next(): boolean {
    return this.members.next();
  }

  get memberBuffer(): Buffer {
    return this.members.buffer;
  }

  get memberStart(): number {
    return this.members.start;
  }

  get memberLength(): number {
    return this.members.length;
  }

  scoreOf(buffer: Buffer, start: number, length: number): number {
    const { members } = setTools(this.ctx.keyspace).other.open(this.ctx.db, this.address);
    return members.find(buffer, start, length) ? 1 : Number.NaN;
  }

  scoreIn(): number {
    return this.score;
  }
}

/** The operands under the keys that are arguments `first` to `last`; undefined after an error reply. */
export function readOperands(ctx: CommandContext, first: number, last: number): Operand[] | undefined {
  const { db, keyspace, reply, request } = ctx;
  const operands: Operand[] = [];
  for (let i = first; i <= last; i++) {
    const address = db.lookupRead(request.buf, request.start[i], request.len[i]);
    const type = address === 0 ? SORTED_SET : keyspace.entries.type(address);
    if (type !== SORTED_SET && type !== SET) {
      reply.error(WRONG_TYPE);
      return undefined;
    }
    operands.push(type === SET ? new SetOperand(ctx, address) : new SortedSetOperand(ctx, address));
  }
  return operands;
}

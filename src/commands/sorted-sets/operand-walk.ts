/**
 * Goes through operands, one after the other, finds each member's score in others, and takes what belongs to the
 * result. Of an operand that has a table, that is what is gone through: by a join with another operand's, if that one
 * is not much larger.
 */
import type { Keyspace } from "../../keyspace/keyspace.ts";
import { ElementWalk } from "../../types/element-table/element-walk.ts";
import { FoundElements } from "../../types/element-table/found-elements.ts";
import { TableJoin } from "../../types/element-table/table-join.ts";
import { SCORE_BYTES } from "../../types/sorted-set/table-score.ts";
import type { TreeSortedSet } from "../../types/sorted-set/tree-sorted-set.ts";
import type { ValueMemory } from "../../types/value-memory.ts";
import type { Operand } from "./operands.ts";

let lastWalk: OperandWalk | undefined;

export class OperandWalk {
  /** The present member, and its score. */
  buffer!: Buffer;
  start = 0;
  length = 0;
  score = 0;
  /** The result, of which only the table is made yet: for those that are done with taking. */
  result!: TreeSortedSet;
  readonly memory: ValueMemory;
  private readonly walk: ElementWalk;
  private readonly join: TableJoin;
  private operand!: Operand;
  private other: Operand | undefined;
  private isJoined = false;
  /** What was taken from tables, and its scores. */
  private readonly found: FoundElements;
  private scores: number[] = [];

  constructor(memory: ValueMemory) {
    this.memory = memory;
    this.walk = new ElementWalk(memory.blocks);
    this.join = new TableJoin(memory.blocks);
    this.found = new FoundElements(memory.blocks, SCORE_BYTES);
  }

  /** Goes to before the first element of an operand. `other` is the one for `otherScore`. */
  begin(operand: Operand, other?: Operand): void {
    this.operand = operand;
    this.other = other;
    const root = operand.tableRoot;
    const otherRoot = other === undefined ? 0 : other.tableRoot;
    this.isJoined = root !== 0 && otherRoot !== 0 && this.join.isCheaper(root, otherRoot);
    if (root === 0) operand.begin();
    else if (this.isJoined) this.join.begin(root, otherRoot);
    else this.walk.begin(root);
  }

  /** Turns to the next element; false at the end. */
  next(): boolean {
    const { operand } = this;
    if (operand.tableRoot === 0) {
      if (!operand.next()) return false;
      this.buffer = operand.memberBuffer;
      this.start = operand.memberStart;
      this.length = operand.memberLength;
      this.score = operand.score;
      return true;
    }
    const walk = this.isJoined ? this.join : this.walk;
    if (!walk.next()) return false;
    const { element } = walk;
    this.buffer = element.buffer;
    this.start = element.keyStart;
    this.length = element.keyLength;
    this.score = operand.scoreIn(element);
    return true;
  }

  /** The score that the present member has in the other operand; NaN if that does not have it. */
  get otherScore(): number {
    const { isJoined, join, other } = this;
    if (!isJoined) return this.scoreIn(other!);
    return join.isMatched ? other!.scoreIn(join.match) : Number.NaN;
  }

  /** The score that the present member has in any operand; NaN if that does not have it. */
  scoreIn(operand: Operand): number {
    return operand.scoreOf(this.buffer, this.start, this.length);
  }

  // A result is begun by `beginResult`, and made by `endResult` of all that was taken meanwhile. Until then, none of
  // the operands must change.

  /** @param result is empty */
  beginResult(result: TreeSortedSet): void {
    this.result = result;
    this.found.clear();
    this.scores = [];
  }

  /** Takes the present member, which was not taken before, with this score. */
  take(score: number): void {
    const { buffer, start, length } = this;
    if (this.operand.tableRoot === 0) {
      this.result.tallyNew(score, buffer, start, length);
      return;
    }
    const { reference, at } = this.isJoined ? this.join : this.walk;
    this.found.add(reference, at, this.memory.keyHash.of(buffer, start, length), length);
    this.scores.push(score);
  }

  endResult(): void {
    this.tallyTaken();
    this.result.arrange();
  }

  /** Has everything that was taken in the table of the result, where scores can still be changed. */
  tallyTaken(): void {
    const { found, result, scores } = this;
    if (result.tallied === 0) {
      result.tallyFound(found, scores);
    } else {
      for (let i = 0; i < found.count; i++) {
        const { buffer, keyStart, keyLength } = found.open(i);
        result.tallyNew(scores[i], buffer, keyStart, keyLength);
      }
    }
    found.clear();
    this.scores = [];
  }
}

/** The one of a keyspace: commands run one after the other. */
export function operandWalk({ memory }: Keyspace): OperandWalk {
  if (lastWalk?.memory !== memory) lastWalk = new OperandWalk(memory);
  return lastWalk;
}

/**
 * Ranges in the arguments of commands: by score ("5", "(5", "-inf") and by member ("[a", "(a", "-", "+").
 */
import type { Request } from "../../protocol/request.ts";
import { MemberBound, type MemberRange, type ScoreRange } from "../../types/sorted-set/bounds.ts";
import { readScoreBound } from "../sorted-set-access.ts";

const PLUS = 0x2b;
const MINUS = 0x2d;
const OPEN_PARENTHESIS = 0x28;
const OPEN_BRACKET = 0x5b;

/** Reads a range of scores from the arguments with its lower and its upper end; false if one of them is no number. */
export function readScoreRange(request: Request, lower: number, upper: number, into: ScoreRange): boolean {
  return (
    readScoreBound(request, lower, false, into.lower) && readScoreBound(request, upper, true, into.upper)
  );
}

/** Reads a range of members; false if it is none. It refers to the request's bytes. */
export function readMemberRange(request: Request, lower: number, upper: number, into: MemberRange): boolean {
  return (
    readMemberBound(request, lower, false, into.lower) && readMemberBound(request, upper, true, into.upper)
  );
}

function readMemberBound(request: Request, i: number, isUpper: boolean, into: MemberBound): boolean {
  const { buf } = request;
  const start = request.start[i];
  const length = request.len[i];
  if (length === 0) return false;
  const first = buf[start];
  into.isInfinite = first === PLUS || first === MINUS;
  if (into.isInfinite) {
    into.includesEqual = first === PLUS;
    return length === 1 || buf[start + 1] === 0;
  }
  into.includesEqual = (first === OPEN_PARENTHESIS) !== isUpper;
  into.buffer = buf;
  into.start = start + 1;
  into.length = length - 1;
  return first === OPEN_PARENTHESIS || first === OPEN_BRACKET;
}

/**
 * Intersection, union and difference of sets. Sets are given by the addresses of their entries, 0 for one that is not
 * there. A walk (`entry` of the tools) and lookups (`other`) go on at the same time.
 */
import type { SetMembers } from "../../types/set/set-members.ts";
import type { CommandContext } from "../context.ts";
import { isSetOrReply, type SetResult, setTools } from "../set-access.ts";

/** The sets under the keys that are arguments `first` to `last`; undefined after an error reply. */
export function readSets(ctx: CommandContext, first: number, last: number): number[] | undefined {
  const { buf, start, len } = ctx.request;
  const sets: number[] = [];
  for (let i = first; i <= last; i++) {
    const address = ctx.db.lookupRead(buf, start[i], len[i]);
    if (address !== 0 && !isSetOrReply(ctx, address)) return undefined;
    sets.push(address);
  }
  return sets;
}

function sizeOf(ctx: CommandContext, set: number): number {
  return set === 0 ? 0 : setTools(ctx.keyspace).other.open(ctx.db, set).members.size;
}

/** Turns to a set for a walk from its first member. */
function walk(ctx: CommandContext, set: number): SetMembers {
  const { members } = setTools(ctx.keyspace).entry.open(ctx.db, set);
  members.begin();
  return members;
}

/** Whether the present member of a walk is in this set. */
function isIn(ctx: CommandContext, members: SetMembers, set: number): boolean {
  return setTools(ctx.keyspace).other.open(ctx.db, set).members.findPresentOf(members);
}

/** Shows `visit` each member of the intersection, until it returns false. */
export function intersect(
  ctx: CommandContext,
  sets: readonly number[],
  visit: (members: SetMembers) => boolean,
): void {
  if (sets.includes(0)) return;
  const sizes = new Map(sets.map((set) => [set, sizeOf(ctx, set)]));
  const [smallest, ...others] = [...sizes.keys()].sort((a, b) => sizes.get(a)! - sizes.get(b)!);
  const members = walk(ctx, smallest);
  while (members.next()) {
    let k = 0;
    while (k < others.length && isIn(ctx, members, others[k])) k++;
    if (k === others.length && !visit(members)) return;
  }
}

/** Adds all members of the sets to `into`. */
export function unite(ctx: CommandContext, sets: readonly number[], into: SetResult): void {
  for (const set of sets) {
    if (set === 0) continue;
    const members = walk(ctx, set);
    while (members.next()) into.addPresentOf(members);
  }
}

/** What a difference costs less with: looking up each member of the first set in all others. */
export function isLookupCheaper(ctx: CommandContext, sets: readonly number[]): boolean {
  const present = sets.filter((set) => set !== 0);
  const lookups = sizeOf(ctx, sets[0]) * present.length;
  const members = present.reduce((sum, set) => sum + sizeOf(ctx, set), 0);
  // A lookup is less work than to add a member and perhaps remove it.
  return Math.floor(lookups / 2) <= members;
}

/** Whether the difference is empty whatever the sets hold. */
export function isEmptyDifference([first, ...others]: readonly number[]): boolean {
  return first === 0 || others.includes(first);
}

/** Shows `visit` each member of the first set that is in no other one, by lookups. */
export function subtractByLookup(
  ctx: CommandContext,
  [first, ...others]: readonly number[],
  visit: (members: SetMembers) => void,
): void {
  const sizes = new Map(others.filter((set) => set !== 0).map((set) => [set, sizeOf(ctx, set)]));
  // Larger ones first: they are likelier to have it.
  const sorted = [...sizes.keys()].sort((a, b) => sizes.get(b)! - sizes.get(a)!);
  const members = walk(ctx, first);
  while (members.next()) {
    let k = 0;
    while (k < sorted.length && !isIn(ctx, members, sorted[k])) k++;
    if (k === sorted.length) visit(members);
  }
}

/** Adds the members of the first set to `into`, and removes those of the others. */
export function subtractByRemoval(
  ctx: CommandContext,
  [first, ...others]: readonly number[],
  into: SetResult,
): void {
  unite(ctx, [first], into);
  const left = into.members;
  for (const set of others) {
    if (set === 0) continue;
    const members = walk(ctx, set);
    while (members.next()) if (left.findPresentOf(members)) left.remove();
    if (left.size === 0) return;
  }
}

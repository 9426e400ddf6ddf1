/**
 * Intersection, union and difference of sets. Sets are given by the addresses of their entries, 0 for one that is not
 * there. A walk (`entry` of the tools), perhaps beside another set (`other`), and lookups in further ones (`third`) go
 * on at the same time.
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

/** Turns to a set for a walk from its first member, beside another one, if one is given: see SetMembers.begin. */
function walk(ctx: CommandContext, set: number, beside?: number): SetMembers {
  const { entry, other } = setTools(ctx.keyspace);
  const { members } = entry.open(ctx.db, set);
  members.begin(beside === undefined ? undefined : other.open(ctx.db, beside).members);
  return members;
}

/** Whether the present member of a walk is in this set. */
function isIn(ctx: CommandContext, members: SetMembers, set: number): boolean {
  return setTools(ctx.keyspace).third.open(ctx.db, set).members.findPresentOf(members);
}

/** Whether the present member of a walk is in one of these sets. */
function isInAny(ctx: CommandContext, members: SetMembers, sets: readonly number[]): boolean {
  for (let k = 0; k < sets.length; k++) if (isIn(ctx, members, sets[k])) return true;
  return false;
}

/** Whether the present member of a walk is in all of these sets. */
function isInAll(ctx: CommandContext, members: SetMembers, sets: readonly number[]): boolean {
  for (let k = 0; k < sets.length; k++) if (!isIn(ctx, members, sets[k])) return false;
  return true;
}

/** The sets in the order of their sizes, each once; those that are not there are left out. */
function bySize(ctx: CommandContext, sets: readonly number[]): number[] {
  const sizes = new Map(sets.filter((set) => set !== 0).map((set) => [set, sizeOf(ctx, set)]));
  return [...sizes.keys()].sort((a, b) => sizes.get(a)! - sizes.get(b)!);
}

/** Shows `visit` each member of the intersection, until it returns false. */
export function intersect(
  ctx: CommandContext,
  sets: readonly number[],
  visit: (members: SetMembers) => boolean,
): void {
  if (sets.includes(0)) return;
  const [smallest, second, ...others] = bySize(ctx, sets);
  const members = walk(ctx, smallest, second);
  while (members.next()) {
    if (second !== undefined && !members.isInOther) continue;
    if (isInAll(ctx, members, others) && !visit(members)) return;
  }
}

/** With more sets than these it costs less to make the union than to look up each member in all sets before its own. */
export const FEW_UNITED = 3;

/** Shows `visit` each member of the union of a few sets once. */
export function uniteFew(
  ctx: CommandContext,
  sets: readonly number[],
  visit: (members: SetMembers) => void,
): void {
  const present = [...new Set(sets)].filter((set) => set !== 0);
  for (const [i, set] of present.entries()) {
    const [first, ...others] = present.slice(0, i);
    const members = walk(ctx, set, first);
    while (members.next()) {
      if (first === undefined || !(members.isInOther || isInAny(ctx, members, others))) visit(members);
    }
  }
}

/** Adds all members of the sets to `into`. */
export function unite(ctx: CommandContext, sets: readonly number[], into: SetResult): void {
  uniteFew(ctx, sets.slice(0, FEW_UNITED), (members) => into.addNew(members));
  into.settle();
  for (const set of sets.slice(FEW_UNITED)) {
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
  [first, ...subtracted]: readonly number[],
  visit: (members: SetMembers) => void,
): void {
  // Larger ones first: they are likelier to have it.
  const [second, ...others] = bySize(ctx, subtracted).reverse();
  const members = walk(ctx, first, second);
  while (members.next()) {
    if (second === undefined || !(members.isInOther || isInAny(ctx, members, others))) visit(members);
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

/**
 * Permissions as rules that would bring them about: what ACL LIST, GETUSER and SAVE show.
 *
 * Commands are described as Redis does it: from +@all or -@all on, the categories that fit best, one after the other,
 * then the single commands that are still different.
 */

import type { SelectorFacts, UserFacts } from "../../commands/access.ts";
import { ACL_CATEGORIES } from "../../commands/acl-categories.ts";
import type { CommandSets } from "./command-sets.ts";
import { type KeyPattern, READ, Selector, WRITE } from "./selector.ts";
import type { User } from "./user.ts";

/** The rules of one user, without its name. */
export function describeUser(user: User, sets: CommandSets): string {
  const passwords = user.passwords.map((password) => `#${password}`);
  const selectors = user.selectors.map((selector) => `(${describeSelector(selector, sets)})`);
  return [...user.flags, ...passwords, describeSelector(user.root, sets), ...selectors].join(" ");
}

export function factsOf(user: User, sets: CommandSets): UserFacts {
  return {
    flags: user.flags,
    passwords: user.passwords,
    root: selectorFacts(user.root, sets),
    selectors: user.selectors.map((selector) => selectorFacts(selector, sets)),
  };
}

function selectorFacts(selector: Selector, sets: CommandSets): SelectorFacts {
  return {
    commands: describeCommands(selector, sets),
    keys: keyRules(selector).join(" "),
    channels: selector.allChannels ? "&*" : channelRules(selector).join(" "),
  };
}

function describeSelector(selector: Selector, sets: CommandSets): string {
  const channels = selector.allChannels ? ["&*"] : ["resetchannels", ...channelRules(selector)];
  // As a rule `~*` is more than a pattern: none may follow it. Redis writes it, and cannot read it then.
  const keys = keyRules(selector).map((rule) => (rule === "~*" && !selector.allKeys ? "%RW~*" : rule));
  return [...keys, ...channels, describeCommands(selector, sets)].join(" ");
}

function keyRules(selector: Selector): string[] {
  return selector.allKeys ? ["~*"] : selector.keyPatterns.map(keyRule);
}

function keyRule({ text, rights }: KeyPattern): string {
  if (rights === READ) return `%R~${text}`;
  return rights === WRITE ? `%W~${text}` : `~${text}`;
}

function channelRules({ channels }: Selector): string[] {
  return channels.map(({ text }) => `&${text}`);
}

function describeCommands(selector: Selector, sets: CommandSets): string {
  const adds = !selector.startsFull;
  const sign = adds ? "+" : "-";
  // What the rules so far would bring about.
  const described = new Selector(sets.all.length);
  described.putAll(!adds);
  const rules = [adds ? "-@all" : "+@all"];
  const rest = selector.withSameCommands();
  const left = new Set<string>(ACL_CATEGORIES);
  for (;;) {
    const best = bestCategory(rest, left, sets, adds);
    if (best === undefined) break;
    left.delete(best);
    sets.putCategory(described, best, adds);
    sets.putCategory(rest, best, !adds);
    rules.push(`${sign}@${best}`);
  }
  for (const command of sets.all) {
    const isAllowed = selector.has(command.id);
    if (isAllowed !== described.has(command.id)) {
      rules.push(`${isAllowed ? "+" : "-"}${command.fullName}`);
      sets.put(described, command, isAllowed);
    }
    if (isAllowed || command.isSubcommand) continue;
    for (const word of selector.firstArguments.get(command.id) ?? [])
      rules.push(`+${command.fullName}|${word}`);
  }
  return rules.join(" ");
}

/** Of the categories left, the one with the fewest commands that are not so, as long as more are. */
function bestCategory(
  rest: Selector,
  left: ReadonlySet<string>,
  sets: CommandSets,
  adds: boolean,
): string | undefined {
  let best: string | undefined;
  let fewestDifferent = Number.POSITIVE_INFINITY;
  let mostSame = 0;
  for (const category of left) {
    let same = 0;
    let different = 0;
    for (const command of sets.ofCategory(category)!) {
      if (rest.has(command.id) === adds) same++;
      else different++;
    }
    if (same <= different) continue;
    if (different < fewestDifferent || (different === fewestDifferent && same > mostSame)) {
      best = category;
      fewestDifferent = different;
      mostSame = same;
    }
  }
  return best;
}

/**
 * The language of rules: applies them to users. Rules come from ACL SETUSER, from files of users and from the
 * configuration; texts have one character per byte.
 */
import { hasBlanks } from "../../commands/access.ts";
import type { CompiledCommand } from "../../commands/table.ts";
import { splitArguments } from "../../protocol/inline.ts";
import type { CommandSets } from "./command-sets.ts";
import { patternOf, READ, Selector, WRITE } from "./selector.ts";
import { passwordDigest, User } from "./user.ts";

/** What can be wrong with a rule, and Redis's words for it. */
export const RULE_FAULTS = {
  unknown: "Unknown command or category name in ACL",
  syntax: "Syntax error",
  allKeys:
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try" +
    " 'resetkeys' to start with an empty list of patterns",
  allChannels:
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try" +
    " 'resetchannels' to start with an empty list of channels",
  noSuchPassword: "The password you are trying to remove from the user does not exist",
  noDigest:
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters",
  duplicate: "Duplicate user found. A user can only be defined once in config files",
  argumentOfSubcommand: "Allowing first-arg of a subcommand is not supported",
} as const;

export type RuleFault = keyof typeof RULE_FAULTS;

const DIGEST = /^[0-9a-f]{64}$/;

export interface RulesContext {
  readonly sets: CommandSets;
  /** acl-pubsub-default: whether new selectors allow all channels. */
  readonly allowsChannels: () => boolean;
  /** Told of rules that are better not used. */
  readonly warn: (text: string) => void;
}

/** The rules with those put together that are one in parentheses; or the one whose parenthesis is never closed. */
export function mergeSelectors(rules: readonly string[]): string[] | { readonly unclosed: number } {
  const merged: string[] = [];
  let open: number | undefined;
  let text = "";
  for (const [i, rule] of rules.entries()) {
    if (rule.startsWith("(") && !rule.endsWith(")")) {
      open = i;
      text = rule;
    } else if (open === undefined) {
      merged.push(rule);
    } else {
      text += ` ${rule}`;
      if (!rule.endsWith(")")) continue;
      open = undefined;
      merged.push(text);
    }
  }
  return open === undefined ? merged : { unclosed: open };
}

/** A rule as C sees it where it is not a pattern or password: up to the first zero byte. */
export function upToZero(text: string): string {
  const zero = text.indexOf("\0");
  return zero < 0 ? text : text.slice(0, zero);
}

export class Rules {
  private readonly context: RulesContext;

  constructor(context: RulesContext) {
    this.context = context;
  }

  /** A user without any rights. */
  createUser(name: string): User {
    return new User(name, this.createSelector());
  }

  /** A user that may do everything without a password. */
  createOpenUser(name: string): User {
    const user = this.createUser(name);
    user.isEnabled = true;
    user.hasNoPassword = true;
    user.root.putAll(true);
    user.root.allKeys = true;
    user.root.allChannels = true;
    return user;
  }

  /** Applies one rule; what is wrong with it, if something is. Then nothing is changed. */
  apply(user: User, rule: string): RuleFault | undefined {
    const word = upToZero(rule).toLowerCase();
    switch (word) {
      case "":
        return rule === "" ? undefined : "syntax";
      case "on":
      case "off":
        user.isEnabled = word === "on";
        return undefined;
      case "skip-sanitize-payload":
      case "sanitize-payload":
        user.sanitizesPayloads = word === "sanitize-payload";
        return undefined;
      case "nopass":
      case "resetpass":
        user.hasNoPassword = word === "nopass";
        user.passwords = [];
        return undefined;
      case "clearselectors":
        user.selectors = [];
        return undefined;
      case "reset":
        user.become(this.createUser(user.name));
        user.sanitizesPayloads = true;
        return undefined;
    }
    if (/^[>#<!]/.test(rule)) return applyPassword(user, rule);
    if (rule.startsWith("(") && rule.endsWith(")")) return this.addSelector(user, rule.slice(1, -1));
    return this.applyToSelector(user.root, rule);
  }

  private createSelector(): Selector {
    const selector = new Selector(this.context.sets.all.length);
    selector.allChannels = this.context.allowsChannels();
    return selector;
  }

  private addSelector(user: User, text: string): RuleFault | undefined {
    const selector = this.createSelector();
    for (const word of splitArguments(Buffer.from(text, "latin1")) ?? []) {
      const fault = this.applyToSelector(selector, word.toString("latin1"));
      if (fault !== undefined) return fault;
    }
    user.selectors.push(selector);
    return undefined;
  }

  private applyToSelector(selector: Selector, rule: string): RuleFault | undefined {
    const word = upToZero(rule).toLowerCase();
    switch (word) {
      case "allkeys":
      case "~*":
      case "resetkeys":
        selector.allKeys = word !== "resetkeys";
        selector.keyPatterns = [];
        return undefined;
      case "allchannels":
      case "&*":
      case "resetchannels":
        selector.allChannels = word !== "resetchannels";
        selector.channels = [];
        return undefined;
      case "allcommands":
      case "+@all":
      case "nocommands":
      case "-@all":
        selector.putAll(word === "allcommands" || word === "+@all");
        return undefined;
    }
    if (/^[~%]/.test(rule)) return addKeyPattern(selector, rule);
    if (rule.startsWith("&")) return addChannel(selector, rule.slice(1));
    if (/^[+-]@/.test(rule)) return this.applyCategory(selector, rule);
    if (rule.startsWith("+")) return this.allow(selector, upToZero(rule.slice(1)));
    if (rule.startsWith("-")) return this.forbid(selector, upToZero(rule.slice(1)));
    return "syntax";
  }

  private applyCategory(selector: Selector, rule: string): RuleFault | undefined {
    const { sets } = this.context;
    const category = upToZero(rule.slice(2));
    if (sets.ofCategory(category) === undefined) return "unknown";
    sets.putCategory(selector, category, rule.startsWith("+"));
    return undefined;
  }

  private allow(selector: Selector, name: string): RuleFault | undefined {
    const { sets, warn } = this.context;
    const bar = name.lastIndexOf("|");
    const command = sets.find(bar < 0 ? name : name.slice(0, bar));
    if (command === undefined) return "unknown";
    if (bar < 0) {
      sets.put(selector, command, true);
      return undefined;
    }
    if (command.isSubcommand) return "argumentOfSubcommand";
    const argument = name.slice(bar + 1);
    if (argument === "") return "syntax";
    if (command.subcommands !== undefined) {
      const subcommand = sets.find(name);
      if (subcommand === undefined) return "unknown";
      sets.put(selector, subcommand, true);
      return undefined;
    }
    warn(
      "Deprecation warning: Allowing a first arg of an otherwise blocked command is a misuse of ACL and may get" +
        ` disabled in the future (offender: +${name})`,
    );
    addFirstArgument(selector, command, argument);
    return undefined;
  }

  private forbid(selector: Selector, name: string): RuleFault | undefined {
    const { sets } = this.context;
    const command = sets.find(name);
    if (command === undefined) return "unknown";
    sets.put(selector, command, false);
    return undefined;
  }
}

function applyPassword(user: User, rule: string): RuleFault | undefined {
  const isPlain = rule.startsWith(">") || rule.startsWith("<");
  const text = rule.slice(1);
  if (!isPlain && !DIGEST.test(text)) return "noDigest";
  const digest = isPlain ? passwordDigest(Buffer.from(text, "latin1")) : text;
  const isKnown = user.passwords.includes(digest);
  if (rule.startsWith(">") || rule.startsWith("#")) {
    if (!isKnown) user.passwords.push(digest);
    user.hasNoPassword = false;
    return undefined;
  }
  if (!isKnown) return "noSuchPassword";
  user.passwords = user.passwords.filter((password) => password !== digest);
  return undefined;
}

/** `~pattern`, or `%` with R, W or both before the tilde. */
function addKeyPattern(selector: Selector, rule: string): RuleFault | undefined {
  if (selector.allKeys) return "allKeys";
  const [, letters, pattern] = /^(?:~|%(R|W|RW|WR)(?:~|$))([^]*)$/i.exec(rule) ?? [];
  if (pattern === undefined || hasBlanks(pattern)) return "syntax";
  let rights = READ | WRITE;
  if (letters?.length === 1) rights = letters.toUpperCase() === "R" ? READ : WRITE;
  const known = selector.keyPatterns.find(({ text }) => text === pattern);
  if (known === undefined) selector.keyPatterns.push({ ...patternOf(pattern), rights });
  else known.rights |= rights;
  return undefined;
}

function addChannel(selector: Selector, pattern: string): RuleFault | undefined {
  if (selector.allChannels) return "allChannels";
  if (hasBlanks(pattern)) return "syntax";
  if (!selector.channels.some(({ text }) => text === pattern)) selector.channels.push(patternOf(pattern));
  return undefined;
}

function addFirstArgument(selector: Selector, command: CompiledCommand, argument: string): void {
  const known = selector.firstArguments.get(command.id);
  if (known === undefined) selector.firstArguments.set(command.id, [argument]);
  else if (!known.some((word) => word.toLowerCase() === argument.toLowerCase())) known.push(argument);
}

/**
 * What tests of users share: rules for all commands, and users made by them.
 */
import { commandSpecs } from "../../../src/commands/all.ts";
import { CommandTable } from "../../../src/commands/table.ts";
import { CommandSets } from "../../../src/server/acl/command-sets.ts";
import { type RuleFault, Rules } from "../../../src/server/acl/rules.ts";
import type { User } from "../../../src/server/acl/user.ts";

export const table: CommandTable = new CommandTable(commandSpecs);
export const sets: CommandSets = new CommandSets(table);

export function createRules(allowsChannels = false, warnings: string[] = []): Rules {
  return new Rules({ sets, allowsChannels: () => allowsChannels, warn: (text) => warnings.push(text) });
}

/** A user made by rules, all of which must be right. */
export function userOf(...rules: string[]): User {
  const language = createRules();
  const user = language.createUser("somebody");
  for (const rule of rules) {
    const fault = language.apply(user, rule);
    if (fault !== undefined) throw new Error(`${rule}: ${fault}`);
  }
  return user;
}

/** What is wrong with the last rule. */
export function faultOf(...rules: string[]): RuleFault | undefined {
  return createRules().apply(userOf(...rules.slice(0, -1)), rules.at(-1)!);
}

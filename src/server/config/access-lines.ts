/**
 * The lines of a configuration file that are about access, and are no values: `user` and `rename-command`. What can be
 * judged of them is judged here, so that the report names the line.
 */
import { hasBlanks } from "../../commands/access.ts";
import { commandSpecs } from "../../commands/all.ts";
import { CommandTable, type Renaming, RenamingError } from "../../commands/table.ts";
import type { ConfiguredUser } from "../acl/acl.ts";
import { CommandSets } from "../acl/command-sets.ts";
import { mergeSelectors, RULE_FAULTS, type RuleFault, Rules } from "../acl/rules.ts";
import { SettingError } from "./config-error.ts";

/** Throws SettingError if there is no such command, or if there is one of the new name. */
export function addRenaming(renamings: Renaming[], from: string, to = ""): void {
  const all = [...renamings, { from, to }];
  try {
    new CommandTable(commandSpecs, all);
  } catch (error) {
    if (error instanceof RenamingError) throw new SettingError(error.message);
    throw error;
  }
  renamings.push({ from, to });
}

/** Throws SettingError if there is such a user already, or a rule cannot be understood. */
export function addUser(users: ConfiguredUser[], name: string, words: readonly string[]): void {
  if (users.some((user) => user.name === name)) throw userError(name, "duplicate");
  const merged = mergeSelectors(words);
  if (!Array.isArray(merged)) {
    throw new SettingError(`Error in user declaration '${words[merged.unclosed]}': Unmatched parenthesis`);
  }
  const rules = new Rules({
    sets: new CommandSets(new CommandTable(commandSpecs)),
    allowsChannels: () => false,
    warn: () => {},
  });
  const user = rules.createUser(name);
  for (const rule of merged) {
    const fault = rules.apply(user, rule);
    // Passwords and what is meant for one are not shown.
    if (fault !== undefined) throw userError(/^[#!<>]/.test(rule) ? name : rule, fault);
  }
  if (hasBlanks(name)) throw new SettingError("Spaces not allowed in ACL usernames");
  users.push({ name, rules: merged });
}

function userError(what: string, fault: RuleFault): SettingError {
  return new SettingError(`Error in user declaration '${what}': ${RULE_FAULTS[fault]}`);
}

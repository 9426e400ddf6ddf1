/**
 * The file of users (aclfile): reading, which takes all of it or none, and writing, which replaces it in one step.
 *
 *     user <name> <rule> ...      one line for each user; empty lines are allowed
 */
import { dirname } from "node:path";
import { type Files, writeFully } from "../../base/files.ts";
import { hasBlanks } from "../../commands/access.ts";
import { mergeSelectors, RULE_FAULTS, type Rules } from "./rules.ts";
import type { User } from "./user.ts";

const AFTERWORD = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

/** The users of a file's text (one character per byte), by name; the errors, in Redis's words, if it has any. */
export function parseUsers(text: string, path: string, rules: Rules): Map<string, User> | string {
  const users = new Map<string, User>();
  let errors = "";
  for (const [i, line] of text.split("\n").entries()) {
    const trimmed = line.replaceAll(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
    if (trimmed !== "") errors += parseLine(trimmed, `${path}:${i + 1}`, rules, users);
  }
  return errors === "" ? users : errors + AFTERWORD;
}

/** Adds the user of a line; returns its errors. */
function parseLine(line: string, place: string, rules: Rules, users: Map<string, User>): string {
  const [keyword, name, ...words] = line.split(" ");
  if (keyword !== "user" || name === undefined) {
    return `${place} should start with user keyword followed by the username. `;
  }
  if (hasBlanks(name)) return `'${place}: username '${name}' contains invalid characters. `;
  if (users.has(name)) return `WARNING: Duplicate user '${name}' found on line ${place.split(":").at(-1)}. `;
  const user = rules.createUser(name);
  users.set(name, user);
  const merged = mergeSelectors(words);
  if (!Array.isArray(merged)) return `${place}: Unmatched parenthesis in selector definition.`;
  let errors = "";
  let hasOther = false;
  for (const rule of merged) {
    const trimmed = rule.replaceAll(/^[\t\r\n]+|[\t\r\n]+$/g, "");
    const fault = rules.apply(user, trimmed);
    if (fault === "unknown") {
      errors += `${place}: Error in applying operation '${trimmed}': ${RULE_FAULTS[fault]}. `;
    } else if (fault !== undefined && !hasOther) {
      // Others may follow from it, and a rule that is not understood may hold a password.
      errors += `${place}: ${RULE_FAULTS[fault]}. `;
      hasOther = true;
    }
  }
  return errors;
}

/** Replaces the file: after a crash there is the old one or the new one, whole. Rejects with the system's error. */
export async function writeUsers(files: Files, path: string, lines: readonly string[]): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    const file = await files.open(temporary, "create");
    try {
      await writeFully(file, Buffer.from(lines.map((line) => `${line}\n`).join(""), "latin1"), 0);
      await file.datasync();
    } finally {
      await file.close();
    }
    await files.rename(temporary, path);
    await files.syncDirectory(dirname(path));
  } catch (error) {
    await files.unlink(temporary).catch(() => undefined);
    throw error;
  }
}

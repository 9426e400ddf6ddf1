/**
 * The commands about users and what they may do.
 */
import type { CommandSpec } from "../command.ts";
import { acl } from "./acl.ts";

export const aclCommands: readonly CommandSpec[] = [acl];

/**
 * Who may do what, as commands see it: users, their rules, and the log of what was denied. Implemented in
 * src/server/acl. Texts have one character per byte.
 */
import type { Request } from "../protocol/request.ts";

/** Whether a user's name or a pattern holds what would break the lines of rules: blanks or zero bytes. */
export function hasBlanks(text: string): boolean {
  return /[ \t\n\v\f\r\0]/.test(text);
}

/** The user that a client is authenticated as. */
export interface ClientUser {
  readonly name: string;
}

/** One set of permissions, as ACL GETUSER shows it. */
export interface SelectorFacts {
  readonly commands: string;
  readonly keys: string;
  readonly channels: string;
}

export interface UserFacts {
  readonly flags: readonly string[];
  /** SHA-256 in hexadecimal digits. */
  readonly passwords: readonly string[];
  /** The permissions of the user itself. */
  readonly root: SelectorFacts;
  readonly selectors: readonly SelectorFacts[];
}

/** Why something was denied, in the words of ACL LOG. */
export type DenialReason = "command" | "key" | "channel" | "auth";

/** Something that was denied, once or several times. */
export interface AclLogEntry {
  readonly count: number;
  readonly reason: DenialReason;
  readonly context: "toplevel" | "multi" | "lua";
  /** Name of the command, key or channel. */
  readonly object: string;
  readonly username: string;
  readonly ageSeconds: number;
  /** Counted from 0 since the start; from Redis 7.2, as both times are, in Unix milliseconds. */
  readonly id: number;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** The client's line of CLIENT LIST, as of the last time. */
  readonly client: string;
}

/** What a user is told who may not do something: which command, key or channel it was. */
export interface Denial {
  readonly reason: Exclude<DenialReason, "auth">;
  /** Full name of the command, or the key or channel. */
  readonly object: string;
}

export type DryRunResult =
  | { readonly kind: "allowed" | "no such user" | "no such command" }
  | { readonly kind: "wrong arity"; readonly command: string }
  | ({ readonly kind: "denied" } & Denial);

export interface AccessControl {
  /** Whether the default user needs no password. */
  readonly isOpen: boolean;
  /** Whether users are kept in a file of their own. */
  readonly hasFile: boolean;
  /** Authenticates the present client as the user, if there is one of that name with that password, and says whether
   * it is. A failure goes to the log, under the name `command` as the client wrote it. */
  authenticate(username: string, password: Buffer, command: string): boolean;
  /** Makes the present client the user that it was when it connected. */
  reset(): void;
  has(username: string): boolean;
  user(username: string): UserFacts | undefined;
  /** Names of all users, in the order of their bytes. */
  names(): string[];
  /** All users as lines of an ACL file, in that order. */
  lines(): string[];
  /** Applies all rules to a user, which is made if need be, or none of them: the error then. */
  set(username: string, rules: readonly string[]): string | undefined;
  /** Removes users, whose clients are disconnected; how many there were. */
  remove(usernames: readonly string[]): number;
  /** Full names of the commands in a category; undefined if there is no such category. */
  commandsOf(category: string): string[] | undefined;
  /** Whether a user might execute the command that begins with argument `nameAt` of the request. */
  dryRun(username: string, request: Request, nameAt: number): DryRunResult;
  /** Whether the present client may execute the request, and besides read any key there is (SORT with BY or GET). */
  mayReadAllKeys(request: Request): boolean;
  /** The last entries of the log, newest first. */
  log(count: number): AclLogEntry[];
  clearLog(): void;
  /** Replaces all users by those of the file, or none of them: resolves to the error then. */
  load(): Promise<string | undefined>;
  /** Writes all users to the file; resolves to whether that was possible. */
  save(): Promise<boolean>;
  /** Hexadecimal digits that nobody can guess. */
  randomDigits(count: number): string;
}

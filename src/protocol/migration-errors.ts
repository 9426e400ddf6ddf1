/**
 * Error texts of MIGRATE: Redis 7.0's, as those of errors.ts.
 */

export const KEY_WITH_KEYS_OPTION =
  "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string";

/** The target cannot be reached. */
export const TARGET_UNREACHABLE = "IOERR error or timeout connecting to the client";
/** It takes or answers nothing, or the connection broke. */
export const TARGET_NOT_WRITABLE = "IOERR error or timeout writing to target instance";
export const TARGET_NOT_READABLE = "IOERR error or timeout reading to target instance";

/** Not of Redis, where nothing can change a key meanwhile. */
export const CHANGED_WHILE_MIGRATED =
  "ERR A script changed a key that it had not declared while it was migrated: it is in both instances";

/** @param line the target's error, without the "-" */
export function targetAnswered(line: string): string {
  return `ERR Target instance replied with error: ${line}`;
}

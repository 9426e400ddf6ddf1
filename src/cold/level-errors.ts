/**
 * What LevelDB reports, as a StorageError. classic-level gives a code of its own and LevelDB's text, and wraps what
 * happens while opening in a second error; a full disk shows only in the text, which is the C library's.
 */
import { StorageError, type StorageErrorCode } from "../base/storage-error.ts";

const CODES: ReadonlyMap<string, StorageErrorCode> = new Map([
  ["LEVEL_CORRUPTION", "corrupt"],
  ["LEVEL_LOCKED", "locked"],
  ["LEVEL_IO_ERROR", "io"],
  ["LEVEL_DATABASE_NOT_OPEN", "closed"],
  ["LEVEL_DATABASE_NOT_CLOSED", "io"],
  ["LEVEL_ITERATOR_NOT_OPEN", "closed"],
  ["LEVEL_BATCH_NOT_OPEN", "closed"],
  ["LEVEL_SNAPSHOT_NOT_OPEN", "closed"],
  ["LEVEL_ABORTED", "closed"],
  ["ENOSPC", "no-space"],
  ["EDQUOT", "no-space"],
]);

/** LevelDB's wording of ENOSPC and EDQUOT. */
const NO_SPACE_TEXT = /No space left on device|Disk quota exceeded/;

/** The beginnings of LevelDB's own texts, for errors that come without a code (those of synchronous reads). */
const CORRUPTION_TEXT = /^Corruption: /;

/** How deep causes are followed: opening nests two; the limit is for causes in a circle. */
const MAX_CAUSES = 4;

/** `error` as a StorageError that says what was attempted ("reading", "opening the store"). An error that tells of a
 * mistake in the calling code (a TypeError, RangeError) is given back as it is. */
export function toStorageError(error: unknown, attempt: string): Error {
  if (error instanceof StorageError || error instanceof TypeError || error instanceof RangeError)
    return error;
  let code: StorageErrorCode | undefined;
  let text = "";
  let current: unknown = error;
  for (let depth = 0; current instanceof Error && depth < MAX_CAUSES; depth++) {
    // The innermost error tells what happened, those around it what could not be done therefore.
    code = codeOf(current);
    text = current.message;
    current = current.cause;
  }
  return new StorageError(code ?? "io", `${attempt} failed: ${text === "" ? String(error) : text}`, {
    cause: error,
  });
}

function codeOf(error: Error): StorageErrorCode | undefined {
  if (NO_SPACE_TEXT.test(error.message)) return "no-space";
  if (CORRUPTION_TEXT.test(error.message)) return "corrupt";
  return "code" in error && typeof error.code === "string" ? CODES.get(error.code) : undefined;
}

/**
 * The words for a failed system call as the C library and Redis have them ("No space left on device"), because
 * operators search for those, and -MISCONF carries them. Node's own texts differ.
 */
const TEXTS: Record<string, string> = {
  EACCES: "Permission denied",
  EBADF: "Bad file descriptor",
  EDQUOT: "Disk quota exceeded",
  EFBIG: "File too large",
  EIO: "Input/output error",
  EMFILE: "Too many open files",
  ENFILE: "Too many open files in system",
  ENOENT: "No such file or directory",
  ENOSPC: "No space left on device",
  EPERM: "Operation not permitted",
  EROFS: "Read-only file system",
};

/** Why the server does not start without a file that the manifest names; the system's words for those who search. */
export function missingFileText(name: string): string {
  return `The manifest names the AOF file ${name} but it doesn't exist: ${TEXTS["ENOENT"]}`;
}

/** Why a file that has lost its first line, and all behind it, cannot be used (see isEmptied). */
export function emptiedFileText(name: string, sizeBytes: number): string {
  const what = sizeBytes === 0 ? "is empty" : `has only ${sizeBytes} bytes`;
  return `The AOF file ${name} ${what}, which it never was since the manifest names it: what it held is lost`;
}

/** Why a file that has another first line cannot be used, in a set whose files all began with theirs. */
export function damagedFirstLineText(name: string): string {
  return `The first line of the AOF file ${name} is damaged, and it was whole before the manifest named the file`;
}

/** What to do about a base file that a cold tier relies on: under a key that it has lost, an old record would count. */
export const LOST_BASE_ADVICE =
  "The cold tier cannot be read without it, so that it cannot be salvaged: restore the data directory from a backup";

/** What to do with append-only files that the server does not start with. */
export function salvageAdvice(manifestPath: string): string {
  return `Make a backup, then use tsredis-check-aof --salvage ${manifestPath}`;
}

/** A system error in the C library's words; any other error's own message. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? String(error.code) : "";
  return TEXTS[code] ?? error.message;
}

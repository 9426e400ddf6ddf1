/**
 * Texts that all tools print. They are strings of bytes (one character each), because file names and keys need not be
 * UTF-8.
 */

/** A text as bytes: what C would print. */
export function asBytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** `text` as C prints it with "%s" through a buffer of 1024 bytes: up to a NUL, at most 1023 bytes. */
export function asCText(text: string): string {
  const nul = text.indexOf("\0");
  return (nul === -1 ? text : text.slice(0, nul)).slice(0, 1023);
}

const ERRORS: Record<string, string> = {
  EACCES: "Permission denied",
  EIO: "Input/output error",
  EISDIR: "Is a directory",
  ELOOP: "Too many levels of symbolic links",
  ENAMETOOLONG: "File name too long",
  ENOENT: "No such file or directory",
  ENOSPC: "No space left on device",
  ENOTDIR: "Not a directory",
  EPERM: "Operation not permitted",
  EROFS: "Read-only file system",
};

/** The system's text for an error, as C's strerror says it. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return ERRORS[code] ?? error.message;
}

/** The same with the name of the file, where the error has it. */
export function namedErrorText(error: unknown): string {
  if (!(error instanceof Error && "path" in error && typeof error.path === "string")) return errorText(error);
  return `${error.path}: ${errorText(error)}`;
}

/** Whether an error is the system's: about a file, not a mistake of ours. */
export function isSystemError(error: unknown): boolean {
  return error instanceof Error && "code" in error && "syscall" in error;
}

/** A number with its noun, which has a plain plural. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

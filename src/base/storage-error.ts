/**
 * The error of everything that keeps data on a disk, with a code that tells the caller what can be done about it.
 * The message is written for the operator; `cause` keeps what the system or library said.
 */

/**
 * What went wrong:
 * - `corrupt`: bytes that cannot be valid, or a state that contradicts itself;
 * - `io`: the system refused a read, a write or a sync;
 * - `no-space`: the disk (or quota) is full; the same call may succeed later;
 * - `locked`: another process has the store open;
 * - `closed`: the store was closed, or never opened.
 */
export type StorageErrorCode = "corrupt" | "io" | "no-space" | "locked" | "closed";

export class StorageError extends Error {
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StorageError";
    this.code = code;
  }
}

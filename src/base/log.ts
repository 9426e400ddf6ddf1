/**
 * The log, in Redis's line format, because people and scripts already read it:
 * `PID:ROLE DAY MON YEAR TIME.MS LEVEL text`.
 * Levels are Redis's four. A sink receives finished lines; who constructs the log decides where they go.
 */
export type LogLevel = "debug" | "verbose" | "notice" | "warning";

export interface Log {
  debug(text: string): void;
  verbose(text: string): void;
  notice(text: string): void;
  warning(text: string): void;
}

/** A log that keeps nothing, for tests and tools. */
export const silentLog: Log = { debug() {}, verbose() {}, notice() {}, warning() {} };

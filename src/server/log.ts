/**
 * The server's log: lines in Redis's format, to standard output or to a file.
 *
 *     12345:M 21 Nov 2026 12:00:00.123 * text
 *
 * that is pid : role, local time, and the level's sign: . debug, - verbose, * notice, # warning.
 *
 * The file is opened for each line, as Redis does: it can be rotated by renaming without telling the server, and a line
 * that was written is in the file. A line that cannot be written is lost: the log must never stop the server.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import picocolors from "picocolors";
import type { Log, LogLevel } from "../base/log.ts";

/** M: master, S: replica, C: a worker that writes a file in the background. */
export type LogRole = "M" | "S" | "C";

/** Where standard output goes; only what is needed of a stream. */
export interface LogStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface ServerLogOptions {
  /** The least severe level that is written. */
  readonly level?: LogLevel;
  /** Absolute path; empty for standard output. */
  readonly file?: string;
  readonly role?: LogRole;
  readonly stream?: LogStream;
  /** Unix time in milliseconds. Not the cached time of commands, which stands still while one runs. */
  readonly nowMs?: () => number;
}

type Colors = ReturnType<typeof picocolors.createColors>;

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 0, verbose: 1, notice: 2, warning: 3 };
const SIGNS: Readonly<Record<LogLevel, string>> = { debug: ".", verbose: "-", notice: "*", warning: "#" };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export class ServerLog implements Log {
  level: LogLevel;
  role: LogRole;
  readonly #file: string;
  readonly #stream: LogStream;
  readonly #nowMs: () => number;
  readonly #colors: Colors;

  constructor(options: ServerLogOptions = {}) {
    this.level = options.level ?? "notice";
    this.role = options.role ?? "M";
    this.#file = options.file ?? "";
    this.#stream = options.stream ?? process.stdout;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#colors = picocolors.createColors(this.#file === "" && this.#stream.isTTY === true);
  }

  debug(text: string): void {
    this.#write("debug", text);
  }

  verbose(text: string): void {
    this.#write("verbose", text);
  }

  notice(text: string): void {
    this.#write("notice", text);
  }

  warning(text: string): void {
    this.#write("warning", text);
  }

  #write(level: LogLevel, text: string): void {
    if (SEVERITY[level] < SEVERITY[this.level]) return;
    const line = `${process.pid}:${this.role} ${formatTime(this.#nowMs())} ${SIGNS[level]} ${text}`;
    if (this.#file === "") this.#stream.write(`${this.#colored(level, line)}\n`);
    else appendLine(this.#file, `${line}\n`);
  }

  #colored(level: LogLevel, line: string): string {
    if (level === "warning") return this.#colors.yellow(line);
    return level === "notice" ? line : this.#colors.dim(line);
  }
}

function appendLine(path: string, line: string): void {
  try {
    const file = openSync(path, "a");
    try {
      writeSync(file, line);
    } finally {
      closeSync(file);
    }
  } catch {
    // Disk full or folder gone: there is nowhere left to say so.
  }
}

/** `21 Nov 2026 12:00:00.123`, local time. */
function formatTime(unixMs: number): string {
  const time = new Date(unixMs);
  const two = (number: number): string => String(number).padStart(2, "0");
  const day = `${two(time.getDate())} ${MONTHS[time.getMonth()]} ${time.getFullYear()}`;
  const milliseconds = String(time.getMilliseconds()).padStart(3, "0");
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${milliseconds}`;
}

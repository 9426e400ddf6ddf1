/**
 * What the tool says. Text goes to standard output line by line, as redis-check-aof prints it; with --json it is
 * collected instead, and one object is printed at the end. A progress bar goes to standard error, if both are a
 * terminal.
 *
 * Texts are strings of bytes (one character each), because file names and keys need not be UTF-8.
 */
import { SingleBar } from "cli-progress";

/** Thrown to end the tool with an exit status, everything to say having been said. */
export class Stop extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`exit ${status}`);
    this.status = status;
  }
}

/** One file's result in the JSON object. */
export interface FileResult {
  readonly name: string;
  readonly role: "base" | "incr" | "single";
  readonly format: "rdb" | "aof";
  status: "valid" | "empty" | "invalid" | "truncated" | "unreadable";
  sizeBytes?: number;
  /** Offset up to which the file is valid. */
  validUpTo?: number;
  /** "clean", "truncated", "torn" or "damaged": see src/persistence/aof/verifier.ts. */
  outcome?: string;
  /** Intact checksummed blocks; absent in a file without blocks. */
  intactBlocks?: number;
  problem?: { offset: number; reason: string };
  /** Name of the copy made before the file was cut. */
  backup?: string;
  rdb?: { keys: number; expires: number; alreadyExpired: number; tombstones: number };
}

export interface TierResult {
  readonly folder: string;
  readonly generation: number;
}

/** Files smaller than this are read before a bar could be seen. */
const PROGRESS_FROM_BYTES = 16 << 20;
const PROGRESS_INTERVAL_MS = 100;

export interface Terminal extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

export class Report {
  readonly isJson: boolean;
  readonly files: FileResult[] = [];
  tier: TierResult | undefined;
  readonly #output: Terminal;
  readonly #terminal: Terminal;
  readonly #lines: string[] = [];

  constructor(isJson: boolean, output: Terminal, terminal: Terminal) {
    this.isJson = isJson;
    this.#output = output;
    this.#terminal = terminal;
  }

  /** A line. */
  print(text: string): void {
    this.#lines.push(text);
    if (!this.isJson) this.#output.write(Buffer.from(`${text}\n`, "latin1"));
  }

  /** A question: a line without its end. */
  ask(text: string): void {
    if (!this.isJson) this.#output.write(Buffer.from(text, "latin1"));
  }

  /** Says a last line; to be thrown. */
  stop(text: string): Stop {
    this.print(text);
    return new Stop(1);
  }

  /** The JSON object, if that was asked for. */
  finish(path: string, status: number): void {
    if (!this.isJson) return;
    const messages = this.#lines.map((line) => Buffer.from(line, "latin1").toString("utf8"));
    const tier = this.tier === undefined ? {} : { tier: this.tier };
    const result = { path, valid: status === 0, exitStatus: status, ...tier, files: this.files, messages };
    this.#output.write(`${JSON.stringify(result, undefined, 2)}\n`);
  }

  /** Shows how far `work` has come, while it runs. */
  async withProgress<T>(sizeBytes: number, position: () => number, work: () => Promise<T>): Promise<T> {
    const isShown =
      !this.isJson &&
      this.#output.isTTY === true &&
      this.#terminal.isTTY === true &&
      sizeBytes >= PROGRESS_FROM_BYTES;
    if (!isShown) return work();
    const bar = new SingleBar({
      stream: this.#terminal,
      clearOnComplete: true,
      format: "{bar} {percentage}% | ETA {eta}s",
    });
    bar.start(sizeBytes, 0);
    const timer = setInterval(() => bar.update(position()), PROGRESS_INTERVAL_MS);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      bar.stop();
    }
  }
}

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

/**
 * Where a tool's words go. Text goes to standard output line by line; with --json it is collected instead, and one
 * object is printed at the end. A progress bar goes to standard error, if both are terminals. Colours only on a
 * terminal that wants them.
 */
import { SingleBar } from "cli-progress";
import pc from "picocolors";

/** Thrown to end the tool with an exit status, everything to say having been said. */
export class Stop extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`exit ${status}`);
    this.status = status;
  }
}

/** Exit statuses that all tools have in common. */
export const EXIT_OK = 0;
/** Something is wrong, and was not repaired; or the tool could not do its work. */
export const EXIT_FAILED = 1;
/** --dry-run: something would be changed. */
export const EXIT_WOULD_CHANGE = 3;
/** A running server, or another process, has the files open. */
export const EXIT_IN_USE = 4;

/** Files smaller than this are read before a bar could be seen. */
const PROGRESS_FROM_BYTES = 16 << 20;
const PROGRESS_INTERVAL_MS = 100;
/** What the last half minute took says how long the rest will take. */
const ETA_UPDATES = 30_000 / PROGRESS_INTERVAL_MS;
/** To the beginning of the terminal's line, which is emptied. */
const EMPTY_LINE = "\r\u001b[K";

/** What --json prints of a command line that cannot be understood. */
export function usageObject(reason: string): string {
  return `${JSON.stringify({ exitStatus: EXIT_FAILED, messages: [reason] }, undefined, 2)}\n`;
}

export interface Terminal extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

export class Console {
  readonly isJson: boolean;
  /** All lines said. */
  readonly lines: string[] = [];
  readonly #output: Terminal;
  readonly #terminal: Terminal;
  readonly #colors: ReturnType<typeof pc.createColors>;
  #showsBar = false;

  constructor(isJson: boolean, output: Terminal, terminal: Terminal) {
    this.isJson = isJson;
    this.#output = output;
    this.#terminal = terminal;
    this.#colors = pc.createColors(output.isTTY === true && pc.isColorSupported);
  }

  /** A line. */
  print(text: string): void {
    this.#say(text, text);
  }

  /** A line about something good, bad, or worth a look. */
  printGood(text: string): void {
    this.#say(text, this.#colors.green(text));
  }

  printBad(text: string): void {
    this.#say(text, this.#colors.red(text));
  }

  printNote(text: string): void {
    this.#say(text, this.#colors.yellow(text));
  }

  /** A question: a line without its end. */
  ask(text: string): void {
    if (!this.isJson) this.#output.write(Buffer.from(text, "latin1"));
  }

  /** Says a last line; to be thrown. */
  stop(text: string, status: number = EXIT_FAILED): Stop {
    this.print(text);
    return new Stop(status);
  }

  /** The JSON object, if that was asked for. The lines are part of it. */
  finishJson(result: object): void {
    if (!this.isJson) return;
    const messages = this.lines.map((line) => Buffer.from(line, "latin1").toString("utf8"));
    this.#output.write(`${JSON.stringify({ ...result, messages }, undefined, 2)}\n`);
  }

  /** Shows how far `work` has come, while it runs. What is counted may be something else than bytes: then `least` of
   * them take a while. */
  async withProgress<T>(
    sizeBytes: number,
    position: () => number,
    work: () => Promise<T>,
    least = PROGRESS_FROM_BYTES,
  ): Promise<T> {
    const isShown =
      !this.isJson && this.#output.isTTY === true && this.#terminal.isTTY === true && sizeBytes >= least;
    if (!isShown) return work();
    const bar = new SingleBar({
      stream: this.#terminal,
      clearOnComplete: true,
      format: "{bar} {percentage}% | ETA {eta_formatted}",
      formatTime: timeText,
      etaBuffer: ETA_UPDATES,
    });
    bar.start(sizeBytes, 0);
    this.#showsBar = true;
    const timer = setInterval(() => bar.update(position()), PROGRESS_INTERVAL_MS);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      bar.stop();
      this.#showsBar = false;
    }
  }

  /** The same for work that tells how far it has come. */
  withToldProgress<T>(
    sizeBytes: number,
    work: (onProgress: (position: number) => void) => Promise<T>,
    least = PROGRESS_FROM_BYTES,
  ): Promise<T> {
    let reached = 0;
    const onProgress = (position: number): void => {
      reached = position;
    };
    return this.withProgress(
      sizeBytes,
      () => reached,
      () => work(onProgress),
      least,
    );
  }

  #say(text: string, shown: string): void {
    this.lines.push(text);
    if (this.#showsBar) this.#terminal.write(EMPTY_LINE);
    if (!this.isJson) this.#output.write(Buffer.from(`${shown}\n`, "latin1"));
  }
}

/** "42s", "3m05s", "2h04m"; "?" for the words that the bar has when nothing can be foretold. */
function timeText(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${twoDigits(seconds % 60)}s`;
  return `${Math.floor(minutes / 60)}h${twoDigits(minutes % 60)}m`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}

/** The first byte of the input; "" if there is none. */
async function firstByte(input: NodeJS.ReadableStream): Promise<string> {
  for await (const chunk of input) {
    const text = chunk.toString("latin1");
    if (text.length > 0) return text.slice(0, 1);
  }
  return "";
}

/** Asks whether to go on. */
export async function confirms(console: Console, input: NodeJS.ReadableStream): Promise<boolean> {
  console.ask("Continue? [y/N]: ");
  const answer = await firstByte(input);
  return answer === "y" || answer === "Y";
}

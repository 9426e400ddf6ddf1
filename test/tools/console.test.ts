/**
 * What one sees on a terminal while a tool works for long: a bar, and lines that stand by themselves.
 */
import { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Console, type Terminal } from "../../tools/shared/console.ts";

const MEGABYTE = 1 << 20;
const SIZE = 64 * MEGABYTE;
const ESCAPE = "\u001b";
/** A control sequence, of which the last character says what it does; or the two that keep the cursor's place. */
const CONTROL = new RegExp(`^${ESCAPE}(?:\\[[?0-9;]*[A-Za-z]|[78])`);

/** A terminal, as far as bars and lines need one. Several streams may write to it. */
class Screen {
  #lines: string[] = [""];
  #column = 0;

  stream(isTTY: boolean): Terminal {
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#show(chunk.toString("latin1"));
        done();
      },
    });
    return Object.assign(stream, { isTTY, columns: 80 });
  }

  get lines(): string[] {
    return [...this.#lines];
  }

  get lastLine(): string {
    return this.#lines[this.#lines.length - 1];
  }

  #show(text: string): void {
    for (let at = 0; at < text.length; ) {
      const control = CONTROL.exec(text.slice(at))?.[0];
      if (control === undefined) this.#put(text[at]);
      else this.#obey(control);
      at += control?.length ?? 1;
    }
  }

  #put(character: string): void {
    if (character === "\r") this.#column = 0;
    else if (character === "\n") {
      this.#lines.push("");
      this.#column = 0;
    } else {
      const line = this.lastLine.padEnd(this.#column);
      this.#setLine(line.slice(0, this.#column) + character + line.slice(this.#column + 1));
      this.#column++;
    }
  }

  #obey(control: string): void {
    if (control.endsWith("G")) this.#column = Number(control.slice(2, -1)) - 1;
    else if (control.endsWith("2K")) this.#setLine("");
    else if (control.endsWith("K")) this.#setLine(this.lastLine.slice(0, this.#column));
  }

  #setLine(text: string): void {
    this.#lines[this.#lines.length - 1] = text;
  }
}

describe("the console of a tool", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("shows how far the work is, and lines that stand by themselves", async () => {
    const screen = new Screen();
    const console = new Console(false, screen.stream(true), screen.stream(true));
    await console.withToldProgress(SIZE, async (onProgress) => {
      await vi.advanceTimersByTimeAsync(1000);
      expect(screen.lines).toEqual([expect.stringMatching(/^-+ 0% \| ETA \?$/)]);
      for (let percent = 1; percent <= 50; percent++) {
        onProgress((SIZE * percent) / 100);
        await vi.advanceTimersByTimeAsync(2000);
      }
      expect(screen.lines).toEqual([expect.stringMatching(/^=+-+ 50% \| ETA 1m\d\ds$/)]);
      console.print("12 bytes lost");
      expect(screen.lines).toEqual(["12 bytes lost", ""]);
      onProgress((SIZE / 4) * 3);
      await vi.advanceTimersByTimeAsync(100);
      expect(screen.lines).toEqual(["12 bytes lost", expect.stringContaining(" 75% |")]);
    });
    console.print("done");
    expect(screen.lines).toEqual(["12 bytes lost", "done", ""]);
  });

  test("leaves no bar behind when the work fails", async () => {
    const screen = new Screen();
    const console = new Console(false, screen.stream(true), screen.stream(true));
    const work = console.withProgress(
      SIZE,
      () => SIZE / 4,
      async () => {
        await vi.advanceTimersByTimeAsync(1000);
        expect(screen.lastLine).toContain(" 25% |");
        throw new Error("the disk is gone");
      },
    );
    await expect(work).rejects.toThrow("the disk is gone");
    console.print("failed");
    expect(screen.lines).toEqual(["failed", ""]);
  });

  test.each([
    { what: "whose output is no terminal", json: false, output: false, terminal: true, size: SIZE },
    { what: "whose errors are no terminal's", json: false, output: true, terminal: false, size: SIZE },
    { what: "that prints JSON", json: true, output: true, terminal: true, size: SIZE },
    { what: "with little to do", json: false, output: true, terminal: true, size: MEGABYTE },
  ])("shows no bar for a tool $what", async ({ json, output, terminal, size }) => {
    const screen = new Screen();
    const console = new Console(json, screen.stream(output), screen.stream(terminal));
    await console.withToldProgress(size, async (onProgress) => {
      onProgress(size / 2);
      await vi.advanceTimersByTimeAsync(1000);
      expect(screen.lines).toEqual([""]);
    });
  });
});

/** Gathers what is taken out, in a file beside the copy that is examined; with --fix it goes to the data
 * directory. */
import type { Files } from "../../src/base/files.ts";
import { appendToQuarantine, type Quarantined, quarantineLine } from "../../src/persistence/quarantine.ts";
import { copyRange } from "../shared/copies.ts";
import { FileWriter } from "../shared/file-writer.ts";

export class QuarantineSink {
  readonly #files: Files;
  readonly #writer: FileWriter;
  readonly #nowMs: number;
  pieces = 0;

  private constructor(files: Files, writer: FileWriter, nowMs: number) {
    this.#files = files;
    this.#writer = writer;
    this.#nowMs = nowMs;
  }

  static async create(files: Files, path: string, nowMs: number): Promise<QuarantineSink> {
    return new QuarantineSink(files, await FileWriter.create(files, path), nowMs);
  }

  async add(piece: Quarantined): Promise<void> {
    this.pieces++;
    await this.#writer.write(quarantineLine(piece, this.#nowMs));
  }

  finish(): Promise<void> {
    return this.#writer.finish();
  }

  /** Adds all to the quarantine file at `path`. */
  async moveTo(path: string): Promise<void> {
    const source = await this.#files.open(this.#writer.path, "read");
    try {
      await copyRange(source, 0, await source.size(), (bytes) =>
        appendToQuarantine(this.#files, path, bytes),
      );
    } finally {
      await source.close();
    }
  }
}

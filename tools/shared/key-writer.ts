/** Writes keys as the commands that make them: a stock append-only file, without blocks. */
import { CommandWriter } from "../../src/persistence/aof/command-writer.ts";
import type { CommandSink } from "../../src/types/data-type.ts";
import type { ByteWriter } from "./file-writer.ts";

const DRAIN_BYTES = 256 * 1024;

/** Shows a value as commands. */
export type ValueCommands = (sink: CommandSink) => void;

export class KeyWriter {
  readonly #commands: CommandWriter;

  constructor(writer: ByteWriter) {
    this.#commands = new CommandWriter((bytes) => writer.write(bytes), { inBlocks: false });
  }

  /** A library of functions. */
  async function(code: Uint8Array): Promise<void> {
    this.#commands.appendCommand("FUNCTION", "LOAD", code);
    await this.#drain();
  }

  /** A key: the commands that make its value, and its expiry. */
  async key(db: number, key: Buffer, value: ValueCommands, expireMs: number | undefined): Promise<void> {
    const commands = this.#commands;
    commands.selectDb(db);
    value((...args) => commands.appendCommand(...args));
    if (expireMs !== undefined) commands.appendCommand("PEXPIREAT", key, expireMs);
    await this.#drain();
  }

  /** Writes what has gathered. */
  end(): Promise<void> {
    return this.#commands.drain();
  }

  async #drain(): Promise<void> {
    if (this.#commands.pendingBytes >= DRAIN_BYTES) await this.#commands.drain();
  }
}

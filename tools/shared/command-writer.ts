/** Writes keys as the commands that make them: a stock append-only file, without blocks. */
import { encodeSelect } from "../../src/persistence/aof/encoder.ts";
import type { CommandSink } from "../../src/types/data-type.ts";
import type { ByteWriter } from "./file-writer.ts";

export type Argument = string | Buffer | number;

const LINE_END = Buffer.from("\r\n");

/** The commands that make a value. Kept together: the types show them one by one, and do not wait. */
export function commandsOf(key: Buffer, rewrite: (sink: CommandSink) => void): Argument[][] {
  const commands: Argument[][] = [];
  rewrite((...args) => {
    // What is shown may be used again when the next command comes.
    commands.push(args.map((arg) => (Buffer.isBuffer(arg) && arg !== key ? Buffer.from(arg) : arg)));
  });
  return commands;
}

export class CommandWriter {
  readonly #writer: ByteWriter;
  #db = -1;
  /** Commands written, SELECT not counted. */
  commands = 0;

  constructor(writer: ByteWriter) {
    this.#writer = writer;
  }

  /** A library of functions. */
  function(code: Buffer): Promise<void> {
    return this.#command(["FUNCTION", "LOAD", code]);
  }

  /** A key: the commands that make its value, and its expiry. */
  async key(
    db: number,
    key: Buffer,
    commands: readonly (readonly Argument[])[],
    expireMs: number | undefined,
  ): Promise<void> {
    if (db !== this.#db) await this.#writer.write(encodeSelect(db));
    this.#db = db;
    for (const args of commands) await this.#command(args);
    if (expireMs !== undefined) await this.#command(["PEXPIREAT", key, expireMs]);
  }

  async #command(args: readonly Argument[]): Promise<void> {
    this.commands++;
    const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
    for (const arg of args) {
      const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg), "latin1");
      parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, LINE_END);
    }
    await this.#writer.write(Buffer.concat(parts));
  }
}

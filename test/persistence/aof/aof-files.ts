/** Builds AOF files for tests, plain and in blocks, and reads them whole. */
import { crc32c } from "../../../src/base/checksum.ts";
import { BLOCKS_HEADER, encodeBlockLine } from "../../../src/persistence/aof/format.ts";
import { type AofOutcome, AofReader } from "../../../src/persistence/aof/reader.ts";
import type { AofVerifierOptions } from "../../../src/persistence/aof/verifier.ts";
import { memoryFile } from "../memory-file.ts";

/** The RESP bytes of one command; latin1, so that tests can write bytes as characters. */
export function command(...args: (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = typeof arg === "string" ? Buffer.from(arg, "latin1") : arg;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

/** A file of blocks in the making, as the writer makes it. */
export class BlockFile {
  bytes: Buffer = BLOCKS_HEADER;
  /** Ends of the blocks, their lines included. */
  readonly ends: number[] = [];

  /** Adds a block; `synced` and `db` default to nothing known. */
  block(content: Buffer, synced = 0, db?: number): this {
    const place = { length: content.length, synced, db, offset: this.bytes.length + content.length };
    const line = encodeBlockLine(place, crc32c(content));
    this.bytes = Buffer.concat([this.bytes, content, line]);
    this.ends.push(this.bytes.length);
    return this;
  }
}

export interface ReadResult {
  /** The commands, arguments joined by blanks. */
  readonly commands: string[];
  readonly ends: number[];
  readonly outcome: AofOutcome;
}

export async function readAll(file: Uint8Array, options: AofVerifierOptions = {}): Promise<ReadResult> {
  const reader = await AofReader.open(memoryFile(file), options);
  const commands: string[] = [];
  const ends: number[] = [];
  for await (const { request } of reader.commands()) {
    const words: string[] = [];
    for (let i = 0; i < request.argc; i++) words.push(request.text(i));
    commands.push(words.join(" "));
    ends.push(reader.endOffset);
  }
  const { outcome } = reader;
  if (outcome === undefined) throw new Error("no outcome");
  return { commands, ends, outcome };
}

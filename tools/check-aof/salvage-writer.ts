/**
 * Writes the new file that a salvage leads to: what is kept of the old one, in order. Behind the first gap a file of
 * checksummed blocks gets new blocks, since a block's line belongs to its place; before it all stays byte for byte.
 */
import { crc32c } from "../../src/base/checksum.ts";
import type { FileHandle } from "../../src/base/files.ts";
import { encodeSelect } from "../../src/persistence/aof/encoder.ts";
import { BLOCK_LINE_PREFIX, BLOCKS_HEADER, encodeBlockLine } from "../../src/persistence/aof/format.ts";
import { ANNOTATION, COMMAND, FramingScanner, NEED_MORE } from "../../src/persistence/aof/framing.ts";
import type { KeptRange, SalvagePlan } from "../../src/persistence/aof/salvage.ts";
import { copyRange } from "../shared/copies.ts";
import type { FileWriter } from "../shared/file-writer.ts";

/** A block ends at the first command behind so many bytes. */
const BLOCK_BYTES = 256 * 1024;
const FILLING_LINE = /^#+\n$/;

/** Writes what the plan keeps of `file`. Returns how far the new file is the same as the old one. */
export async function writeSalvaged(
  file: FileHandle,
  plan: SalvagePlan,
  target: FileWriter,
): Promise<number> {
  const write = (bytes: Buffer): Promise<void> => target.write(bytes);
  await copyRange(file, 0, plan.start, write);
  if (!plan.hasBlocks) {
    for (const { start, end, db } of plan.kept) {
      if (db !== undefined) await write(encodeSelect(db));
      await copyRange(file, start, end, write);
    }
    return plan.kept[0]?.start === plan.start ? plan.kept[0].end : plan.start;
  }
  const [first, ...others] = plan.kept;
  let rest: readonly KeptRange[] = plan.kept;
  if (first !== undefined && first.start === 0) {
    // Without another part behind it, what has no line yet may stay so.
    const sealed = others.length === 0 ? first.end : Math.max(first.sealedUpTo, BLOCKS_HEADER.length);
    await copyRange(file, 0, sealed, write);
    rest = [{ ...first, start: sealed }, ...others];
  } else {
    await write(BLOCKS_HEADER);
  }
  const copied = first?.start === 0 ? target.position : 0;
  const blocks = new BlockWriter(target);
  for (const range of rest) {
    if (range.start >= range.end) continue;
    if (range.db !== undefined) await blocks.add(encodeSelect(range.db));
    await addContent(file, range, blocks);
  }
  await blocks.endBlock();
  return copied;
}

/** Adds the commands and timestamps of a range; its block lines and filling are left out. */
async function addContent(file: FileHandle, range: KeptRange, blocks: BlockWriter): Promise<void> {
  const scanner = new FramingScanner(range.start, "");
  await copyRange(file, range.start, range.end, async (chunk, at) => {
    const base = range.start + at;
    // What of the chunk is not added yet begins here.
    let from = scanner.isInAnnotation ? undefined : base;
    scanner.next = 0;
    for (;;) {
      const event = scanner.push(chunk, scanner.next, chunk.length);
      if (event === NEED_MORE) break;
      if (event === COMMAND) {
        if (scanner.isInTransaction || blocks.openBytes + scanner.offset - (from ?? base) < BLOCK_BYTES)
          continue;
        await blocks.add(chunk.subarray((from ?? base) - base, scanner.next));
        from = scanner.offset;
        await blocks.endBlock();
      } else if (event === ANNOTATION) {
        if (from !== undefined && scanner.itemStart > from)
          await blocks.add(chunk.subarray(from - base, scanner.itemStart - base));
        if (!isAboutBlocks(scanner.annotation)) await blocks.add(Buffer.from(scanner.annotationBytes));
        from = scanner.offset;
      } else throw new Error("The file changed while it was read");
    }
    const upTo = scanner.isInAnnotation ? scanner.itemStart : base + chunk.length;
    if (from !== undefined && upTo > from) await blocks.add(chunk.subarray(from - base, upTo - base));
  });
}

function isAboutBlocks(annotation: string): boolean {
  return annotation.startsWith(BLOCK_LINE_PREFIX) || FILLING_LINE.test(annotation);
}

class BlockWriter {
  readonly #target: FileWriter;
  #start: number;
  #checksum = 0;

  constructor(target: FileWriter) {
    this.#target = target;
    this.#start = target.position;
  }

  /** Bytes of the block that is not ended. */
  get openBytes(): number {
    return this.#target.position - this.#start;
  }

  async add(bytes: Buffer): Promise<void> {
    this.#checksum = crc32c(bytes, this.#checksum);
    await this.#target.write(bytes);
  }

  /** Ends the block, if it is not empty. */
  async endBlock(): Promise<void> {
    const offset = this.#target.position;
    if (offset === this.#start) return;
    // All of the new file is durable before it takes the old one's place.
    const place = { length: offset - this.#start, synced: offset, offset };
    await this.#target.write(encodeBlockLine(place, this.#checksum));
    this.#start = this.#target.position;
    this.#checksum = 0;
  }
}

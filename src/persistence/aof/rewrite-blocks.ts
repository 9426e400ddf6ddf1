/**
 * Second home for bytes whose file can no longer be trusted: writes blocks that memory still holds to a new incr
 * file, as one block. Costs one write per old block; it is the road taken after a failed datasync, never the usual
 * one.
 */
import { crc32c } from "../../base/checksum.ts";
import { writeFully } from "../../base/files.ts";
import type { Block } from "./block-log.ts";
import type { OpenIncr } from "./directory.ts";
import { encodeSelect } from "./encoder.ts";
import { encodeBlockLine } from "./format.ts";

/**
 * Writes `blocks`, adjacent and in order, into the empty file `incr` and syncs it. Resolves to the file's size.
 * The first command, be it one that is still to come, may rely on a SELECT before it, so that one is repeated:
 * `selectedDb` is the database selected there, or negative.
 */
export async function rewriteBlocks(
  incr: OpenIncr,
  blocks: readonly Block[],
  selectedDb: number,
): Promise<number> {
  if (selectedDb < 0 && blocks.every((block) => block.length === 0)) return incr.sizeBytes;
  const { handle } = incr;
  let position = incr.sizeBytes;
  let checksum = 0;
  const put = async (bytes: Buffer): Promise<void> => {
    checksum = crc32c(bytes, checksum);
    await writeFully(handle, bytes, position);
    position += bytes.length;
  };
  if (selectedDb >= 0) await put(encodeSelect(selectedDb));
  for (const block of blocks) {
    if (block.length > 0) await put(block.chunk.buf.subarray(block.start, block.start + block.length));
  }
  const place = { length: position - incr.sizeBytes, synced: incr.sizeBytes, offset: position };
  const line = encodeBlockLine(place, checksum);
  await writeFully(handle, line, position);
  await handle.datasync();
  return position + line.length;
}

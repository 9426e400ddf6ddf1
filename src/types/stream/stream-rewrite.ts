/**
 * The commands that make a stream, as Redis's rewrite of the append-only file without RDB preamble writes them; and its
 * digest.
 */
import { Int64 } from "../../base/int64.ts";
import type { Blocks } from "../../memory/blocks.ts";
import type { CommandSink } from "../data-type.ts";
import type { ElementView } from "../listpack/element-view.ts";
import type { ValueDigest } from "../value-digest.ts";
import { ConsumerGroup } from "./consumer-group.ts";
import { nameOf } from "./named-objects.ts";
import { Stream } from "./stream.ts";
import { StreamId } from "./stream-id.ts";
import { StreamRange } from "./stream-range.ts";

const digested = new Stream();
const digestedRange = new StreamRange();
const id = new StreamId();
const integer = new Int64();

/** Emits the commands. What is not in them is lost, as in Redis: pending entries that are no longer in the stream, and
 * when consumers were seen. */
export function* rewriteStream(
  blocks: Blocks,
  root: number,
  key: Buffer,
  sink: CommandSink,
): Generator<void, void> {
  // Of its own: other streams may be read between two steps.
  const stream = new Stream().open(blocks, root);
  const range = new StreamRange();
  // Even without entries, a stream can only begin with one.
  if (stream.length === 0) sink("XADD", key, "MAXLEN", "0", "0-1", "x", "y");
  for (stream.walk(range); range.next(); )
    yield sink("XADD", key, range.entries.id.toString(), ...readPairs(range));
  const { lastId, maxDeletedId } = stream;
  const added = stream.entriesAdded.toBigInt().toString();
  sink("XSETID", key, lastId.toString(), "ENTRIESADDED", added, "MAXDELETEDID", maxDeletedId.toString());
  const groups = stream.openGroups();
  for (let found = groups?.first() ?? false; found; found = groups!.next())
    yield* rewriteGroup(blocks, groups!.address, key, sink);
}

function* rewriteGroup(
  blocks: Blocks,
  address: number,
  key: Buffer,
  sink: CommandSink,
): Generator<void, void> {
  const group = new ConsumerGroup();
  const name = nameBytes(blocks, address);
  const { lastId, entriesRead, pending, consumers } = group.open(blocks, address);
  const read = entriesRead.toBigInt().toString();
  sink("XGROUP", "CREATE", key, name, lastId.toString(), "ENTRIESREAD", read);
  for (let found = consumers.first(); found; found = consumers.next()) {
    const consumer = nameBytes(blocks, consumers.address);
    const owned = group.openOwned(consumers.address);
    if (owned.size === 0) sink("XGROUP", "CREATECONSUMER", key, name, consumer);
    for (let more = owned.first(); more; more = owned.next()) {
      pending.find(owned.readId(id));
      const time = pending.readTime(integer).toBigInt().toString();
      const count = pending.readCount(integer).toBigInt().toString();
      yield sink(
        "XCLAIM",
        key,
        name,
        consumer,
        "0",
        id.toString(),
        "TIME",
        time,
        "RETRYCOUNT",
        count,
        "JUSTID",
        "FORCE",
      );
    }
  }
}

/** Adds the entries to a digest, in their order. */
export function digestStream(blocks: Blocks, root: number, digest: ValueDigest): void {
  for (digested.open(blocks, root).walk(digestedRange); digestedRange.next(); ) {
    digest.mix(Buffer.from(digestedRange.entries.id.toString().replace("-", ".")));
    for (const part of readPairs(digestedRange)) digest.mix(part);
  }
}

/** Fields and values of the range's present entry, by turns. */
function readPairs({ entries }: StreamRange): Buffer[] {
  const parts: Buffer[] = [];
  entries.beginFields();
  for (let i = 0; i < entries.pairs; i++) {
    entries.readPair();
    parts.push(bytesOf(entries.field), bytesOf(entries.value));
  }
  return parts;
}

/** What the view holds; a copy if it is the view's own text, which the next integer overwrites. */
function bytesOf(view: ElementView): Buffer {
  const bytes = view.buffer.subarray(view.start, view.start + view.length);
  return view.isInteger ? Buffer.from(bytes) : bytes;
}

function nameBytes(blocks: Blocks, address: number): Buffer {
  const name = nameOf(blocks, address);
  const start = blocks.start(name);
  return blocks.buffer(name).subarray(start, start + blocks.length(name));
}

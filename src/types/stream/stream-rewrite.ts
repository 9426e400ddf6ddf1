/**
 * The commands that make a stream, as Redis's rewrite of the append-only file without RDB preamble writes them; and its
 * digest.
 */
import type { Int64 } from "../../base/int64.ts";
import type { Blocks } from "../../memory/blocks.ts";
import type { CommandSink } from "../data-type.ts";
import type { ElementView } from "../listpack/element-view.ts";
import type { ValueDigest } from "../value-digest.ts";
import type { NodeEntries } from "./node-entries.ts";
import { Stream } from "./stream.ts";
import type { StreamId } from "./stream-id.ts";
import { packStreamTail } from "./stream-pack.ts";
import { parseStream, RDB_STREAM_2, type StreamTotals, type StreamVisitor } from "./stream-parse.ts";
import { StreamRange } from "./stream-range.ts";

const digested = new Stream();
const digestedRange = new StreamRange();
/** Of a stream of which nothing but what follows its nodes is packed. */
const NO_NODES = Buffer.of(0);

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
  for (stream.walk(range); range.next(); ) yield rewriteEntry(range.entries, key, sink);
  yield* rewriteTail(packStreamTail(blocks, root), key, sink);
}

/** Emits the command that adds the present entry. */
export function rewriteEntry(entries: NodeEntries, key: Buffer, sink: CommandSink): void {
  sink("XADD", key, entries.id.toString(), ...readPairs(entries));
}

/** Emits the commands for what follows the nodes in the packed form. */
export function* rewriteTail(tail: Buffer, key: Buffer, sink: CommandSink): Generator<void, void> {
  const rewriting = new TailCommands(key);
  parseStream(Buffer.concat([NO_NODES, tail]), RDB_STREAM_2, rewriting);
  for (const command of rewriting.commands) yield sink(...command);
}

type Command = Parameters<CommandSink>;

class TailCommands implements StreamVisitor {
  readonly commands: Command[] = [];
  private readonly key: Buffer;
  private groupName!: Buffer;
  private consumerName!: Buffer;
  /** Of the group's pending entries: when, and how many times they were delivered. */
  private readonly deliveries = new Map<string, readonly [time: string, count: string]>();

  constructor(key: Buffer) {
    this.key = key;
  }

  node(): void {}

  totals({ length, lastId, maxDeletedId, entriesAdded }: StreamTotals): void {
    const { key } = this;
    // Even without entries, a stream can only begin with one.
    if (length.high === 0 && length.low === 0)
      this.commands.push(["XADD", key, "MAXLEN", "0", "0-1", "x", "y"]);
    const added = textOf(entriesAdded);
    const greatest = maxDeletedId.toString();
    this.commands.push(["XSETID", key, lastId.toString(), "ENTRIESADDED", added, "MAXDELETEDID", greatest]);
  }

  group(name: Buffer, lastId: StreamId, entriesRead: Int64 | undefined): void {
    this.groupName = Buffer.from(name);
    this.deliveries.clear();
    const read = textOf(entriesRead!);
    this.commands.push([
      "XGROUP",
      "CREATE",
      this.key,
      this.groupName,
      lastId.toString(),
      "ENTRIESREAD",
      read,
    ]);
  }

  pending(id: StreamId, time: Int64, count: Int64): void {
    this.deliveries.set(id.toString(), [textOf(time), textOf(count)]);
  }

  consumer(name: Buffer): void {
    this.consumerName = Buffer.from(name);
    this.commands.push(["XGROUP", "CREATECONSUMER", this.key, this.groupName, this.consumerName]);
  }

  owned(id: StreamId): void {
    const { commands, consumerName, groupName, key } = this;
    // The first entry that it claims makes the consumer.
    if (commands.at(-1)![1] === "CREATECONSUMER") commands.pop();
    const entry = id.toString();
    const [time, count] = this.deliveries.get(entry)!;
    commands.push([
      "XCLAIM",
      key,
      groupName,
      consumerName,
      "0",
      entry,
      "TIME",
      time,
      "RETRYCOUNT",
      count,
      "JUSTID",
      "FORCE",
    ]);
  }

  endGroup(): void {}
}

function textOf(integer: Int64): string {
  return integer.toBigInt().toString();
}

/** Adds the entries to a digest, in their order. */
export function digestStream(blocks: Blocks, root: number, digest: ValueDigest): void {
  for (digested.open(blocks, root).walk(digestedRange); digestedRange.next(); ) {
    digest.mix(Buffer.from(digestedRange.entries.id.toString().replace("-", ".")));
    for (const part of readPairs(digestedRange.entries)) digest.mix(part);
  }
}

/** Fields and values of the present entry, by turns. */
function readPairs(entries: NodeEntries): Buffer[] {
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

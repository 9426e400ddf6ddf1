/**
 * The packed form of lists, for cold records, DUMP and RDB. Written is type 18:
 *
 *     chunks(length) chunk...      chunk = container(length) string
 *
 * Container 2: the string is a listpack. Container 1: it is the only element, one too long for a listpack of Redis
 * (limits.ts: listPlainMinBytes).
 * (For lengths and strings see ../rdb-encoding.ts.) Read are also the older ones:
 *
 *     1      a number and as many strings, the elements
 *     10     a string that is a ziplist (../ziplist.ts)
 *     14     a number and as many strings that are ziplists
 *
 * Chunks stay as they are, like nodes in Redis; but larger ones than there are here are divided.
 */
import type { ByteArena } from "../../base/byte-arena.ts";
import { StorageError } from "../../base/storage-error.ts";
import { ChunkTree } from "../chunk-tree/chunk-tree.ts";
import { createTree } from "../chunk-tree/whole-tree.ts";
import type { PartSink, StoredValue, UnpackedValue } from "../data-type.ts";
import { appendElement, createListpack } from "../listpack/edits.ts";
import { ElementValue } from "../listpack/element-value.ts";
import { ElementView } from "../listpack/element-view.ts";
import { HEADER_BYTES, headerCount, listpackBytes } from "../listpack/listpack.ts";
import { checkListpack } from "../listpack/validation.ts";
import { GrowingBytes } from "../packed-bytes.ts";
import { FEW_ELEMENTS, PartMeter } from "../packed-parts.ts";
import {
  decodePlainLength,
  decodeString,
  encodeLength,
  encodeString,
  type RdbBytes,
  RdbEncodingError,
  RdbLength,
  STRING_OVERHEAD_BYTES,
} from "../rdb-encoding.ts";
import { RdbString, readOnlyString } from "../rdb-string.ts";
import { ROOT_BYTES, setRoot } from "../rooted.ts";
import type { ValueMemory } from "../value-memory.ts";
import { readZiplist } from "../ziplist.ts";
import { ChunkWalk, type ListChunks } from "./list-chunks.ts";
import { HEAD, ListReader } from "./list-reader.ts";
import { CHUNK_MAX_BYTES, hasRoom, INLINE, INLINE_MAX_BYTES, LARGE } from "./list-value.ts";

export const RDB_LIST = 1;
export const RDB_LIST_ZIPLIST = 10;
export const RDB_LIST_QUICKLIST = 14;
export const RDB_LIST_QUICKLIST_2 = 18;

const PLAIN = 1;
const PACKED = 2;
const LENGTH_MAX_BYTES = 9;
/** A value of list-max-listpack-size with which chunks are as large as they may be. */
const NO_FILL = -2;

const reader = new ListReader();
const view = new ElementView();
const storedText = new RdbString();

/** The packed form of the list at `address`, in a piece of the arena. */
export function packList(memory: ValueMemory, address: number, arena: ByteArena, compress: boolean): Buffer {
  let chunks = 0;
  let bytes = LENGTH_MAX_BYTES;
  reader.open(memory, address);
  for (let is = reader.seekEnd(HEAD); is; is = reader.nextChunk()) {
    chunks++;
    bytes += 1 + listpackBytes(reader.buffer, reader.start) + STRING_OVERHEAD_BYTES;
  }
  const packed = arena.take(bytes);
  let position = encodeLength(packed, 0, chunks);
  for (let is = reader.seekEnd(HEAD); is; is = reader.nextChunk()) {
    const { buffer, start } = reader;
    const length = listpackBytes(buffer, start);
    view.readValue(buffer, start, HEADER_BYTES);
    if (!isPlain(memory, buffer, start, view)) {
      position = encodeLength(packed, position, PACKED);
      position = encodeString(packed, position, buffer, start, length, compress);
    } else {
      position = encodeLength(packed, position, PLAIN);
      position = encodeString(packed, position, buffer, view.start, view.length, compress);
    }
  }
  return packed.subarray(0, position);
}

/** Whether a chunk, which begins with that element, is one that Redis does not pack. */
function isPlain(memory: ValueMemory, buffer: Buffer, start: number, first: ElementView): boolean {
  const { listPlainMinBytes } = memory.limits;
  return !first.isInteger && first.length >= listPlainMinBytes && headerCount(buffer, start) === 1;
}

/** See DataType.packInParts. */
export function packListInParts(
  memory: ValueMemory,
  address: number,
  sink: PartSink,
): Iterator<void, void> | undefined {
  const chunks = new ChunkWalk(memory, address);
  return chunks.elements <= FEW_ELEMENTS ? undefined : packChunks(memory, chunks, sink);
}

/** The packed form in parts. */
export function* packChunks(memory: ValueMemory, chunks: ListChunks, sink: PartSink): Generator<void, void> {
  const meter = new PartMeter();
  const first = new ElementView();
  sink.appendLength(chunks.count);
  while (chunks.nextChunk()) {
    const { buffer, start } = chunks;
    const length = listpackBytes(buffer, start);
    first.readValue(buffer, start, HEADER_BYTES);
    const isPacked = !isPlain(memory, buffer, start, first);
    sink.appendLength(isPacked ? PACKED : PLAIN);
    if (isPacked) sink.appendText(buffer, start, length);
    else sink.appendText(buffer, first.start, first.length);
    if (meter.isFull(length)) yield;
  }
}

/** Reads a whole packed list of one of the types above. See DataType.unpack. */
export function unpackList(
  memory: ValueMemory,
  rdbType: number,
  packed: Buffer,
  encoding?: number,
): UnpackedValue {
  const chunks = new UnpackedChunks(memory.limits.listMaxListpackSize);
  const bytes = { buffer: packed, next: 0, end: packed.length };
  try {
    readChunks(bytes, rdbType, chunks);
  } catch (cause) {
    if (!(cause instanceof RdbEncodingError)) throw cause;
    throw corrupt(cause.message, cause);
  }
  if (bytes.next !== bytes.end) throw corrupt(`${bytes.end - bytes.next} bytes follow it`);
  const all = chunks.finish();
  if (all.length === 0) throw corrupt("it is empty");
  if (encoding !== LARGE && all.length === 1 && all[0].length <= INLINE_MAX_BYTES) return inlineList(all[0]);
  return { length: ROOT_BYTES, encoding: LARGE, fill: (into, address) => fillLarge(into, address, all) };
}

/** See DataType.findStored. */
export function findStoredList(
  _memory: ValueMemory,
  rdbType: number,
  packed: RdbBytes,
  into: StoredValue,
): boolean {
  if (rdbType !== RDB_LIST_QUICKLIST_2 || !holdsOneListpack(packed)) return false;
  if (!readOnlyString(packed, storedText)) return false;
  const { buffer, start, length } = storedText;
  if (length > INLINE_MAX_BYTES || checkListpack(buffer, start, length, true) <= 0) return false;
  return into.set(buffer, start, length, INLINE);
}

/** Whether there is one chunk, and it is a listpack. */
function holdsOneListpack(packed: RdbBytes): boolean {
  const { buffer, next, end } = packed;
  packed.next = next + 2;
  return end - next > 2 && buffer[next] === 1 && buffer[next + 1] === PACKED;
}

function inlineList(listpack: Buffer): UnpackedValue {
  return {
    length: listpack.length,
    encoding: INLINE,
    fill({ entries }, address) {
      listpack.copy(entries.valueBuffer(address), entries.valueStart(address));
    },
  };
}

function fillLarge({ blocks, entries }: ValueMemory, address: number, chunks: readonly Buffer[]): void {
  const root = createTree(blocks.slabs);
  const tree = new ChunkTree().open(blocks.slabs, root);
  for (const listpack of chunks) {
    const block = blocks.allocate(listpack.length);
    listpack.copy(blocks.buffer(block), blocks.start(block));
    tree.append(block, headerCount(listpack, 0));
  }
  setRoot(entries, address, root);
}

function readChunks(bytes: RdbBytes, rdbType: number, chunks: UnpackedChunks): void {
  if (rdbType === RDB_LIST_ZIPLIST) {
    chunks.addZiplist(nextString(bytes), false);
    return;
  }
  for (let left = nextLength(bytes); left > 0; left--) {
    const container = rdbType === RDB_LIST_QUICKLIST_2 ? nextLength(bytes) : PACKED;
    const part = nextString(bytes);
    if (rdbType === RDB_LIST) {
      chunks.add(part);
      continue;
    }
    if (part.length === 0) throw corrupt("a chunk is empty");
    if (rdbType === RDB_LIST_QUICKLIST) chunks.addZiplist(part, true);
    else if (container === PACKED) chunks.addListpack(part);
    else if (container === PLAIN) chunks.addAlone(part);
    else throw corrupt(`there is no container ${container}`);
  }
}

const length = new RdbLength();

function nextLength(bytes: RdbBytes): number {
  if (!decodePlainLength(bytes, length)) throw corrupt("it is cut off");
  return length.value;
}

function nextString(bytes: RdbBytes): Buffer {
  const part = decodeString(bytes);
  if (part === undefined) throw corrupt("it is cut off");
  return part;
}

function corrupt(reason: string, cause?: unknown): StorageError {
  return new StorageError("corrupt", `a packed list is damaged: ${reason}`, { cause });
}

/** The listpacks of a list while it is read. */
class UnpackedChunks {
  private readonly chunks: Buffer[] = [];
  private readonly fill: number;
  /** The chunk that elements are added to one by one; empty if there is none. */
  private readonly open = new GrowingBytes();
  private readonly value = new ElementValue();

  constructor(fill: number) {
    this.fill = fill;
  }

  /** A listpack, which stays one chunk if it is not too large. Without elements it is passed over. */
  addListpack(listpack: Buffer): void {
    const count = checkListpack(listpack, 0, listpack.length, true);
    if (count === -1) throw corrupt("a chunk is no listpack");
    if (count === 0) return;
    this.close();
    if (count === 1 || listpack.length <= CHUNK_MAX_BYTES) {
      this.chunks.push(listpack);
      return;
    }
    for (let at = HEADER_BYTES; at < listpack.length - 1; at = view.end) {
      view.read(listpack, 0, at);
      this.addValue(this.value.set(view.buffer, view.start, view.length), NO_FILL);
    }
    this.close();
  }

  /** The elements of a ziplist; `alone`: in chunks of their own. */
  addZiplist(ziplist: Buffer, alone: boolean): void {
    if (alone) this.close();
    const fill = alone ? NO_FILL : this.fill;
    const count = readZiplist(ziplist, (value) => {
      this.addValue(value, fill);
      return true;
    });
    if (count === -1) throw corrupt("a chunk is no ziplist");
    if (alone) this.close();
  }

  add(element: Buffer): void {
    this.addValue(this.value.set(element, 0, element.length), this.fill);
  }

  /** An element in a chunk of its own. */
  addAlone(element: Buffer): void {
    this.close();
    this.add(element);
    this.close();
  }

  finish(): readonly Buffer[] {
    this.close();
    return this.chunks;
  }

  private addValue(value: ElementValue, fill: number): void {
    const { open } = this;
    if (open.length > 0 && !hasRoom(open.length, headerCount(open.buffer, 0), textLength(value), fill))
      this.close();
    if (open.length === 0) createListpack(open);
    appendElement(open, value);
  }

  private close(): void {
    const { open } = this;
    if (open.length > 0) this.chunks.push(Buffer.from(open.bytes()));
    open.resize(0);
  }
}

/** Bytes of the value's text, on which depends where chunks end. */
function textLength(value: ElementValue): number {
  return value.hasText ? value.length : value.integer.textLength;
}

/**
 * RESTORE as a request to another server: whole, or, of a large value, in parts that are made one after the other. For
 * a part only that much memory is needed, but the value is walked twice: its size stands at the beginning of the
 * request.
 */
import { ByteArena } from "../../base/byte-arena.ts";
import { Crc64 } from "../../base/crc64.ts";
import { LARGE_STRING_BYTES } from "../../keyspace/entry-size.ts";
import type { Keyspace } from "../../keyspace/keyspace.ts";
import type { Entries } from "../../memory/entries.ts";
import { NO_SINK } from "../../persistence/gathered-bytes.ts";
import { RdbWriter } from "../../persistence/rdb/writer.ts";
import type { PartSink } from "../../types/data-type.ts";
import { createDump, DUMP_FOOTER_BYTES, dumpVersion } from "../../types/dump-payload.ts";
import { dataTypeOf } from "../../types/registry.ts";
import { isRooted } from "../../types/rooted.ts";
import { STRING } from "../../types/string/string-value.ts";

const STRING_PART_BYTES = 64 * 1024;

/** Holds a packed value while it is copied into the request. */
const arena = new ByteArena();
/** Only to ask whether a value is packed in parts. */
const probe = newPartWriter();

/** Gathers parts of a value. Nothing is compressed: so the same value has the same bytes each time. */
function newPartWriter(): RdbWriter {
  return new RdbWriter(NO_SINK, { compress: false, checksum: false });
}

/** What a request says besides the value. */
export interface RestoreFacts {
  readonly key: Buffer;
  /** Milliseconds; 0 is for ever. */
  readonly timeToLiveMs: number;
  readonly replaces: boolean;
}

/** The request for the entry at `address`. `compress`: the directive `rdbcompression`. */
export function restoreRequest(
  { memory }: Keyspace,
  address: number,
  facts: RestoreFacts,
  compress: boolean,
): Buffer {
  const { type, value, footer } = createDump(memory, address, arena, compress);
  const length = type.length + value.length + footer.length;
  const request = Buffer.concat([headOf(facts, length), type, value, footer, endOf(facts)]);
  arena.reset();
  return request;
}

/** A request of these arguments. */
export function requestOf(...words: (string | Buffer)[]): Buffer {
  const parts = words.flatMap((word) => {
    const bytes = typeof word === "string" ? Buffer.from(word) : word;
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")];
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

function headOf({ key, replaces, timeToLiveMs }: RestoreFacts, payloadBytes: number): Buffer {
  const ttl = String(timeToLiveMs);
  return Buffer.concat([
    Buffer.from(`*${replaces ? 5 : 4}\r\n$7\r\nRESTORE\r\n$${key.length}\r\n`),
    key,
    Buffer.from(`\r\n$${ttl.length}\r\n${ttl}\r\n$${payloadBytes}\r\n`),
  ]);
}

function endOf({ replaces }: RestoreFacts): Buffer {
  return Buffer.from(replaces ? "\r\n$7\r\nREPLACE\r\n" : "\r\n");
}

/** A request in parts. The value must not change, nor leave memory, before `isWhole`. */
export class PartedRestore {
  /** All that is left to send has been made: the entry is no longer needed. */
  isWhole = false;
  /** The value changed before anything was sent: this request is of no use. */
  isSpoilt = false;
  private readonly facts: RestoreFacts;
  private readonly type: number;
  private readonly begin: () => Iterator<void, void>;
  private readonly packed = newPartWriter();
  private readonly checksum = new Crc64();
  private parts: Iterator<void, void>;
  private isMeasuring = true;
  private valueBytes = 0;
  private chunks: Buffer[] = [];

  private constructor(facts: RestoreFacts, type: number, partsTo: (sink: PartSink) => Iterator<void, void>) {
    this.facts = facts;
    this.type = type;
    this.begin = () => partsTo(this.packed);
    this.parts = this.begin();
  }

  /** Undefined if the value is not large. */
  static of({ entries, memory }: Keyspace, address: number, facts: RestoreFacts): PartedRestore | undefined {
    const dataType = dataTypeOf(entries.type(address));
    const type = dataType.rdbTypeOf(memory, address);
    if (dataType.type === STRING) {
      const length = entries.valueLength(address);
      if (length < LARGE_STRING_BYTES) return undefined;
      return new PartedRestore(facts, type, (sink) => {
        sink.appendLength(length);
        return stringParts(entries, address, sink);
      });
    }
    const pack = (sink: PartSink) => dataType.packInParts?.(memory, address, sink);
    if (!isRooted(entries.head(address)) || pack(probe) === undefined) return undefined;
    return new PartedRestore(facts, type, (sink) => pack(sink)!);
  }

  /** Works out some of the size; true when it is known. */
  measure(): boolean {
    const isDone = this.parts.next().done === true;
    this.valueBytes += this.packed.discard();
    if (!isDone) return false;
    this.isMeasuring = false;
    this.parts = this.begin();
    const type = Buffer.of(this.type);
    this.checksum.update(type);
    this.chunks = [headOf(this.facts, type.length + this.valueBytes + DUMP_FOOTER_BYTES), type];
    return true;
  }

  /** The next bytes to send; undefined when all have been. */
  next(): Buffer | undefined {
    if (!this.isWhole) this.makePart();
    if (this.chunks.length === 0) return undefined;
    return Buffer.concat(this.chunks.splice(0));
  }

  /** The value is about to change: makes the rest at once. */
  finish(): void {
    if (this.isMeasuring) this.isSpoilt = true;
    else while (!this.isWhole) this.makePart();
  }

  private makePart(): void {
    this.isWhole = this.parts.next().done === true;
    const part = this.packed.take();
    this.checksum.update(part);
    this.chunks.push(part);
    if (!this.isWhole) return;
    const version = dumpVersion(this.type);
    this.checksum.update(version);
    this.chunks.push(version, this.checksum.digest(), endOf(this.facts));
  }
}

function* stringParts(entries: Entries, address: number, sink: PartSink): Generator<void, void> {
  const length = entries.valueLength(address);
  for (let done = 0; done < length; done += STRING_PART_BYTES) {
    const part = Math.min(STRING_PART_BYTES, length - done);
    sink.appendBytes(entries.valueBuffer(address), entries.valueStart(address) + done, part);
    yield;
  }
}

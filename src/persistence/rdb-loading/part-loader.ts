/**
 * Loads a part of an RDB file into a keyspace that is given away then: what a thread does that helps (part.ts). It
 * stops at what is not for it: at the next part, at an item that is neither entry nor said of entries, or when it has
 * taken the memory that it may. Whatever goes wrong, it has nothing, and the main reading finds out by itself.
 */
import { SystemClock } from "../../base/clock.ts";
import type { FileHandle } from "../../base/files.ts";
import { systemRandom } from "../../base/random.ts";
import { handOver, memoryOf } from "../../keyspace/handover.ts";
import { Keyspace } from "../../keyspace/keyspace.ts";
import { EntryPlace } from "../rdb/entry-scan.ts";
import { type RdbPlace, RdbReader, type RdbRecord } from "../rdb/reader.ts";
import { EntryLoader, LOADING, mostEntries } from "./entry-loader.ts";
import { type PartKeyspace, type PartPort, type PartTask, POSITION_UNIT_BYTES } from "./part.ts";

/** Entries passed over at a time. */
const GROUP_ENTRIES = 64;
/** A smaller share of the file is not worth taking over. */
const LEAST_SHARE = 1 / 16;

/** Where a part begins, and how many entries of its database are announced from there on. */
interface Begin {
  readonly place: RdbPlace;
  readonly announced: number;
}

/** Loads the part, and tells what is to be told. Does not fail. */
export async function loadPart(file: FileHandle, task: PartTask, port: PartPort): Promise<void> {
  try {
    const size = await file.size();
    const begin = await findBegin(file, size, task);
    if (begin === undefined) {
      port.postMessage({ kind: "nothing" });
      return;
    }
    port.postMessage({ kind: "begins", begin: begin.place });
    const keyspace = newKeyspace(task.keyspace);
    const loading = new PartLoading(keyspace, task, port);
    loading.reserve(begin, size);
    const end = await loading.run(file, begin.place);
    const { expired, keys } = loading.loader;
    const part = { end, expired, keys, keyspace: handOver(keyspace) };
    port.postMessage({ kind: "loaded", part }, memoryOf(part.keyspace));
  } catch {
    port.postMessage({ kind: "nothing" });
  }
}

function newKeyspace({ databases, hashSeed, numbers, limits, isLfu, newEntryFlag }: PartKeyspace): Keyspace {
  const clock = new SystemClock();
  const keyspace = new Keyspace({ databases, clock, random: systemRandom, hashSeed, numbers });
  keyspace.expiring = false;
  keyspace.accessClock.lfu = isLfu;
  keyspace.snapshots.newEntryFlag = newEntryFlag;
  Object.assign(keyspace.memory.limits, limits);
  return keyspace;
}

/** Passes over the items up to where the part begins, as far behind the main reading as leaves both equally much. */
async function findBegin(file: FileHandle, size: number, task: PartTask): Promise<Begin | undefined> {
  const { start, number, position, threads } = task;
  const reader = await RdbReader.open(file, {
    ...LOADING,
    start,
    verifyChecksum: false,
    withoutParts: true,
    otherTypes: "skip",
  });
  const places = Array.from({ length: GROUP_ENTRIES }, () => new EntryPlace());
  let announced = 0;
  for (;;) {
    const main = Atomics.load(position, 0) * POSITION_UNIT_BYTES;
    if (reader.position >= main + ((size - main) * number) / (threads + 1)) break;
    const found = reader.scanEntries(places);
    announced -= found;
    if (found > 0) continue;
    const [record] = await reader.readBatch();
    if (record === undefined) return undefined;
    if (record.kind === "select") announced = 0;
    if (record.kind === "resize") announced = record.keys;
  }
  return size - reader.position < size * LEAST_SHARE ? undefined : { place: reader.place, announced };
}

class PartLoading {
  readonly loader: EntryLoader;
  private limit = Number.POSITIVE_INFINITY;
  private readonly keyspace: Keyspace;
  private readonly task: PartTask;
  private readonly port: PartPort;

  constructor(keyspace: Keyspace, task: PartTask, port: PartPort) {
    this.keyspace = keyspace;
    this.task = task;
    this.port = port;
    this.loader = new EntryLoader(keyspace, task);
    port.on("message", ({ limit }) => {
      this.limit = limit;
    });
  }

  /** Makes room in the table for the share of the announced keys that the part will have. */
  reserve({ place, announced }: Begin, size: number): void {
    const { number, reservedKeys, threads } = this.task;
    const most = Math.min(announced, mostEntries(size - place.offset), reservedKeys);
    this.keyspace.databases[place.db].reserve(most / (threads + 1 - number), 0);
  }

  /** Returns where it stopped. */
  async run(file: FileHandle, begin: RdbPlace): Promise<RdbPlace> {
    const { keyspace, loader, port, task } = this;
    const reader = await RdbReader.open(file, {
      ...LOADING,
      start: begin.offset,
      resume: begin,
      verifyChecksum: task.verifyChecksum,
    });
    while (reader.position < this.limit && keyspace.entries.allocatedBytes < task.maxBytes) {
      if (loader.loadSome(reader, this.limit)) continue;
      const { place } = reader;
      const [record] = await reader.readBatch();
      if (record === undefined || !this.load(record)) return place;
      keyspace.refreshClock();
      port.postMessage({ kind: "reached", offset: reader.position });
    }
    return reader.place;
  }

  /** False if the record is for the main reading. */
  private load(record: RdbRecord): boolean {
    if (record.kind === "select") return record.db < this.task.keyspace.databases;
    if (record.kind !== "entry") return record.kind === "resize";
    this.loader.loadEntry(record);
    return true;
  }
}

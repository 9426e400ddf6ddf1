/**
 * Loads the files of an append-only directory into an empty keyspace: RDB files by making their entries, others by
 * giving their commands to an executor. Which files, and what to do about a bad end, is decided by recovery.ts.
 */
import type { FileHandle, Files } from "../base/files.ts";
import { StorageError } from "../base/storage-error.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import { formatOfFile } from "./aof/format.ts";
import { type AofOutcome, AofReader } from "./aof/reader.ts";
import type { AofVerifierOptions, ExtentSource } from "./aof/verifier.ts";
import type { CheckpointMetadata } from "./checkpoint.ts";
import { LoadError } from "./load-error.ts";
import { AUX_TIER, RDB_HEADER_BYTES } from "./rdb/format.ts";
import { RdbReader } from "./rdb/reader.ts";
import { type LoadObserver, loadRdb, type RdbLoadOptions } from "./rdb-loading/rdb-load.ts";

/** Below, a thread that verifies would take longer to begin than it saves. */
const LARGE_FILE_BYTES = 8 * 1024 * 1024;

/** The observer is told after so many commands: a short one may take milliseconds. */
const LOOK_EVERY_COMMANDS = 8;

/** Executes the commands of an append-only file. */
export interface Executor {
  /** Takes the reader's present command. Throws LoadError if there is no such command. */
  add(reader: AofReader): void;
  /** Whether enough was added that `drain` should be awaited. */
  readonly isFull: boolean;
  /** Resolves when all that was added has been executed. */
  drain(): Promise<void>;
  /** A new file begins: database 0 is selected. */
  beginFile(): void;
}

/** The checkpoint that a base file belongs to. Throws LoadError if it does not say. */
export async function readCheckpointMetadata(files: Files, path: string): Promise<CheckpointMetadata> {
  const metadata = await findCheckpointMetadata(files, path);
  if (metadata !== undefined) return metadata;
  throw new LoadError(`${path} does not say which state of the cold tier it belongs to`);
}

/** The same; undefined if it does not say: then it relies on no tier. Throws RdbError, and LoadError if what it says
 * makes no sense. */
export async function findCheckpointMetadata(
  files: Files,
  path: string,
): Promise<CheckpointMetadata | undefined> {
  const file = await files.open(path, "read");
  try {
    const head = Buffer.alloc(RDB_HEADER_BYTES);
    if (formatOfFile(path, head.subarray(0, await file.read(head, 0))) === "aof") return undefined;
    const options = {
      privateOpcodes: true,
      verifyChecksum: false,
      otherTypes: "skip",
      batchRecords: 1,
    } as const;
    const reader = await RdbReader.open(file, options);
    for await (const record of reader) {
      if (record.kind === "aux" && record.key.toString() === AUX_TIER)
        return parseMetadata(record.value.toString());
      // The field comes before the keys. One of these is read, of any type: damage may have made a key of the field.
      if (record.kind === "entry" || record.kind === "tombstone" || record.kind === "end") break;
    }
    return undefined;
  } finally {
    await file.close();
  }
}

function parseMetadata(text: string): CheckpointMetadata {
  try {
    const metadata = JSON.parse(text) as CheckpointMetadata;
    if (Array.isArray(metadata.namespaces) && metadata.namespaces.every((each) => Number.isInteger(each))) {
      return metadata;
    }
  } catch {
    // Said below.
  }
  throw new LoadError("The base file's description of the cold tier is damaged");
}

export interface AofLoadOptions extends RdbLoadOptions {
  /** Bytes from here on are void. */
  readonly end?: number;
  /** Who verifies a large file beside the one that executes its commands; without, that does it itself. */
  readonly openVerifier?: ((task: AofVerifierOptions, file: FileHandle) => Promise<ExtentSource>) | undefined;
}

/** Loads a file of the append-only directory: commands, or an RDB which commands may follow. */
export async function loadAofFile(
  file: FileHandle,
  name: string,
  keyspace: Keyspace,
  executor: Executor,
  options: AofLoadOptions,
): Promise<AofOutcome | undefined> {
  const head = Buffer.alloc(RDB_HEADER_BYTES);
  const count = await file.read(head, 0);
  let start = 0;
  if (formatOfFile(name, head.subarray(0, count)) === "rdb") {
    start = (await loadRdb(file, keyspace, options)).endOffset;
    if (start === (await file.size())) return undefined;
  }
  executor.beginFile();
  const size = Math.min(await file.size(), options.end ?? Number.POSITIVE_INFINITY);
  const extent = { start, ...(options.end === undefined ? {} : { end: options.end }) };
  const isLarge = size - start >= LARGE_FILE_BYTES;
  const verifier = isLarge ? await options.openVerifier?.({ ...extent, name }, file) : undefined;
  const aside = verifier === undefined ? {} : { verifier };
  const reader = await AofReader.open(file, { ...extent, name, reusesChunks: true, ...aside });
  try {
    await execute(reader, executor, options.observer);
  } finally {
    await verifier?.close();
  }
  if (reader.outcome === undefined) throw new StorageError("io", `${name} was not read to its end`);
  return reader.outcome;
}

async function execute(
  reader: AofReader,
  executor: Executor,
  observer: LoadObserver | undefined,
): Promise<void> {
  let commands = 0;
  do {
    while (reader.next()) {
      executor.add(reader);
      commands++;
      if (executor.isFull) await executor.drain();
      else if (commands % LOOK_EVERY_COMMANDS !== 0) continue;
      const pause = observer?.reached(reader.endOffset, commands);
      if (pause !== undefined) await pause;
    }
    await observer?.reached(reader.endOffset, commands);
  } while (await reader.advance());
  await executor.drain();
}

/**
 * What the append-only file does, behind the checkpoint, to keys whose records are lost. A command that changes
 * such a key makes something at the next start that was never there: half of a list, a counter from 0. So does
 * one that reads it to write another key. One that sets the whole value, or deletes the key, makes it right
 * again.
 *
 * Keys that do not come right are to be deleted at the end of the log: `commands` does that.
 */
import { join } from "node:path";
import type { Files } from "../../src/base/files.ts";
import { parseInteger } from "../../src/base/numbers.ts";
import { commandSpecs } from "../../src/commands/all.ts";
import type { CommandSpec } from "../../src/commands/command.ts";
import { keysOfRequest } from "../../src/commands/key-positions.ts";
import { CommandTable } from "../../src/commands/table.ts";
import { KeyHash } from "../../src/memory/key-hash.ts";
import { encodeSelect } from "../../src/persistence/aof/encoder.ts";
import { BLOCKS_HEADER } from "../../src/persistence/aof/format.ts";
import { AofReader } from "../../src/persistence/aof/reader.ts";
import { LoadError } from "../../src/persistence/load-error.ts";
import type { Request } from "../../src/protocol/request.ts";
import type { TierDirectory } from "./directory.ts";
import type { Losses } from "./records.ts";

/** A key that the log leaves with a value which was never there. */
export interface TaintedKey {
  /** The database in which it is at the end of the log. */
  readonly db: number;
  readonly key: Buffer;
  /** Its own record is lost; otherwise it was made of one whose is. */
  readonly isLost: boolean;
}

/** What the log says. */
export interface TailFindings {
  readonly tainted: readonly TaintedKey[];
  /** How much of a file can be used, by name: of those that do not end well. */
  readonly ends: ReadonlyMap<string, number>;
}

/** Renames leave nothing under the old name. */
const MOVES_KEY: ReadonlySet<string> = new Set(["rename", "renamenx", "move"]);

/** Reads all incr files. Throws LoadError if one is damaged, or ends badly though commands follow in another. */
export async function readTail(
  files: Files,
  directory: TierDirectory,
  seed: Buffer,
  losses: ReadonlyMap<number, Losses>,
): Promise<TailFindings> {
  const { logFolder, manifest, metadata } = directory;
  const taint = new Taint(metadata.namespaces, metadata.tier.nextNamespace, seed, losses);
  const ends = new Map<string, number>();
  for (const { end, name } of manifest.incr) {
    const file = await files.open(join(logFolder, name), "read");
    try {
      const reader = await AofReader.open(file, { name, ...(end === undefined ? {} : { end }) });
      taint.beginFile();
      do {
        while (reader.next()) taint.command(reader.request);
      } while (await reader.advance());
      const { outcome } = reader;
      if (outcome === undefined) throw new Error(`the append-only file ${name} has no outcome`);
      // Behind a file that does not end well there may be empty ones.
      if (outcome.size > BLOCKS_HEADER.length) for (const [before] of ends) throw damaged(before);
      if (outcome.kind === "damaged") throw damaged(name);
      if (outcome.kind !== "clean") ends.set(name, outcome.validUpTo);
    } finally {
      await file.close();
    }
  }
  return { tainted: taint.keys(), ends };
}

function damaged(name: string): LoadError {
  return new LoadError(
    `The append-only file ${name} is damaged: repair it first, with tsredis-check-aof --salvage`,
  );
}

/** Commands that delete the keys: a file of the log, without blocks. */
export function deletions(keys: readonly TaintedKey[]): Buffer {
  const parts: Buffer[] = [];
  for (const { db, key } of keys) {
    parts.push(encodeSelect(db), Buffer.from(`*2\r\n$3\r\nDEL\r\n$${key.length}\r\n`), key);
    parts.push(Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

class Taint {
  readonly #table = new CommandTable(commandSpecs);
  readonly #hash: KeyHash;
  /** Namespace of each database. */
  readonly #namespaces: number[];
  #nextNamespace: number;
  /** Lost hashes, by namespace. */
  readonly #lost = new Map<number, ReadonlyMap<number, number>>();
  /** What became of keys since: by namespace and name. */
  readonly #known = new Map<string, { namespace: number; key: Buffer; isTainted: boolean }>();
  #db = 0;

  constructor(
    namespaces: readonly number[],
    nextNamespace: number,
    seed: Buffer,
    losses: ReadonlyMap<number, Losses>,
  ) {
    this.#namespaces = [...namespaces];
    this.#nextNamespace = nextNamespace;
    this.#hash = new KeyHash(seed);
    for (const [db, { cold }] of losses) if (cold.size > 0) this.#lost.set(namespaces[db], cold);
  }

  beginFile(): void {
    this.#db = 0;
  }

  command(request: Request): void {
    const spec = this.#table.find(request)?.spec;
    if (spec === undefined) return;
    switch (spec.name) {
      case "select":
        this.#db = this.#number(request, 1);
        return;
      case "swapdb":
        this.#swap(this.#number(request, 1), this.#number(request, 2));
        return;
      case "flushdb":
        this.#namespaces[this.#db] = this.#nextNamespace++;
        return;
      case "flushall":
        for (const db of this.#namespaces.keys()) this.#namespaces[db] = this.#nextNamespace++;
        return;
      default:
        if (this.#lost.size > 0) this.#keysOf(spec, request);
    }
  }

  /** Those that are tainted now, and in some database. */
  keys(): TaintedKey[] {
    const found: TaintedKey[] = [];
    for (const { isTainted, key, namespace } of this.#known.values()) {
      const db = this.#namespaces.indexOf(namespace);
      if (isTainted && db !== -1) found.push({ db, key, isLost: this.#isLost(namespace, key) });
    }
    return found;
  }

  #keysOf(spec: CommandSpec, request: Request): void {
    const namespace = this.#namespaces[this.#db];
    const keys = (keysOfRequest(spec, request, 0) ?? []).map(({ flags, position }) => {
      const key = request.bytes(position);
      const asked = flags.includes("variable_flags") ? (spec.keyFlagsOf?.(request, 0) ?? flags) : flags;
      const isReplaced = asked.includes("OW") || asked.includes("RM");
      return { namespace, key, isReplaced, isRead: !isReplaced, isWritten: !asked.includes("RO") };
    });
    const foreign = spec.foreignKey?.(request);
    if (foreign !== undefined) {
      const other = this.#namespaces[foreign.dbIndex];
      const key = request.bytes(foreign.position);
      // Of COPY with DB the target is named among the keys, in this database, where it is not touched.
      const named = keys.findIndex((each) => each.isReplaced && each.key.equals(key));
      if (named !== -1) keys.splice(named, 1);
      keys.push({ namespace: other, key, isReplaced: true, isRead: false, isWritten: true });
    }
    const isTainted = keys.some((each) => each.isRead && this.#isTainted(each.namespace, each.key));
    for (const each of keys) {
      if (!each.isWritten) continue;
      const leaves = MOVES_KEY.has(spec.name) && each.isRead;
      this.#set(each.namespace, each.key, isTainted && !leaves);
    }
  }

  #isTainted(namespace: number, key: Buffer): boolean {
    const known = this.#known.get(nameOf(namespace, key));
    return known?.isTainted ?? this.#isLost(namespace, key);
  }

  #isLost(namespace: number, key: Buffer): boolean {
    return this.#lost.get(namespace)?.has(this.#hash.of(key, 0, key.length) >>> 0) === true;
  }

  #set(namespace: number, key: Buffer, isTainted: boolean): void {
    // What was never tainted need not be remembered.
    if (!isTainted && !this.#isTainted(namespace, key)) return;
    const copy = Buffer.from(key);
    this.#known.set(nameOf(namespace, copy), { namespace, key: copy, isTainted });
  }

  #swap(first: number, second: number): void {
    const { [first]: one, [second]: other } = this.#namespaces;
    this.#namespaces[first] = other;
    this.#namespaces[second] = one;
  }

  #number(request: Request, position: number): number {
    return parseInteger(request.buf, request.start[position], request.len[position]);
  }
}

function nameOf(namespace: number, key: Buffer): string {
  return `${namespace} ${key.toString("latin1")}`;
}

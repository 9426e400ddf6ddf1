/** What is in an RDB file: keys by database, type and expiry, and the largest values. Constant memory. */

import { printable } from "../../src/persistence/aof/salvage-run.ts";
import { typeName } from "../../src/persistence/rdb/format.ts";
import type { RdbEntry } from "../../src/persistence/rdb/reader.ts";
import type { Console } from "../shared/console.ts";
import { Largest } from "../shared/largest.ts";
import { rdbTypeText } from "../shared/rdb-check.ts";
import { plural } from "../shared/texts.ts";

const LARGEST = 10;

interface DatabaseStatistics {
  keys: number;
  expires: number;
  /** Bytes of values as they are in the file, or of strings as they are in memory. */
  bytes: number;
}

export class RdbStatistics {
  readonly #databases = new Map<number, DatabaseStatistics>();
  readonly #types = new Map<string, number>();
  readonly #encodings = new Map<string, number>();
  readonly #largest = new Largest<{ db: number; key: string; type: string; bytes: number }>(LARGEST);

  add(entry: RdbEntry): void {
    const { db, type, expireMs } = entry;
    const bytes = entry.value?.length ?? entry.payload?.length ?? 0;
    const database = this.#databases.get(db) ?? { keys: 0, expires: 0, bytes: 0 };
    this.#databases.set(db, database);
    database.keys++;
    database.bytes += bytes;
    if (expireMs !== undefined) database.expires++;
    const name = typeName(type) ?? "unknown";
    this.#types.set(name, (this.#types.get(name) ?? 0) + 1);
    const encoding = rdbTypeText(type);
    this.#encodings.set(encoding, (this.#encodings.get(encoding) ?? 0) + 1);
    if (this.#largest.wants(bytes))
      this.#largest.add(bytes, { db, key: printable(entry.key), type: name, bytes });
  }

  result(): object {
    return {
      databases: Object.fromEntries(this.#databases),
      types: Object.fromEntries(this.#types),
      encodings: Object.fromEntries(this.#encodings),
      largest: this.#largest.sorted(),
    };
  }

  print(console: Console): void {
    console.print("Statistics:");
    for (const [db, { keys, expires, bytes }] of this.#databases)
      console.print(`  database ${db}: ${plural(keys, "key")}, ${expires} with an expiry, ${bytes} bytes`);
    for (const [name, count] of this.#types) console.print(`  ${name}: ${count}`);
    for (const [name, count] of this.#encodings) console.print(`  stored as ${name}: ${count}`);
    for (const { db, key, type, bytes } of this.#largest.sorted())
      console.print(`  largest: ${bytes} bytes, ${type} '${key}' in database ${db}`);
  }
}

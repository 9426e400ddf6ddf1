/** --stats: what the cold tier holds. */
import type { RecordHeader } from "../../src/cold/record.ts";
import { typeName } from "../../src/persistence/rdb/format.ts";
import type { Console } from "../shared/console.ts";
import { plural } from "../shared/texts.ts";

interface OfDatabase {
  records: number;
  bytes: number;
  expires: number;
  largestBytes: number;
  readonly byType: Record<string, number>;
}

export class TierStatistics {
  readonly #databases = new Map<number, OfDatabase>();

  add(db: number, header: RecordHeader, bytes: number): void {
    let of = this.#databases.get(db);
    if (of === undefined) {
      of = { records: 0, bytes: 0, expires: 0, largestBytes: 0, byType: {} };
      this.#databases.set(db, of);
    }
    of.records++;
    of.bytes += bytes;
    of.largestBytes = Math.max(of.largestBytes, bytes);
    if (header.expireMs !== 0) of.expires++;
    const type = typeName(header.type) ?? "unknown";
    of.byType[type] = (of.byType[type] ?? 0) + 1;
  }

  print(console: Console): void {
    for (const [db, { byType, bytes, expires, largestBytes, records }] of this.#databases) {
      const types = Object.entries(byType).map(([type, count]) => `${type} ${count}`);
      console.print(
        `db ${db}: ${plural(records, "record")}, ${bytes} bytes, the largest ${largestBytes}, ${expires} expire; ${types.join(", ")}`,
      );
    }
  }

  result(): object {
    return Object.fromEntries(this.#databases);
  }
}

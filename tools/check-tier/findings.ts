/** What a check finds: problems, each with what is lost by it, listed up to a number and counted beyond. */
import { printable } from "../../src/persistence/aof/salvage-run.ts";
import type { Console } from "../shared/console.ts";
import { asBytes, plural } from "../shared/texts.ts";
import type { LevelProblem } from "./level/structure.ts";

/**
 * What kind of problem: "files" LevelDB's own files; "meta" the tier's stamps; "marker", "undo" what leads back
 * to the checkpoint; "damaged" a record that cannot be read; "misplaced" one under another key's hash; "newer"
 * one written after the checkpoint, which nothing leads back from; "unknown" one that the checkpoint does not
 * know; "missing" one that it knows; "doubtful" one that may be older than what was lost; "tail" a key that the
 * append-only file makes of a lost one; "index" an entry of the expiry index; "count".
 */
export type ProblemKind =
  | "files"
  | "meta"
  | "marker"
  | "undo"
  | "damaged"
  | "misplaced"
  | "newer"
  | "unknown"
  | "missing"
  | "doubtful"
  | "tail"
  | "index"
  | "count";

export interface Problem {
  readonly kind: ProblemKind;
  readonly reason: string;
  readonly file?: string;
  /** Where in the file, and how many bytes. */
  readonly offset?: number;
  readonly length?: number;
  readonly db?: number;
  /** undefined where only its hash is known. */
  readonly key?: Buffer;
  readonly hash?: number;
  /** A key of the data is lost by it. Of records whose key lies in memory too, or is deleted, it is not. */
  losesKey?: boolean;
  /** More than one key is lost by it. */
  readonly keysLost?: number;
}

/** So many are listed; the others are counted. */
const LISTED = 1000;
/** Lines printed of one kind. */
const PRINTED_OF_KIND = 100;

export class Findings {
  readonly problems: Problem[] = [];
  readonly counts = new Map<ProblemKind, number>();
  keysLost = 0;
  /** Names of records that were left out, by database and hash. */
  readonly #names = new Map<string, Buffer>();

  /** The name of a record that was left out: should one with that hash be missing, it is this. */
  noteName(db: number, hash: number, key: Buffer): void {
    this.#names.set(`${db} ${hash}`, key);
  }

  nameOf(db: number, hash: number): Buffer | undefined {
    return this.#names.get(`${db} ${hash}`);
  }

  get isClean(): boolean {
    return this.counts.size === 0;
  }

  add(problem: Problem): void {
    this.counts.set(problem.kind, (this.counts.get(problem.kind) ?? 0) + 1);
    this.keysLost += problem.keysLost ?? (problem.losesKey === true ? 1 : 0);
    if (this.problems.length < LISTED) this.problems.push(problem);
  }

  addLevel(problems: readonly LevelProblem[]): void {
    for (const { file, length, offset, reason } of problems) {
      const size = length === undefined ? "" : ` (${plural(length, "byte")})`;
      this.add({
        kind: "files",
        file,
        reason: offset === undefined ? reason : `offset ${offset}: ${reason}${size}`,
        ...(offset === undefined ? {} : { offset }),
        ...(length === undefined ? {} : { length }),
      });
    }
  }

  print(console: Console): void {
    const printed = new Map<ProblemKind, number>();
    for (const problem of this.problems) {
      const count = (printed.get(problem.kind) ?? 0) + 1;
      printed.set(problem.kind, count);
      if (count <= PRINTED_OF_KIND) console.printBad(lineOf(problem));
    }
    for (const [kind, count] of this.counts) {
      const rest = count - Math.min(PRINTED_OF_KIND, printed.get(kind) ?? 0);
      if (rest > 0) console.print(`and ${plural(rest, "problem")} more of the kind '${kind}'`);
    }
  }

  json(): object[] {
    return this.problems.map(({ key, ...rest }) => ({
      ...rest,
      ...(key === undefined ? {} : { key: printable(key) }),
    }));
  }
}

function lineOf({ db, file, hash, kind, key, losesKey, reason }: Problem): string {
  const what =
    key === undefined
      ? hash === undefined
        ? ""
        : `a key with hash ${hash.toString(16).padStart(8, "0")} of database ${db}: `
      : `key '${printable(key)}' of database ${db}: `;
  const where = file === undefined ? "" : `${asBytes(file)}: `;
  const loss = losesKey === true ? " (lost)" : "";
  return `[${kind}] ${where}${what}${asBytes(reason)}${loss}`;
}

/**
 * The quarantine file of a data directory: bytes that were found damaged, kept for people to look at, and never
 * read by the server. One JSON object on each line:
 *
 *   {"time": "2026-01-31T10:00:00.000Z", "what": "cold record", "reason": "...", "db": 0, "key": "...",
 *    "namespace": 0, "recordKey": base64, "value": base64}
 *
 * `key` is text, or {"base64": "..."} where it is not UTF-8. Absent is what is not known.
 */
import type { Files } from "../base/files.ts";
import { writeFully } from "../base/files.ts";

export const QUARANTINE_FILE = "quarantine.jsonl";

export interface Quarantined {
  readonly what: "cold record" | "append-only file" | "base file" | "table of the cold tier";
  readonly reason: string;
  readonly db?: number;
  readonly key?: Buffer;
  readonly namespace?: number;
  readonly recordKey?: Buffer;
  readonly value?: Buffer;
  readonly file?: string;
  readonly offset?: number;
}

/** Larger values are left where they are: they would not fit into a line. */
const VALUE_MAX_BYTES = 64 << 20;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The line of one piece, with its end. */
export function quarantineLine(piece: Quarantined, nowMs: number): Buffer {
  const { key, recordKey, value, ...rest } = piece;
  const line = {
    time: new Date(nowMs).toISOString(),
    ...rest,
    ...(key === undefined ? {} : { key: textOf(key) }),
    ...(recordKey === undefined ? {} : { recordKey: recordKey.toString("base64") }),
    ...(value === undefined || value.length > VALUE_MAX_BYTES ? {} : { value: value.toString("base64") }),
  };
  return Buffer.from(`${JSON.stringify(line)}\n`);
}

/** Adds lines at the end of the file, durably; makes it where it is missing. */
export async function appendToQuarantine(files: Files, path: string, lines: Buffer): Promise<void> {
  const isNew = (await files.stat(path)) === undefined;
  const file = await files.open(path, isNew ? "create" : "update");
  try {
    await writeFully(file, lines, await file.size());
    await file.datasync();
  } finally {
    await file.close();
  }
  if (isNew) await files.syncDirectory(path.slice(0, path.lastIndexOf("/")) || "/");
}

function textOf(bytes: Buffer): string | { readonly base64: string } {
  try {
    return decoder.decode(bytes);
  } catch {
    return { base64: bytes.toString("base64") };
  }
}

/**
 * HyperLogLogs in entries: finding them, making new ones, and giving the codec hold of their bytes.
 */
import type { Database } from "../../keyspace/database.ts";
import type { Entries } from "../../memory/entries.ts";
import { NOT_A_HYPERLOGLOG, WRONG_TYPE } from "../../protocol/errors.ts";
import {
  EMPTY_BYTES,
  isHyperLogLog,
  markUncounted,
  writeEmpty,
} from "../../types/string/hyperloglog/format.ts";
import { RegisterWriter, type ValueHolder } from "../../types/string/hyperloglog/register-writer.ts";
import { RAW, STRING } from "../../types/string/string-value.ts";
import type { CommandContext } from "../context.ts";

/** The one command at a time that changes a HyperLogLog does it with these. */
export const registerWriter: RegisterWriter = new RegisterWriter();

/** Whether the entry holds what passes for a HyperLogLog; if not, the error was answered. */
export function checkHyperLogLog(ctx: CommandContext, address: number): boolean {
  const { entries } = ctx.keyspace;
  if (entries.type(address) !== STRING) {
    ctx.reply.error(WRONG_TYPE);
    return false;
  }
  const length = entries.valueLength(address);
  if (isHyperLogLog(entries.valueBuffer(address), entries.valueStart(address), length)) return true;
  ctx.reply.error(NOT_A_HYPERLOGLOG);
  return false;
}

/** Redis changes HyperLogLogs in place, so the first command that might makes the string "raw" for good. */
export function makeRaw(ctx: CommandContext, address: number): void {
  const { entries } = ctx.keyspace;
  if (entries.encoding(address) === RAW) return;
  ctx.db.beforeWrite(address);
  entries.setEncoding(address, RAW);
}

/** Creates an empty HyperLogLog under the key in argument 1, which was just looked up. */
export function addEmpty(ctx: CommandContext): number {
  const { buf, start, len } = ctx.request;
  const { entries } = ctx.keyspace;
  const address = ctx.db.add(STRING, buf, start[1], len[1], EMPTY_BYTES, 0);
  writeEmpty(entries.valueBuffer(address), entries.valueStart(address));
  entries.setEncoding(address, RAW);
  return address;
}

/** The bytes of an entry for the codec. One for all: `begin` turns it to another entry. */
class EntryHolder implements ValueHolder {
  private address = 0;
  private db: Database | undefined;
  private entries: Entries | undefined;
  private isChanged = false;

  begin(ctx: CommandContext, address: number): void {
    this.address = address;
    this.db = ctx.db;
    this.entries = ctx.keyspace.entries;
    this.isChanged = false;
    registerWriter.begin();
  }

  get bytes(): Buffer {
    return this.entries!.valueBuffer(this.address);
  }

  get start(): number {
    return this.entries!.valueStart(this.address);
  }

  get length(): number {
    return this.entries!.valueLength(this.address);
  }

  beforeChange(): void {
    if (this.isChanged) return;
    this.isChanged = true;
    this.db!.beforeWrite(this.address);
    const entries = this.entries!;
    if (entries.huge.frozenCount > 0) entries.beforeChange(this.address, 0, this.length);
  }

  resize(length: number): void {
    this.address = this.db!.resizeValue(this.address, length);
  }

  /** The registers are not those that were counted. */
  markUncounted(): void {
    this.beforeChange();
    markUncounted(this.bytes, this.start);
  }
}

export const holder: EntryHolder = new EntryHolder();

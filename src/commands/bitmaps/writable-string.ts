/**
 * The string whose bits a command reads or writes. Writing touches only the bytes that change; what a string grows by
 * is zeros.
 */
import { RAW, STRING, zeroBytes } from "../../types/string/string-value.ts";
import type { CommandContext } from "../context.ts";

/** Whether a lookup found a value of another type. */
export function isNoString(ctx: CommandContext, address: number): boolean {
  return address !== 0 && ctx.keyspace.entries.type(address) !== STRING;
}

/** Bytes of the string at `address`; 0 if the lookup found none. */
export function stringLength(ctx: CommandContext, address: number): number {
  return address === 0 ? 0 : ctx.keyspace.entries.valueLength(address);
}

/**
 * Makes the string under the key in argument 1 at least `length` bytes long, and one that can be written into (which
 * its encoding shows, as in Redis, even if then nothing is written). `address` is what the lookup just made returned:
 * a string, or 0. Returns its address.
 */
export function makeRoom(ctx: CommandContext, address: number, length: number): number {
  const { db } = ctx;
  const { entries } = ctx.keyspace;
  if (address === 0) {
    const { buf, start, len } = ctx.request;
    const created = db.add(STRING, buf, start[1], len[1], length, 0);
    zeroBytes(entries, created, 0, length);
    entries.setEncoding(created, RAW);
    return created;
  }
  const oldLength = entries.valueLength(address);
  const grows = oldLength < length;
  if (!grows && entries.encoding(address) === RAW) return address;
  db.beforeWrite(address);
  const roomy = grows ? db.resizeValue(address, length) : address;
  if (grows) zeroBytes(entries, roomy, oldLength, length);
  entries.setEncoding(roomy, RAW);
  return roomy;
}

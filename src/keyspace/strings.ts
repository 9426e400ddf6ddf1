/**
 * Writing strings into a database: create, overwrite in place where the new bytes fit, keep or replace the expiry.
 * A value of another type gives way wholesale.
 */
import { EXPIRES } from "../memory/entries.ts";
import { fillValue, STRING } from "../types/string/string-value.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

/** `expireMs` argument that leaves the expiry as it is. */
export const KEEP_TTL = -1;

/**
 * Sets `key` to a string. `address` is the key's live entry or 0, as the lookup just made returned it (nothing else
 * was looked up since). `expireMs` is Unix milliseconds, 0 for none, or KEEP_TTL. Returns the entry's address.
 */
export function setString(
  keyspace: Keyspace,
  db: Database,
  address: number,
  key: Buffer,
  keyStart: number,
  keyLength: number,
  value: Buffer,
  valueStart: number,
  valueLength: number,
  encoding: number,
  expireMs: number,
): number {
  const { entries } = keyspace;
  if (address !== 0 && entries.type(address) !== STRING) {
    if (expireMs === KEEP_TTL) expireMs = entries.expireMs(address);
    db.replace(address);
    address = 0;
  }
  if (address === 0) {
    const expiry = expireMs === KEEP_TTL ? 0 : expireMs;
    const created = db.add(STRING, key, keyStart, keyLength, valueLength, expiry);
    fillValue(entries, created, value, valueStart, valueLength);
    entries.setEncoding(created, encoding);
    return created;
  }
  db.beforeWrite(address);
  if (entries.valueLength(address) !== valueLength) address = db.resizeValue(address, valueLength);
  fillValue(entries, address, value, valueStart, valueLength);
  entries.setEncoding(address, encoding);
  if (expireMs === KEEP_TTL) return address;
  if (expireMs !== 0 || (entries.head(address) & EXPIRES) !== 0) return db.setExpiry(address, expireMs);
  return address;
}

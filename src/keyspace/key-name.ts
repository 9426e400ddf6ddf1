/**
 * Keys of all databases as strings, for maps and sets of a few of them: those that somebody watches, waits for or
 * holds.
 */

/** The name of a key: "database:key", one character a byte. */
export function nameOf(dbIndex: number, key: Buffer): string {
  return `${dbIndex}:${key.toString("latin1")}`;
}

/** Whether it is the name of a key of that database. */
export function isNameIn(dbIndex: number, name: string): boolean {
  return name.startsWith(`${dbIndex}:`);
}

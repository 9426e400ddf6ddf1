/**
 * Clients that want to be told of every change to keys with a prefix (CLIENT TRACKING with BCAST), and the keys that
 * changed since they were told last: at the end of each turn, all changes of the turn in one message for each prefix.
 */
import type { Connection } from "../connection.ts";

interface Prefix {
  readonly clients: Set<Connection>;
  /** The keys that changed, each with the client that changed it last (undefined: expiry, eviction, a script). */
  readonly changed: Map<string, Connection | undefined>;
}

/** Sends one message: the keys in the order of their bytes. */
export type SendChanges = (client: Connection, keys: readonly string[]) => void;

/** Keys and prefixes are strings with one character per byte. */
export class Broadcast {
  private readonly prefixes = new Map<string, Prefix>();
  /** The lengths of all prefixes: for each, a changed key is looked up once. */
  private lengths: readonly number[] = [];
  /** Some key changed that somebody is to be told of. */
  hasChanges = false;

  /** Number of prefixes. */
  get size(): number {
    return this.prefixes.size;
  }

  add(client: Connection, prefix: string): void {
    const known = this.prefixes.get(prefix);
    if (known !== undefined) {
      known.clients.add(client);
      return;
    }
    this.prefixes.set(prefix, { clients: new Set([client]), changed: new Map() });
    this.collectLengths();
  }

  remove(client: Connection, prefix: string): void {
    const known = this.prefixes.get(prefix);
    if (known === undefined) return;
    known.clients.delete(client);
    if (known.clients.size > 0) return;
    this.prefixes.delete(prefix);
    this.collectLengths();
  }

  /** A key has changed. */
  note(key: string, changer: Connection | undefined): void {
    for (const length of this.lengths) {
      if (length > key.length) break;
      const prefix = this.prefixes.get(key.slice(0, length));
      if (prefix === undefined) continue;
      prefix.changed.set(key, changer);
      this.hasChanges = true;
    }
  }

  /** Tells everybody what has changed, prefix by prefix in the order of their bytes. */
  send(send: SendChanges): void {
    if (!this.hasChanges) return;
    this.hasChanges = false;
    for (const name of [...this.prefixes.keys()].sort(byBytes)) {
      const { changed, clients } = this.prefixes.get(name)!;
      if (changed.size === 0) continue;
      const all = [...changed.keys()].sort(byBytes);
      for (const client of clients) {
        const isForOthersOnly = client.tracking?.noLoop === true;
        const keys = isForOthersOnly ? all.filter((key) => changed.get(key) !== client) : all;
        if (keys.length > 0) send(client, keys);
      }
      changed.clear();
    }
  }

  private collectLengths(): void {
    const lengths = new Set([...this.prefixes.keys()].map((prefix) => prefix.length));
    this.lengths = [...lengths].sort((first, second) => first - second);
  }
}

function byBytes(first: string, second: string): number {
  return first < second ? -1 : 1;
}

/**
 * Who is subscribed to what: channels, shard channels and patterns by their names, and back from each connection to
 * its own. Names are texts with one character per byte. Most names have one subscriber, which then takes no list.
 */
import type { Connection } from "./connection.ts";
import { PatternIndex } from "./pattern-index.ts";

export type Subscribers = Connection | ReadonlySet<Connection>;

/** What one connection is subscribed to, in the order in which it subscribed. */
export class OwnSubscriptions {
  readonly channels = new Set<string>();
  readonly shardChannels = new Set<string>();
  readonly patterns = new Set<string>();

  get size(): number {
    return this.channels.size + this.shardChannels.size + this.patterns.size;
  }
}

/** Names and their subscribers, who are told of a message in the order in which they came. */
export class Subscriptions {
  private readonly byName = new Map<string, Connection | Set<Connection>>();

  get size(): number {
    return this.byName.size;
  }

  names(): Iterable<string> {
    return this.byName.keys();
  }

  of(name: string): Subscribers | undefined {
    return this.byName.get(name);
  }

  /** How many subscribers the name has. */
  count(name: string): number {
    const present = this.byName.get(name);
    if (present === undefined) return 0;
    return present instanceof Set ? present.size : 1;
  }

  /** The connection must not be subscribed. */
  add(name: string, connection: Connection): void {
    const present = this.byName.get(name);
    if (present === undefined) this.byName.set(name, connection);
    else if (present instanceof Set) present.add(connection);
    else this.byName.set(name, new Set([present, connection]));
  }

  /** The connection must be subscribed. */
  remove(name: string, connection: Connection): void {
    const present = this.byName.get(name);
    if (present instanceof Set && present.size > 1) present.delete(connection);
    else this.byName.delete(name);
  }
}

/** Patterns and their subscribers: each pattern is compared once, however many subscribers it has. */
export class PatternSubscriptions extends Subscriptions {
  private readonly index = new PatternIndex();

  override add(name: string, connection: Connection): void {
    if (this.count(name) === 0) this.index.add(name);
    super.add(name, connection);
  }

  override remove(name: string, connection: Connection): void {
    super.remove(name, connection);
    if (this.count(name) === 0) this.index.remove(name);
  }

  /** Calls back for each pattern that the channel matches: `length` bytes of `source` from `start`. */
  forMatches(
    source: Buffer,
    start: number,
    length: number,
    found: (pattern: Buffer, subscribers: Subscribers) => void,
  ): void {
    this.index.forMatches(source, start, length, ({ bytes, name }) => found(bytes, this.of(name)!));
  }
}

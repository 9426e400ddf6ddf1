/**
 * notify-keyspace-events: publishes events of keys, to `__keyspace@<db>__:<key>` with the event as message, and to
 * `__keyevent@<db>__:<event>` with the key, as the directive asks for one or both.
 */
import { copyBytes, withView } from "../base/byte-copy.ts";
import { EVENT, type KeyEvents } from "../keyspace/key-events.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { PubSub } from "./pubsub.ts";

/** Letters of the directive. */
const CLASSES: Readonly<Record<string, number>> = {
  g: EVENT.generic,
  $: EVENT.string,
  l: EVENT.list,
  s: EVENT.set,
  h: EVENT.hash,
  z: EVENT.sortedSet,
  x: EVENT.expired,
  e: EVENT.evicted,
  t: EVENT.stream,
  d: EVENT.module,
  n: EVENT.newKey,
  m: EVENT.keyMiss,
};
const INITIAL_BYTES = 1024;

export class KeyNotifications implements KeyEvents {
  private readonly keyspace: Keyspace;
  private readonly pubsub: PubSub;
  private classes = 0;
  private toKeyspace = false;
  private toKeyevent = false;
  /** Where channels are put together. */
  private channel = withView(Buffer.allocUnsafeSlow(INITIAL_BYTES));
  /** Bytes of the texts that occur: events, and what stands before keys and events in channels. */
  private readonly texts = new Map<string, Buffer>();

  constructor(keyspace: Keyspace, pubsub: PubSub) {
    this.keyspace = keyspace;
    this.pubsub = pubsub;
  }

  /** @param letters the directive's value, with "A" written out */
  configure(letters: string): void {
    this.classes = 0;
    for (const letter of letters) this.classes |= CLASSES[letter] ?? 0;
    this.toKeyspace = letters.includes("K");
    this.toKeyevent = letters.includes("E");
    const isOn = this.classes !== 0 && (this.toKeyspace || this.toKeyevent);
    this.keyspace.events = isOn ? this : undefined;
  }

  happened(
    eventClass: number,
    name: string,
    dbIndex: number,
    key: Buffer,
    start: number,
    length: number,
  ): void {
    if ((this.classes & eventClass) === 0 || !this.pubsub.hasSubscribers) return;
    // While data is loaded nothing happens that had not happened before.
    if (!this.keyspace.expiring) return;
    const event = this.textOf(name);
    if (this.toKeyspace) {
      const end = this.join(this.textOf(`__keyspace@${dbIndex}__:`), key, start, length);
      this.pubsub.publishBytes(this.channel, end, event, 0, event.length);
    }
    if (this.toKeyevent) {
      const end = this.join(this.textOf(`__keyevent@${dbIndex}__:`), event, 0, event.length);
      this.pubsub.publishBytes(this.channel, end, key, start, length);
    }
  }

  private textOf(text: string): Buffer {
    const known = this.texts.get(text);
    if (known !== undefined) return known;
    const bytes = withView(Buffer.from(text));
    this.texts.set(text, bytes);
    return bytes;
  }

  /** Makes the name of a channel; returns its length. */
  private join(prefix: Buffer, rest: Buffer, start: number, length: number): number {
    const end = prefix.length + length;
    if (end > this.channel.length) this.channel = withView(Buffer.allocUnsafeSlow(2 * end));
    copyBytes(prefix, 0, this.channel, 0, prefix.length);
    copyBytes(rest, start, this.channel, prefix.length, length);
    return end;
  }
}

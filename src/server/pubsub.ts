/**
 * Publish and subscribe, as the commands of the present client ask for it (commands/pubsub).
 *
 * The receivers of a message are found with one look into a map for those of its channel, and some for those of
 * patterns (pattern-index.ts). It is written once for each version of the protocol, and for each pattern; whoever
 * receives it gets it after all that was queued for him before (pushes.ts).
 */
import type { PubSubControl, SubscriptionKind } from "../commands/context.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Request } from "../protocol/request.ts";
import type { Connection } from "./connection.ts";
import type { Pushes, PushMessage } from "./pushes.ts";
import { OwnSubscriptions, PatternSubscriptions, type Subscribers, Subscriptions } from "./subscriptions.ts";

/** The dispatcher, as far as it is needed here. */
export interface PubSubHost {
  readonly client: Connection;
  readonly request: Request;
  readonly reply: ReplyWriter;
  readonly pushes: Pushes;
}

/** Bytes of a buffer. */
class Range {
  buf: Buffer = Buffer.alloc(0);
  start = 0;
  length = 0;

  set(buf: Buffer, start: number, length: number): void {
    this.buf = buf;
    this.start = start;
    this.length = length;
  }

  writeTo(writer: ReplyWriter): void {
    writer.bulkRange(this.buf, this.start, this.length);
  }
}

/** `message`, `smessage` and `pmessage`. One object for all: it is written before the next is published. */
class PublishedMessage implements PushMessage {
  label = "";
  /** Of a `pmessage`. */
  pattern: Buffer | undefined;
  readonly channel = new Range();
  readonly payload = new Range();

  writeTo(writer: ReplyWriter): void {
    const { pattern } = this;
    writer.push(pattern === undefined ? 3 : 4);
    writer.bulkText(this.label);
    if (pattern !== undefined) writer.bulk(pattern);
    this.channel.writeTo(writer);
    this.payload.writeTo(writer);
  }
}

/** What a client is told of its own subscription: `subscribe`, `punsubscribe` and so on. */
class Confirmation implements PushMessage {
  private readonly label: string;
  private readonly name: Buffer | undefined;
  private readonly count: number;

  constructor(label: string, name: Buffer | undefined, count: number) {
    this.label = label;
    this.name = name;
    this.count = count;
  }

  writeTo(writer: ReplyWriter): void {
    writer.push(3);
    writer.bulkText(this.label);
    if (this.name === undefined) writer.null();
    else writer.bulk(this.name);
    writer.integer(this.count);
  }
}

const PREFIXES = { channel: "", pattern: "p", shardChannel: "s" } as const;

export class PubSub implements PubSubControl {
  private readonly host: PubSubHost;
  private readonly channels = new Subscriptions();
  private readonly shardChannels = new Subscriptions();
  private readonly patterns = new PatternSubscriptions();
  private readonly message = new PublishedMessage();
  /** Messages are counted, and not sent: of a script that is debugged on a copy of the data. */
  isMuted = false;

  constructor(host: PubSubHost) {
    this.host = host;
  }

  count(kind: SubscriptionKind): number {
    return this.all(kind).size;
  }

  *names(kind: SubscriptionKind): Iterable<Buffer> {
    for (const name of this.all(kind).names()) yield Buffer.from(name, "latin1");
  }

  subscribers(kind: SubscriptionKind, argument: number): number {
    return this.all(kind).count(this.host.request.text(argument));
  }

  subscribe(kind: SubscriptionKind, argument: number): void {
    const { client, request } = this.host;
    const name = request.text(argument);
    client.subscriptions ??= new OwnSubscriptions();
    const own = ownOf(client.subscriptions, kind);
    if (!own.has(name)) {
      own.add(name);
      this.all(kind).add(name, client);
    }
    client.isSubscribed = true;
    this.confirm(kind, "subscribe", request.bytes(argument));
  }

  unsubscribe(kind: SubscriptionKind, argument: number): void {
    const { client, request } = this.host;
    this.remove(client, kind, request.text(argument));
    this.confirm(kind, "unsubscribe", request.bytes(argument));
    if (client.subscriptions === undefined) client.isSubscribed = false;
  }

  unsubscribeAll(kind: SubscriptionKind): void {
    const { client } = this.host;
    const { subscriptions } = client;
    const names = subscriptions === undefined ? [] : [...ownOf(subscriptions, kind)];
    for (const name of names) {
      this.remove(client, kind, name);
      this.confirm(kind, "unsubscribe", Buffer.from(name, "latin1"));
    }
    if (names.length === 0) this.confirm(kind, "unsubscribe", undefined);
    if (client.subscriptions === undefined) client.isSubscribed = false;
  }

  forget(): void {
    this.forgetClient(this.host.client);
  }

  /** Ends all subscriptions of a connection, without a word. */
  forgetClient(client: Connection): void {
    const { subscriptions } = client;
    if (subscriptions === undefined) return;
    client.subscriptions = undefined;
    client.isSubscribed = false;
    for (const kind of ["channel", "shardChannel", "pattern"] as const) {
      const all = this.all(kind);
      for (const name of ownOf(subscriptions, kind)) all.remove(name, client);
    }
  }

  publish(kind: "channel" | "shardChannel", channel: number, payload: number): number {
    const { buf, start, len } = this.host.request;
    this.message.channel.set(buf, start[channel], len[channel]);
    this.message.payload.set(buf, start[payload], len[payload]);
    return this.publishMessage(kind, this.host.request.text(channel));
  }

  get hasSubscribers(): boolean {
    return this.channels.size > 0 || this.patterns.size > 0;
  }

  /** Publishes `length` bytes of `payload` from `start` on the channel that is the first bytes of `channel`. */
  publishBytes(channel: Buffer, channelLength: number, payload: Buffer, start: number, length: number): void {
    this.message.channel.set(channel, 0, channelLength);
    this.message.payload.set(payload, start, length);
    this.publishMessage("channel", channel.toString("latin1", 0, channelLength));
  }

  /** Publishes what `message` holds on the channel of that name; says how many receive it. */
  private publishMessage(kind: "channel" | "shardChannel", name: string): number {
    const { message, patterns } = this;
    let receivers = 0;
    const subscribers = this.all(kind).of(name);
    if (subscribers !== undefined) {
      message.label = kind === "channel" ? "message" : "smessage";
      message.pattern = undefined;
      receivers += this.deliver(subscribers);
    }
    if (kind === "shardChannel" || patterns.size === 0) return receivers;
    message.label = "pmessage";
    const { buf, start, length } = message.channel;
    patterns.forMatches(buf, start, length, (pattern, matching) => {
      message.pattern = pattern;
      receivers += this.deliver(matching);
    });
    return receivers;
  }

  private deliver(subscribers: Subscribers): number {
    const { pushes } = this.host;
    if (this.isMuted) return subscribers instanceof Set ? subscribers.size : 1;
    pushes.begin(this.message);
    if (!(subscribers instanceof Set)) {
      pushes.deliver(subscribers as Connection);
      return 1;
    }
    for (const connection of subscribers) pushes.deliver(connection);
    return subscribers.size;
  }

  /** Tells the present client: as its reply, or, if it wants none, out of turn. */
  private confirm(kind: SubscriptionKind, what: string, name: Buffer | undefined): void {
    const { client, pushes, reply } = this.host;
    const { subscribedChannels, subscribedPatterns, subscribedShardChannels } = client;
    const count = kind === "shardChannel" ? subscribedShardChannels : subscribedChannels + subscribedPatterns;
    const confirmation = new Confirmation(PREFIXES[kind] + what, name, count);
    if (client.replyMode === "on") confirmation.writeTo(reply);
    else pushes.send(confirmation, client);
  }

  private remove(client: Connection, kind: SubscriptionKind, name: string): void {
    const { subscriptions } = client;
    if (subscriptions === undefined || !ownOf(subscriptions, kind).delete(name)) return;
    this.all(kind).remove(name, client);
    if (subscriptions.size === 0) client.subscriptions = undefined;
  }

  private all(kind: SubscriptionKind): Subscriptions {
    if (kind === "channel") return this.channels;
    return kind === "pattern" ? this.patterns : this.shardChannels;
  }
}

function ownOf(subscriptions: OwnSubscriptions, kind: SubscriptionKind): Set<string> {
  if (kind === "channel") return subscriptions.channels;
  return kind === "pattern" ? subscriptions.patterns : subscriptions.shardChannels;
}

/**
 * Messages of CLIENT TRACKING, in the form in which each client can take them: a push of RESP3, or where they are
 * redirected to a client of RESP2 that is subscribed to something, a message of a channel.
 */
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { ClientRegistry } from "../client-registry.ts";
import type { Connection } from "../connection.ts";
import type { Pushes, PushMessage } from "../pushes.ts";

/** The channel in whose name clients of RESP2 are told. */
const CHANNEL = "__redis__:invalidate";

/** Keys have changed; undefined: all of them. One character per byte. */
class Invalidation implements PushMessage {
  private readonly keys: readonly string[] | undefined;
  private readonly asMessage: boolean;
  /** Protocol of the client whose keys they are: as in Redis, its form of null. */
  private readonly resp: 2 | 3;

  constructor(keys: readonly string[] | undefined, asMessage: boolean, resp: 2 | 3) {
    this.keys = keys;
    this.asMessage = asMessage;
    this.resp = resp;
  }

  writeTo(writer: ReplyWriter): void {
    if (this.asMessage) {
      writer.push(3);
      writer.bulkText("message");
      writer.bulkText(CHANNEL);
    } else {
      writer.push(2);
      writer.bulkText("invalidate");
    }
    this.writeKeys(writer);
  }

  private writeKeys(writer: ReplyWriter): void {
    const { keys } = this;
    if (keys !== undefined) {
      writer.array(keys.length);
      for (const key of keys) writer.bulk(Buffer.from(key, "latin1"));
      return;
    }
    const { resp } = writer;
    if (this.resp === 2) writer.resp = 2;
    writer.null();
    writer.resp = resp;
  }
}

/** Messages can no longer be sent to the client that was named for them. */
class BrokenRedirection implements PushMessage {
  private readonly redirect: number;

  constructor(redirect: number) {
    this.redirect = redirect;
  }

  writeTo(writer: ReplyWriter): void {
    writer.push(2);
    writer.bulkText("tracking-redir-broken");
    writer.integer(this.redirect);
  }
}

export class InvalidationSender {
  private readonly clients: ClientRegistry;
  private readonly pushes: () => Pushes;

  /** @param pushes asked for when there is something to push */
  constructor(clients: ClientRegistry, pushes: () => Pushes) {
    this.clients = clients;
    this.pushes = pushes;
  }

  *trackingClients(): Iterable<Connection> {
    for (const client of this.clients) if (client.tracking !== undefined) yield client;
  }

  /** Tells a tracking client that keys have changed; undefined: all. One character per byte. */
  send(client: Connection, keys: readonly string[] | undefined): void {
    const { tracking } = client;
    if (tracking === undefined || client.isClosed) return;
    const { redirect } = tracking;
    const receiver = redirect === 0 ? client : this.clients.byId(redirect);
    if (receiver === undefined) {
      tracking.isRedirectBroken = true;
      if (client.resp === 3) this.pushes().send(new BrokenRedirection(redirect), client);
      return;
    }
    const canBePushed = receiver.resp === 3;
    if (!canBePushed && (redirect === 0 || !receiver.isSubscribed)) return;
    this.pushes().send(new Invalidation(keys, !canBePushed, client.resp), receiver);
  }
}

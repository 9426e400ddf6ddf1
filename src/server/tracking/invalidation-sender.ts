/**
 * Messages of CLIENT TRACKING, in the form in which each client can take them: a push of RESP3, or where they are
 * redirected to a client of RESP2 that is subscribed to something, a message of a channel.
 */
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { ClientRegistry } from "../client-registry.ts";
import type { Connection } from "../connection.ts";

/** The channel in whose name clients of RESP2 are told. */
const CHANNEL = "__redis__:invalidate";

/** Has `write` write a message to a connection, between its replies. */
export type Push = (connection: Connection, write: (reply: ReplyWriter) => void) => void;

export class InvalidationSender {
  private readonly clients: ClientRegistry;
  private readonly push: Push;

  constructor(clients: ClientRegistry, push: Push) {
    this.clients = clients;
    this.push = push;
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
      if (client.resp === 3) this.push(client, (reply) => writeBroken(reply, redirect));
    } else if (receiver.resp === 3) {
      this.push(receiver, (reply) => {
        reply.push(2);
        reply.bulkText("invalidate");
        // As in Redis, in the form of the client whose keys they are.
        if (keys === undefined) reply.resp = client.resp;
        writeKeys(reply, keys);
      });
    } else if (redirect !== 0 && receiver.isSubscriber) {
      this.push(receiver, (reply) => {
        reply.push(3);
        reply.bulkText("message");
        reply.bulkText(CHANNEL);
        writeKeys(reply, keys);
      });
    }
  }
}

function writeBroken(reply: ReplyWriter, redirect: number): void {
  reply.push(2);
  reply.bulkText("tracking-redir-broken");
  reply.integer(redirect);
}

function writeKeys(reply: ReplyWriter, keys: readonly string[] | undefined): void {
  if (keys === undefined) {
    reply.null();
    return;
  }
  reply.array(keys.length);
  for (const key of keys) reply.bulk(Buffer.from(key, "latin1"));
}

/**
 * Pushes: messages to connections that did not ask for them just now (pub/sub, invalidations). A message is written
 * once for each version of the protocol, and all its receivers get the same bytes (outbox.ts).
 *
 * A push stands between the replies that its connection gets, never within one. To the connection whose command is
 * just executed it goes before that command's reply, and within EXEC before the reply of the part, as in Redis. It is
 * sent even if the connection's replies are not (CLIENT REPLY OFF).
 */
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Connection } from "./connection.ts";
import type { Outbox } from "./outbox.ts";

/** What is pushed: written by `writer.push(n)` and what follows it. */
export interface PushMessage {
  writeTo(writer: ReplyWriter): void;
}

/** The dispatcher, as far as pushes need it. */
export interface PushHost {
  /** Whose command is executed, or was executed last. */
  readonly client: Connection | undefined;
  readonly reply: ReplyWriter;
  readonly outbox: Outbox;
}

/** Where a message lies in a buffer; `end` 0 if it was not yet written. */
class EncodedMessage {
  source: Buffer | undefined;
  start = 0;
  end = 0;
}

export class Pushes {
  private readonly host: PushHost;
  private message: PushMessage | undefined;
  private readonly encoded2 = new EncodedMessage();
  private readonly encoded3 = new EncodedMessage();

  constructor(host: PushHost) {
    this.host = host;
  }

  /** Pushes a message to one connection. */
  send(message: PushMessage, connection: Connection): void {
    this.begin(message);
    this.deliver(connection);
  }

  /** Names the message that `deliver` delivers. */
  begin(message: PushMessage): void {
    this.message = message;
    this.encoded2.end = 0;
    this.encoded3.end = 0;
  }

  /** Pushes the message to a connection: at once in its order, on its way at the end of the turn. */
  deliver(connection: Connection): void {
    if (connection.isClosing || connection.hasEnded) return;
    const { host } = this;
    const encoded = connection.resp === 2 ? this.encoded2 : this.encoded3;
    if (encoded.end === 0) this.encode(encoded, connection.resp);
    if (connection === host.client) this.cutReplies(connection);
    host.outbox.push(connection, encoded.source!, encoded.start, encoded.end);
  }

  private encode(encoded: EncodedMessage, resp: 2 | 3): void {
    const writer = this.host.outbox.pushWriter(resp);
    encoded.start = writer.end;
    this.message!.writeTo(writer);
    encoded.source = writer.buf;
    encoded.end = writer.end;
  }

  /** Queues the replies that the connection has got so far, as far as they are whole, and are to be sent. */
  private cutReplies(connection: Connection): void {
    const { outbox, reply } = this.host;
    const mayVanish = connection.replyMode !== "on" || connection.isInScript;
    const end = mayVanish ? Math.min(reply.replyStart, reply.end) : reply.wholeEnd;
    outbox.cut(connection, end);
    reply.keep(outbox.cutEnd);
  }
}
